"""Which keys act now: for the footer, for the help, and for keys pressed beside the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from vpi_tui.ui.app import VpiApp

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "plus": "+",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "full_stop": ".",
    "comma": ",",
    "left": "Left",
    "right": "Right",
}
_ALWAYS_FIRST = "help"


class KeyHelp(NamedTuple):
    """One line of the help."""

    key: str
    text: str


def bindings_of(node: type[DOMNode]) -> list[Binding]:
    """The bindings that a class itself declares, one for each key, in order."""
    return list(Binding.make_bindings(node.BINDINGS))


def shown(binding: Binding) -> str:
    """A key as it is written for people."""
    if binding.key_display:
        return binding.key_display
    key = binding.key.split(",")[0]
    if key.startswith("ctrl+"):
        return f"^{key[5:].upper()}"
    return _NAMES.get(key, key)


class Keys:
    """The keys of the program and of the page that is shown."""

    def __init__(self, app: VpiApp) -> None:
        self._app = app
        self._clickable: dict[str, tuple[str, DOMNode]] = {}

    def footer(self) -> list[tuple[str, str]]:
        """(key, what it does): help first, then the page's own, then the program's."""
        own = [(b, node) for b, node in self._own() if b.show]
        common = [(b, self._app) for b in bindings_of(type(self._app)) if b.show]
        common.sort(key=lambda pair: pair[0].action != _ALWAYS_FIRST)
        ordered = [*common[:1], *own, *common[1:]]
        self._clickable = {shown(b): (b.action, node) for b, node in ordered}
        return [(shown(b), b.description) for b, _ in ordered]

    def clicked(self, key: str) -> tuple[str, DOMNode]:
        return self._clickable.get(key, ("", self._app))

    def of_page(self, key: str) -> tuple[str, DOMNode]:
        """The action of the page for a key that nobody else took, and who does it; "" = none."""
        return next(((b.action, node) for b, node in self._own() if b.key == key), ("", self._app))

    def _own(self) -> list[tuple[Binding, DOMNode]]:
        """The page's bindings that act now, those of an open detail first."""
        return [
            (binding, node)
            for node in self._app.page.key_nodes()
            for binding in bindings_of(type(node))
            if node.check_action(binding.action.partition("(")[0], ())
        ]

    def help(self) -> list[tuple[str, list[KeyHelp]]]:
        """(title, lines) for the help of the page that is shown."""
        page = self._app.page
        groups = [("This screen", _lines([b for b, _ in self._own()])), ("Lists", _LISTS)]
        if page.FIELDS is not None:
            groups.append(("Filter", [KeyHelp("/", page.FIELDS.help())]))
        groups.append(("Everywhere", _lines(bindings_of(type(self._app)))))
        return [(title, lines) for title, lines in groups if lines]


def _lines(bindings: list[Binding]) -> list[KeyHelp]:
    return [KeyHelp(shown(b), b.tooltip or b.description) for b in bindings if b.description]


_LISTS = [
    KeyHelp("Up Down", "move; also k j, PgUp PgDn, Home End, g G"),
    KeyHelp("Enter", "open the row"),
    KeyHelp("Tab", "the next list"),
]

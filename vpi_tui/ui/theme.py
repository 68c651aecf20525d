"""Themes: styles by name, read from YAML, handed out as Rich styles and as a theme of Textual.

A theme file:

    name: slate
    description: Calm and dark
    dark: true
    extends: another        # optional: start from that theme's styles
    colors: {ink: "#d5dde8"} # optional: names to use below
    styles:
      background: "on #0f141b"
      text: ink
      severity.high: "bold #ff6b70"

A style is [bold|dim|italic|underline|reverse|strike]... [COLOUR] [on COLOUR]; a colour is #rgb, #rrggbb, one
of the sixteen ANSI names, `default`, or a name from `colors`. What may be set: `style_names.STYLE_NAMES`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.style import Style
from textual.theme import Theme as TextualTheme

from vpi_tui.config.paths import themes_dir
from vpi_tui.model.errors import ConfigError
from vpi_tui.ui.style_names import REQUIRED, STYLE_NAMES, SURFACES

DEFAULT_THEME = "slate"
MONO_THEME = "mono"
ANSI_THEME = "sixteen"

ANSI_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ATTRIBUTES = frozenset(["bold", "dim", "italic", "underline", "reverse", "strike"])
_ANSI_NAMES = frozenset([*ANSI_COLORS, *(f"bright_{name}" for name in ANSI_COLORS), "default"])
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_KEYS = ("name", "description", "dark", "extends", "colors", "styles")


@dataclass(frozen=True, slots=True)
class StyleSpec:
    """A parsed style. Colours are "#rrggbb", an ANSI name, "default", or "" for not set."""

    color: str = ""
    ground: str = ""
    attributes: frozenset[str] = frozenset()

    def rich(self) -> Style:
        attributes = dict.fromkeys(self.attributes, True)
        return Style(color=self.color or None, bgcolor=self.ground or None, **attributes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Theme:
    """Every name of STYLE_NAMES is in `styles`, fallbacks resolved. path: the file it was read from."""

    name: str
    description: str
    dark: bool
    styles: Mapping[str, StyleSpec] = field(repr=False)
    path: str = ""

    @property
    def ansi(self) -> bool:
        """True when no style names a hex colour, so that the terminal's own palette rules."""
        return not any(c.startswith("#") for spec in self.styles.values() for c in (spec.color, spec.ground))


class Palette:
    """The Rich styles of one theme; each combination is computed once."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._plain = {name: spec.rich() for name, spec in theme.styles.items()}
        self._on: dict[tuple[str, str], Style] = {}

    def on(self, name: str, surface: str = "background") -> Style:
        """The style `name` as it stands on a surface. An unknown name is drawn as text: no widget may crash.

        A selection with a text colour of its own overrides the colours of the cells that it covers.
        """
        key = (name, surface)
        style = self._on.get(key)
        if style is None:
            style = self._on[key] = self._combine(name, surface)
        return style

    def _combine(self, name: str, surface: str) -> Style:
        ground = self._plain.get(surface, self._plain["background"])
        base = self._plain["background"] + self._plain["text"] + ground
        if name in SURFACES or name not in self._plain:
            return base
        style = base + self._plain[name]
        if surface.startswith("selection") and ground.color is not None:
            style += Style(color=ground.color)
        return style


def load_themes(dirs: Iterable[Path], problems: list[ConfigError] | None = None) -> dict[str, Theme]:
    """Read every *.yaml of `dirs`; a later directory wins over an earlier one by theme name.

    A directory that does not exist is skipped. Raises ConfigError for the first bad file; when `problems` is
    given the errors are put there and the other themes are kept.
    """
    drafts: dict[str, _Draft] = {}
    errors: list[ConfigError] = []
    for directory in dirs:
        for path in sorted(directory.glob("*.yaml")) if directory.is_dir() else ():
            try:
                draft = _read(path)
                drafts[draft.name] = draft
            except ConfigError as error:
                errors.append(error)
    themes: dict[str, Theme] = {}
    for draft in drafts.values():
        try:
            themes[draft.name] = _finish(draft, drafts)
        except ConfigError as error:
            errors.append(error)
    if problems is not None:
        problems.extend(errors)
    elif errors:
        raise errors[0]
    return themes


def theme_dirs(user: Path | None = None) -> list[Path]:
    """Where themes are looked for: those of the program, then the user's directory when it is given."""
    return [themes_dir(), *([user] if user else [])]


def pick_theme(wanted: str, themes: Mapping[str, Theme], environ: Mapping[str, str] = os.environ) -> Theme:
    """The theme to start with; NO_COLOR (no-color.org) asks for mono, few colours for the sixteen.

    Raises ConfigError when `wanted` ("" = the default) is not among the themes.
    """
    if environ.get("NO_COLOR") and MONO_THEME in themes:
        return themes[MONO_THEME]
    if not wanted:
        wanted = ANSI_THEME if few_colors(environ) and ANSI_THEME in themes else DEFAULT_THEME
    if wanted in themes:
        return themes[wanted]
    raise ConfigError(f"There is no theme named {wanted!r}.", hint=f"Themes: {', '.join(sorted(themes))}.")


def few_colors(environ: Mapping[str, str]) -> bool:
    """True when the terminal says that it has no more than sixteen colours."""
    term = environ.get("TERM", "")
    return not environ.get("COLORTERM") and term in (
        "linux",
        "vt100",
        "vt220",
        "ansi",
        "xterm",
        "screen",
        "dumb",
    )


def textual_theme(theme: Theme) -> TextualTheme:
    """The same colours for Textual's own widgets (inputs, dialogs, the command palette)."""
    convert = _ansi_color if theme.ansi else _hex_color

    def color(name: str) -> str:
        return convert(theme.styles[name].color)

    ground, panel = convert(theme.styles["background"].ground), convert(theme.styles["panel"].ground)
    selection = (
        convert(theme.styles["selection"].ground) if theme.styles["selection"].ground else color("accent")
    )
    return TextualTheme(
        name=theme.name,
        primary=color("accent"),
        secondary=color("border"),
        accent=color("accent"),
        warning=color("warning"),
        error=color("error"),
        success=color("good"),
        foreground=color("text"),
        background=ground,
        surface=ground,
        panel=panel,
        dark=theme.dark,
        ansi=theme.ansi,
        variables={
            "border": color("border.focus"),
            "border-blurred": color("border"),
            "block-cursor-background": selection,
            "block-cursor-foreground": convert(theme.styles["selection"].color)
            if theme.ansi
            else color("text"),
            "block-cursor-text-style": "reverse"
            if "reverse" in theme.styles["selection"].attributes
            else "none",
            "input-selection-background": selection,
            "footer-background": panel,
            "text-muted": color("muted"),
            **(_ANSI_VARIABLES if theme.ansi else {}),
        },
    )


_ANSI_VARIABLES = {
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "input-selection-foreground": "ansi_default",
    "screen-selection-background": "ansi_bright_blue",
    "screen-selection-foreground": "ansi_black",
}
"""What Textual makes itself for a theme with colours, and wants to be told for one without."""


def _hex_color(color: str) -> str:
    return color if color.startswith("#") else "ansi_default"


def _ansi_color(color: str) -> str:
    return f"ansi_{color or 'default'}"


# Reading ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Draft:
    """One file, before its fallbacks are resolved."""

    name: str
    path: Path
    lines: dict[str, int]
    description: str = ""
    dark: bool = True
    extends: str = ""
    styles: dict[str, StyleSpec] = field(default_factory=dict)


def _read(path: Path) -> _Draft:
    root = _compose(path)
    lines = {str(key.value): key.start_mark.line + 1 for key, _ in root.value}
    values = {str(key.value): node for key, node in root.value}
    for key, line in lines.items():
        if key not in _KEYS:
            raise _unknown(path, line, "key", key, _KEYS)
    name = _text(path, values["name"]) if "name" in values else path.stem
    draft = _Draft(name, path, lines)
    draft.description = _text(path, values["description"]) if "description" in values else ""
    draft.extends = _text(path, values["extends"]) if "extends" in values else ""
    if "dark" in values:
        draft.dark = _boolean(path, values["dark"])
    colors = {key: _color(path, node, {}, node.value) for key, node in _mapping(path, values.get("colors"))}
    for key, node in _mapping(path, values.get("styles")):
        if key not in STYLE_NAMES:
            raise _unknown(path, node.start_mark.line + 1, "style", key, STYLE_NAMES)
        draft.styles[key] = _style(path, node, colors)
    return draft


def _compose(path: Path) -> yaml.MappingNode:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}.") from error
    except RecursionError:
        raise ConfigError(f"{path}: nested too deep.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not YAML: {getattr(error, 'problem', error)}.") from error
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:1: a theme is a mapping with the keys {', '.join(_KEYS)}.")
    return root


def _mapping(path: Path, node: Any) -> list[tuple[str, Any]]:
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{path}:{node.start_mark.line + 1}: expected a mapping of names.")
    pairs = [(str(key.value), value) for key, value in node.value]
    for name, value in pairs:
        if not isinstance(value, yaml.ScalarNode):
            raise ConfigError(f"{path}:{value.start_mark.line + 1}: {name}: expected one line of text.")
    return pairs


def _text(path: Path, node: Any) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigError(f"{path}:{node.start_mark.line + 1}: expected one line of text.")
    return str(node.value)


def _boolean(path: Path, node: Any) -> bool:
    value = _text(path, node).lower()
    if value not in ("true", "false"):
        raise ConfigError(f"{path}:{node.start_mark.line + 1}: dark: expected true or false, not {value!r}.")
    return value == "true"


def _style(path: Path, node: Any, colors: Mapping[str, str]) -> StyleSpec:
    color = ground = ""
    attributes: set[str] = set()
    words = node.value.split()
    while words:
        word = words.pop(0)
        if word in _ATTRIBUTES:
            attributes.add(word)
        elif word == "on" and words:
            ground = _color(path, node, colors, words.pop(0))
        else:
            color = _color(path, node, colors, word)
    return StyleSpec(color, ground, frozenset(attributes))


def _color(path: Path, node: Any, colors: Mapping[str, str], word: str) -> str:
    if word in colors:
        return colors[word]
    if _HEX.match(word):
        digits = word[1:].lower()
        return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
    if word in _ANSI_NAMES:
        return word
    raise _unknown(
        path, node.start_mark.line + 1, "colour or attribute", word, [*colors, *_ANSI_NAMES, *_ATTRIBUTES]
    )


def _unknown(path: Path, line: int, what: str, word: str, known: Iterable[str]) -> ConfigError:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else "Colours are written #rrggbb." if "col" in what else ""
    return ConfigError(f"{path}:{line}: unknown {what} {word!r}.", hint=hint)


def _finish(draft: _Draft, drafts: Mapping[str, _Draft]) -> Theme:
    given = _inherited(draft, drafts, ())
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        line = draft.lines.get("styles", 1)
        raise ConfigError(f"{draft.path}:{line}: the styles {', '.join(missing)} are missing.")
    styles = {name: _resolve(name, given) for name in STYLE_NAMES}
    return Theme(draft.name, draft.description, draft.dark, styles, str(draft.path))


def _inherited(draft: _Draft, drafts: Mapping[str, _Draft], seen: tuple[str, ...]) -> dict[str, StyleSpec]:
    if not draft.extends:
        return draft.styles
    line = draft.lines["extends"]
    if draft.extends not in drafts:
        raise _unknown(draft.path, line, "theme", draft.extends, drafts)
    if draft.name in seen:
        raise ConfigError(f"{draft.path}:{line}: extends: the themes {', '.join(seen)} extend each other.")
    return _inherited(drafts[draft.extends], drafts, (*seen, draft.name)) | draft.styles


def _resolve(name: str, given: Mapping[str, StyleSpec]) -> StyleSpec:
    while name not in given:
        name = STYLE_NAMES[name].fallback
    return given[name]

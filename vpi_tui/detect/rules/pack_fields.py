"""The readable fields of a pack's rule, each turned into options of the rule language.

Adding a field means one entry in FIELDS. Any keyword of the registry is a field by itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vpi_tui.detect.rules.ast import HeaderText, Option, Refused, RuleSyntax
from vpi_tui.detect.rules.lexer import split_options
from vpi_tui.detect.rules.registry import keywords
from vpi_tui.detect.rules.yamltree import Fields, Items, Node, Scalar
from vpi_tui.model.signature import Scope

_TRUE, _FALSE = frozenset(("true", "yes", "on")), frozenset(("false", "no", "off"))
_ESCAPE = re.compile(r'\\.|[";]', re.S)
_TECHNIQUE = re.compile(r"T[0-9]{4}(?:[._][0-9]{3})?", re.A)
_TACTIC_ID = re.compile(r"TA[0-9]{4}", re.A)


class FieldProblem(Refused):
    """A field that cannot be used; `line` is its own."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule of fields as a rule of text; lines[i] is the line of option i in the pack."""

    syntax: RuleSyntax
    lines: list[int]
    raw: str
    enabled: bool


@dataclass(slots=True)
class _Lines:
    options: list[Option] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, node: Node, text: str) -> None:
        """One option, as text without its `;`."""
        try:
            made = split_options(text + ";")
        except Refused as refused:
            raise FieldProblem(node.line, refused.reason) from None
        if len(made) != 1:
            raise FieldProblem(node.line, f"a `;` must be written `\\;`: {text[:60]!r}")
        self.options += made
        self.lines.append(node.line)


def scalar(node: Node, name: str) -> str:
    """The text of a value that must be one value."""
    if not isinstance(node, Scalar) or not node.text.strip():
        raise FieldProblem(node.line, f"{name}: needs one value")
    return node.text.strip()


def boolean(node: Node, name: str) -> bool:
    """true or false, in YAML's spellings."""
    text = scalar(node, name).lower()
    if text not in _TRUE | _FALSE:
        raise FieldProblem(node.line, f"{name}: true or false, not {text[:40]!r}")
    return text in _TRUE


def listed(node: Node) -> list[Node]:
    """A list, or one value as a list of one."""
    return node.nodes if isinstance(node, Items) else [node]


def unknown_key(name: str, allowed: Iterable[str]) -> str:
    """`unknown key 'mgs', did you mean msg?`"""
    near = difflib.get_close_matches(name[:64], list(allowed), 1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"unknown key {name[:64]!r}{hint}"


def check_keys(node: Fields, allowed: Iterable[str]) -> None:
    """Raises FieldProblem for the first key that is not allowed."""
    known = list(allowed)
    for key, line in node.key_lines.items():
        if key not in known:
            raise FieldProblem(line, unknown_key(key, known))


def _quoted(text: str) -> str:
    """In double quotes, with each `"` and `;` escaped that is not so already."""
    return '"' + _ESCAPE.sub(lambda found: found[0] if len(found[0]) > 1 else "\\" + found[0], text) + '"'


def _msg(out: _Lines, name: str, node: Node) -> None:
    text = scalar(node, name).replace("\\", "\\\\").replace('"', '\\"').replace(";", "\\;")
    out.add(node, f'msg:"{" ".join(text.split())}"')


def _each(out: _Lines, name: str, node: Node) -> None:
    """A keyword whose value is as in the text; a list repeats it; true = without a value."""
    takes_none = keywords()[name].value == "none"
    for item in listed(node):
        if takes_none:
            if boolean(item, name):
                out.add(item, name)
            continue
        text = scalar(item, name)
        out.add(item, name if text == "true" and keywords()[name].value == "optional" else f"{name}:{text}")


def _joined(out: _Lines, name: str, node: Node) -> None:
    out.add(node, f"{name}:{','.join(scalar(item, name) for item in listed(node))}")


def _pcre(out: _Lines, name: str, node: Node) -> None:
    for item in listed(node):
        text = scalar(item, name)
        negated = "!" if text.startswith("!") else ""
        out.add(item, f"pcre:{negated}{_quoted(text.removeprefix('!').lstrip())}")


def _content(out: _Lines, _name: str, node: Node) -> None:
    for item in listed(node):
        if isinstance(item, Fields):
            _one_content(out, item)
        elif isinstance(item, Scalar) and item.text:
            out.add(item, f"content:{_pattern(item)}")
        else:
            raise FieldProblem(item.line, "content: a pattern, or a mapping with `pattern`")


def _pattern(node: Node) -> str:
    # Blanks at the ends of a pattern are part of it.
    if not isinstance(node, Scalar) or not node.text:
        raise FieldProblem(node.line, "pattern: needs one value")
    return _quoted(node.text)


_SWITCHES = ("nocase", "startswith", "endswith", "rawbytes")
_POSITIONS = ("offset", "depth", "distance", "within")


def _one_content(out: _Lines, node: Fields) -> None:
    check_keys(node, ("pattern", "negated", "fast_pattern", *_SWITCHES, *_POSITIONS))
    if "pattern" not in node.nodes:
        raise FieldProblem(node.line, "content: pattern is missing")
    negated = "negated" in node.nodes and boolean(node.nodes["negated"], "negated")
    out.add(node, f"content:{'!' if negated else ''}{_pattern(node.nodes['pattern'])}")
    for key, value in node.nodes.items():
        if key in _SWITCHES and boolean(value, key):
            out.add(value, key)
        elif key in _POSITIONS:
            out.add(value, f"{key}:{scalar(value, key)}")
    if "fast_pattern" in node.nodes:
        # Last: its checks look at the positions.
        value = node.nodes["fast_pattern"]
        text = scalar(value, "fast_pattern")
        if text.lower() not in _FALSE:
            out.add(value, "fast_pattern" if text.lower() in _TRUE else f"fast_pattern:{text}")


def _limit(out: _Lines, name: str, node: Node) -> None:
    if isinstance(node, Scalar):
        out.add(node, f"{name}:{scalar(node, name)}")
        return
    if not isinstance(node, Fields):
        raise FieldProblem(node.line, f"{name}: needs a mapping")
    check_keys(
        node, ("type", "track", "count", "seconds") if name == "threshold" else ("track", "count", "seconds")
    )
    out.add(node, f"{name}:{', '.join(f'{key} {scalar(value, key)}' for key, value in node.nodes.items())}")


def _technique(out: _Lines, name: str, node: Node) -> None:
    for item in listed(node):
        text = scalar(item, name)
        if not _TECHNIQUE.fullmatch(text):
            raise FieldProblem(item.line, f"technique: T1046 or T1021.002, not {text[:40]!r}")
        out.add(item, f"metadata:mitre_technique_id {text}")


def _tactic(out: _Lines, name: str, node: Node) -> None:
    for item in listed(node):
        text = scalar(item, name)
        key = "mitre_tactic_id" if _TACTIC_ID.fullmatch(text) else "mitre_tactic_name"
        out.add(item, f"metadata:{key} {_word(item, text)}")


def _metadata(out: _Lines, _name: str, node: Node) -> None:
    if not isinstance(node, Fields):
        raise FieldProblem(node.line, "metadata: needs a mapping of names to values")
    for key, value in node.nodes.items():
        for item in listed(value):
            out.add(item, f"metadata:{_word(item, key)} {_word(item, scalar(item, key))}")


def _word(node: Node, text: str) -> str:
    if "," in text or ";" in text:
        raise FieldProblem(node.line, f"metadata: no `,` or `;` in {text[:40]!r}")
    return text


Field = Callable[[_Lines, str, Node], None]

FIELDS: dict[str, Field] = {
    "msg": _msg,
    "flow": _joined,
    "content": _content,
    "pcre": _pcre,
    "threshold": _limit,
    "detection_filter": _limit,
    "technique": _technique,
    "tactic": _tactic,
    "metadata": _metadata,
}
"""Fields that need more than `name:value;`."""

_HEADER = ("action", "protocol", "src", "src_port", "dest", "dest_port", "bidirectional")
_BESIDE = ("enabled", "scope")


def compile_fields(node: Fields) -> Compiled:
    """A rule written in fields as options and header. Raises FieldProblem."""
    out = _Lines()
    known = keywords()
    for key, value in node.nodes.items():
        if key in FIELDS:
            FIELDS[key](out, key, value)
        elif key in known:
            _each(out, key, value)
        elif key not in _HEADER and key not in _BESIDE:
            raise FieldProblem(node.key_lines[key], unknown_key(key, (*_HEADER, *_BESIDE, *FIELDS, *known)))
    for needed in ("sid", "msg"):
        if needed not in node.nodes:
            raise FieldProblem(node.line, f"{needed} is missing")
    if "rev" not in node.nodes:
        out.add(node, "rev:1")
    header = _header(node)
    enabled = "enabled" not in node.nodes or boolean(node.nodes["enabled"], "enabled")
    return Compiled(RuleSyntax(header, tuple(out.options)), out.lines, _raw(header, out.options), enabled)


def _header(node: Fields) -> HeaderText:
    def word(key: str, default: str) -> str:
        found = node.nodes.get(key)
        if found is None:
            return default
        if isinstance(found, Items):
            return f"[{','.join(scalar(item, key) for item in found.nodes)}]"
        return "".join(scalar(found, key).split())

    both = "bidirectional" in node.nodes and boolean(node.nodes["bidirectional"], "bidirectional")
    return HeaderText(
        word("action", "alert"),
        word("protocol", "ip"),
        word("src", "any"),
        word("src_port", "any"),
        "<>" if both else "->",
        word("dest", "any"),
        word("dest_port", "any"),
    )


def _raw(header: HeaderText, options: list[Option]) -> str:
    source = f"{header.action} {header.protocol} {header.src} {header.src_port}"
    body = " ".join(f"{name};" if value is None else f"{name}:{value};" for name, value in options)
    return f"{source} {header.arrow} {header.dest} {header.dest_port} ({body})"


_DIRECTIONS = ("any", "east-west", "north-south")


def read_scope(node: Node) -> Scope:
    """The `scope` of a pack or a rule. Raises FieldProblem."""
    if not isinstance(node, Fields):
        raise FieldProblem(node.line, "scope: needs a mapping with direction, switch, guest or tag")
    check_keys(node, ("direction", "switch", "guest", "tag"))
    given = scalar(node.nodes["direction"], "direction") if "direction" in node.nodes else "any"
    if given not in _DIRECTIONS:
        raise FieldProblem(
            node.nodes["direction"].line, f"direction: {', '.join(_DIRECTIONS)}, not {given[:40]!r}"
        )

    def names(key: str) -> tuple[str, ...]:
        return tuple(scalar(item, key) for item in listed(node.nodes[key])) if key in node.nodes else ()

    direction = next(word for word in _DIRECTIONS if word == given)
    return Scope(direction, names("switch"), names("guest"), names("tag"))  # type: ignore[arg-type]

"""policy.yaml: which guests may speak to which, read and written.

    default: deny                # or allow; what no line below names
    allow:
      - from: tag:web            # a guest, tag:NAME, switch:NAME, any-guest, host, world, any; or a list
        to: tag:db
        ports: [tcp/5432]        # tcp/80, udp/1000-1999, icmp, tcp, ip/89; left out = all
    deny:                        # wins over allow
      - {from: any-guest, to: host, ports: [tcp/22]}

`from` is the end that opens the connection; answers need no line of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from vpi_tui.config.document import Mapping, Node, parse_document, read_document
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.policy import (
    LAST_PORT,
    PROTOCOLS,
    WITH_PORTS,
    Action,
    Policy,
    PolicyLine,
    PortRange,
    Selector,
    SelectorKind,
    same_proto,
)

MAX_LINES = 2_000
MAX_ITEMS = 10_000
"""Names and ports in one line."""
MAX_NAME = 128
_TOP = ("default", "allow", "deny")
_LINE = ("from", "to", "ports", "note")
_WORDS: Final[dict[str, SelectorKind]] = {
    "any": "any", "any-guest": "any-guest", "host": "host", "world": "world",
}  # fmt: skip
_PREFIXES: Final[dict[str, SelectorKind]] = {"guest": "guest", "tag": "tag", "switch": "switch"}
_PLAIN = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|[A-Za-z][A-Za-z0-9._-]*)\Z")
_NO_NAMES = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", *_WORDS})
"""Words that YAML or this language would take for something else."""


def read_policy(path: Path) -> Policy:
    """Raises ConfigError for the first thing that is wrong, with file and line."""
    policy, errors = check_policy(path)
    if errors:
        more = f" and {len(errors) - 1:,} more" if len(errors) > 1 else ""
        raise ConfigError(
            f"{errors[0]}{more}", hint=f"`vpi-tui policy check {path}` lists all that is wrong."
        )
    return policy


def check_policy(path: Path) -> tuple[Policy, list[ConfigError]]:
    """The lines that can be read, and an error for each that cannot, in order."""
    try:
        root = read_document(path)
    except ConfigError as error:
        return Policy(str(path)), [error]
    return _policy(root, str(path))


def parse_policy(text: str, path: str) -> tuple[Policy, list[ConfigError]]:
    """The same of text; `path` is where it stands, or will."""
    try:
        root = parse_document(text, path)
    except ConfigError as error:
        return Policy(path), [error]
    return _policy(root, path)


def _policy(root: Node | None, path: str) -> tuple[Policy, list[ConfigError]]:
    if root is None:
        return Policy(path), [ConfigError(f"{path}: is empty; a policy has allow and deny lines.")]
    errors: list[ConfigError] = []
    try:
        top = root.mapping("a policy")
        top.only(_TOP, "a policy")
    except ConfigError as error:
        return Policy(path), [error]
    default: Action = "deny"
    try:
        default = _default(top)
    except ConfigError as error:
        errors.append(error)
    lines: list[PolicyLine] = []
    actions: tuple[Action, ...] = ("allow", "deny")
    for action in actions:
        node = top.get(action)
        for entry in node.items() if node else ():
            try:
                lines.append(_line(entry, action))
            except ConfigError as error:
                errors.append(error)
    if len(lines) > MAX_LINES:
        errors.append(ConfigError(f"{path}:{lines[MAX_LINES].line}: more than {MAX_LINES:,} lines."))
    lines.sort(key=lambda line: line.line)
    place = top.lines.get("default", 1)
    return Policy(path, default, tuple(lines[:MAX_LINES]), place), errors


def _default(top: Mapping) -> Action:
    node = top.get("default")
    if node is None:
        return "deny"
    if node.value == "allow":
        return "allow"
    if node.value == "deny":
        return "deny"
    raise node.error("default must be allow or deny.")


def _line(node: Node, action: Action) -> PolicyLine:
    mapping = node.mapping(f"a line of {action}")
    mapping.only(_LINE, f"a line of {action}")
    src, dest = (_ends(node, mapping, key, action) for key in ("from", "to"))
    ports = mapping.get("ports")
    if ports is not None and not ports.items():
        raise ports.error("ports is empty.", "Leave it out if all ports are meant.")
    return PolicyLine(
        action,
        src,
        dest,
        tuple(dict.fromkeys(p for item in _few(ports) for p in _ports(item))) if ports else (),
        node.line,
    )


def _ends(node: Node, mapping: Mapping, key: str, action: Action) -> tuple[Selector, ...]:
    value = mapping.get(key)
    if value is None or not value.items():
        raise node.error(f"a line of {action} without `{key}`.", f"Add `{key}: any` if all are meant.")
    return tuple(_selector(item) for item in _few(value))


def _few(node: Node) -> Sequence[Node]:
    items = node.items()
    if len(items) > MAX_ITEMS:
        raise node.error(f"more than {MAX_ITEMS:,} values.")
    return items


def _selector(node: Node) -> Selector:
    text = node.text("an end")
    if text in _WORDS:
        return Selector(_WORDS[text])
    prefix, colon, name = text.partition(":")
    kind = _PREFIXES.get(prefix) if colon else None
    name = name if kind else text
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise node.error(
            f"{text[:40]!r} names no end.",
            "An end is a guest, tag:NAME, switch:NAME, any-guest, host, world or any.",
        )
    return Selector(kind or "guest", name)


def _ports(node: Node) -> Iterable[PortRange]:
    text = node.text("a port").strip().lower()
    if text == "any":
        raise node.error("ports: any says nothing.", "Leave ports out if all are meant.")
    name, slash, span = text.partition("/")
    if name == "ip":
        if not _is_number(span) or not 0 <= int(span) <= 255:
            raise node.error(f"{text[:40]!r}: write the number of the protocol, such as ip/89.")
        return [PortRange(same_proto(int(span)))]
    if name not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise node.error(f"{text[:40]!r} is no port.", f"Write tcp/443 or udp/1000-1999; protocols: {known}.")
    proto = PROTOCOLS[name]
    if not slash:
        return [PortRange(proto)]
    if proto not in WITH_PORTS:
        raise node.error(f"{name} has no ports.", f"Write {name} alone.")
    low, dash, high = span.partition("-")
    high = high if dash else low
    if not (_is_number(low) and _is_number(high)) or not int(low) <= int(high) <= LAST_PORT:
        raise node.error(f"{text[:40]!r}: ports are 0 to {LAST_PORT}, one or a range such as 8000-8100.")
    return [PortRange(proto, int(low), int(high))]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


# Writing --------------------------------------------------------------------------------------


def policy_text(policy: Policy, comments: Iterable[str] = ()) -> str:
    """YAML of a policy; the same policy gives the same text. comments: lines above it."""
    out = [f"# {_printable(line)}".rstrip() for line in comments]
    out.append(f"default: {policy.default}")
    for action in ("allow", "deny"):
        lines = sorted(
            (line for line in policy.lines if line.action == action),
            key=lambda line: (line.src, line.dest, line.ports),
        )
        if lines:
            out.append(f"{action}:")
        for line in lines:
            out += [
                f"  - from: {_listed(map(_written, line.src))}",
                f"    to: {_listed(map(_written, line.dest))}",
            ]
            if line.ports:
                out.append(f"    ports: {_flow(map(str, line.ports))}")
    return "\n".join(out) + "\n"


def _written(selector: Selector) -> str:
    if selector.kind == "guest":
        if _PLAIN.match(selector.name) and selector.name.lower() not in _NO_NAMES:
            return selector.name
        return json.dumps(f"guest:{selector.name}", ensure_ascii=False)
    text = str(selector)
    return text if not selector.name or _PLAIN.match(selector.name) else json.dumps(text, ensure_ascii=False)


def _listed(items: Iterable[str]) -> str:
    """One value, or a list of them."""
    found = list(items)
    return found[0] if len(found) == 1 else _flow(found)


def _flow(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)

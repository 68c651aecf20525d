"""A segmentation policy: which ends may open which connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["allow", "deny"]
SelectorKind = Literal["any", "any-guest", "host", "world", "guest", "tag", "switch"]

ICMP, ICMP6 = 1, 58
PROTOCOLS: dict[str, int] = {
    "icmp": ICMP,  # and 58, which means the same to an operator
    "tcp": 6,
    "udp": 17,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "sctp": 132,
}
"""Names of protocols in a policy; others are ip/NUMBER."""
WITH_PORTS = frozenset({6, 17, 132})
LAST_PORT = 65_535


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """Some ends. name: of a guest, tag or switch; "" for the other kinds."""

    kind: SelectorKind
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "guest":
            return self.name
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Ports of the server, inclusive. A protocol without ports has them all."""

    proto: int
    low: int = 0
    high: int = LAST_PORT

    def __str__(self) -> str:
        name = proto_name(self.proto)
        if (self.low, self.high) == (0, LAST_PORT):
            return name
        return f"{name}/{self.low}" if self.low == self.high else f"{name}/{self.low}-{self.high}"

    def holds(self, proto: int, port: int) -> bool:
        return same_proto(proto) == self.proto and self.low <= port <= self.high


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """Who may (allow) or must not (deny) open what to whom. ports: empty = any protocol and port."""

    action: Action
    src: tuple[Selector, ...]
    dest: tuple[Selector, ...]
    ports: tuple[PortRange, ...] = ()
    line: int = 0
    """1-based, in its file."""

    def __str__(self) -> str:
        ends = (", ".join(map(str, side)) for side in (self.src, self.dest))
        return " ".join((" > ".join(ends), ", ".join(map(str, self.ports)) or "any"))


@dataclass(frozen=True, slots=True)
class Policy:
    """A deny line wins over all allow lines; what no line names follows `default`."""

    path: str
    default: Action = "deny"
    lines: tuple[PolicyLine, ...] = ()
    default_line: int = 1
    """Where `default` stands, or the first line of the file."""


def same_proto(number: int) -> int:
    """ICMP of either version is one protocol here."""
    return ICMP if number == ICMP6 else number


def proto_name(number: int) -> str:
    """As a policy writes it."""
    found = next((name for name, proto in PROTOCOLS.items() if proto == number), "")
    return found or f"ip/{number}"

"""The table of keywords. Each module of `keywords/` registers its own; nothing else knows them.

A handler takes the draft of the rule and the text after the colon ("" when there is none), and either
changes the draft or raises Refused.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from vpi_tui.detect.rules.ast import Option, Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.known import KNOWN_KEYWORDS, KNOWN_PROTOCOLS, NEVER
from vpi_tui.model.applications import RULE_WORDS

Handler = Callable[[Draft, str], None]
Value = Literal["required", "optional", "none"]


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of the rule language."""

    name: str
    handler: Handler
    value: Value
    summary: str
    """One line for lists of keywords: the handler's own first line."""


_KEYWORDS: dict[str, Keyword] = {}

PROTOCOLS: dict[str, str] = {
    "ip": "any IPv4 or IPv6 packet",
    "any": "any IPv4 or IPv6 packet",
    "ipv4": "any IPv4 packet",
    "ip4": "any IPv4 packet",
    "ipv6": "any IPv6 packet",
    "ip6": "any IPv6 packet",
    "tcp": "TCP",
    "tcp-pkt": "TCP, packet by packet",
    "tcp-stream": "TCP, reassembled data only",
    "udp": "UDP",
    "icmp": "ICMP or ICMPv6",
    "icmpv4": "ICMP",
    "icmp4": "ICMP",
    "icmpv6": "ICMPv6",
    "icmp6": "ICMPv6",
    "sctp": "SCTP",
    "pkthdr": "any IPv4 or IPv6 packet; broken frames too, in rules about decoder events",
    "ether": "every frame",
    "arp": "ARP",
    "esp": "IPsec ESP",
    "igmp": "IGMP",
    **{word: f"{word} flows" for word in RULE_WORDS},
}
"""Protocol words that rules may start with, and what each means."""


def keyword(*names: str, value: Value = "required") -> Callable[[Handler], Handler]:
    """Register a handler under one or more names. A name taken twice is a programming error."""

    def register(handler: Handler) -> Handler:
        summary = (handler.__doc__ or "").strip().partition("\n")[0]
        for name in names:
            if name in _KEYWORDS:
                raise ValueError(f"keyword {name} is registered twice")
            _KEYWORDS[name] = Keyword(name, handler, value, summary)
        return handler

    return register


@cache
def keywords() -> dict[str, Keyword]:
    """All keywords by name; imports the modules of `keywords/` at the first call."""
    from vpi_tui.detect.rules import keywords as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return _KEYWORDS


def apply(draft: Draft, option: Option, table: Mapping[str, Keyword]) -> None:
    """Let the option's keyword change the draft. Raises Refused, also for a keyword not in `table`."""
    found = table.get(option.name)
    if found is None:
        raise Refused(unknown_keyword(option.name))
    text = option.value
    if found.value == "none" and text:
        raise Refused(f"{option.name}: takes no value, has {text[:40]!r}")
    if found.value == "required" and not text:
        raise Refused(f"{option.name}: needs a value")
    found.handler(draft, text or "")


def unknown_keyword(name: str) -> str:
    """Why a keyword is refused: known to Suricata and not supported yet, or unknown (and what is near)."""
    if name in NEVER:
        return f"keyword {name}: not supported: {NEVER[name]}"
    if name in KNOWN_KEYWORDS:
        return f"keyword {name}: not supported yet"
    near = difflib.get_close_matches(name[:64], [*keywords(), *KNOWN_KEYWORDS], 1, 0.75)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"unknown keyword {name[:64]!r}{hint}"


def check_protocol(name: str) -> None:
    """Raises Refused unless rules for this protocol can be matched."""
    if name in PROTOCOLS:
        return
    if name in KNOWN_PROTOCOLS:
        raise Refused(f"protocol {name}: not supported yet")
    near = difflib.get_close_matches(name[:64], [*PROTOCOLS, *KNOWN_PROTOCOLS], 1)
    hint = f", did you mean {near[0]}?" if near else ""
    raise Refused(f"unknown protocol {name[:64]!r}{hint}")

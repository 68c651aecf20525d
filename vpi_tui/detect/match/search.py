"""In words: what a rule is looked for by, among which packets, and what that costs."""

from __future__ import annotations

from typing import Final, NamedTuple

from vpi_tui.detect.match import fast_pattern
from vpi_tui.detect.match.app_rules import needs_of
from vpi_tui.detect.match.columns import KIND_ICMP4, KIND_ICMP6, KIND_OTHER, KIND_SCTP, KIND_TCP, KIND_UDP
from vpi_tui.detect.match.grouping import narrow_ports
from vpi_tui.detect.match.rule_table import directions_of, kinds_of
from vpi_tui.model.batch import Direction
from vpi_tui.model.signature import Content, Pcre, Signature

_KINDS: Final = {
    KIND_TCP: "TCP", KIND_UDP: "UDP", KIND_ICMP4: "ICMP", KIND_ICMP6: "ICMPv6", KIND_SCTP: "SCTP",
    KIND_OTHER: "other protocols",
}  # fmt: skip
RARE: Final = 28.0
COMMON: Final = 14.0
"""Bits of surprise from which on a pattern is called rare, and below which common."""


class Search(NamedTuple):
    """buffer: where the content is looked for; bits: how rare its piece is (fast_pattern.surprise)."""

    buffer: str
    content: bytes
    piece: bytes
    bits: float


def search_of(signature: Signature) -> Search | None:
    """What the multi-pattern scan looks for; None = nothing: the rule is tried wherever its header fits."""
    found = []
    for buffer in dict.fromkeys(step.buffer for step in signature.steps if isinstance(step, Content)):
        chosen = fast_pattern.choose(signature.steps, buffer)
        if chosen is None:
            continue
        content = signature.steps[chosen.step]
        assert isinstance(content, Content)
        bits = fast_pattern.surprise(chosen.piece)
        explicit = bool(content.fast_pattern or content.fast_pattern_only or content.fast_pattern_chop)
        found.append((explicit, bits, Search(buffer, content.pattern, chosen.piece, bits)))
    return max(found, key=lambda one: one[:2])[2] if found else None


def group_of(signature: Signature) -> str:
    """Which packets or transactions meet the rule."""
    need = needs_of(signature)
    if need is not None:
        return f"{_directions(need.directions)} {' or '.join(need.applications)} transactions"
    kinds = kinds_of(signature)
    named = [word for kind, word in _KINDS.items() if kinds & kind]
    what = "packets of any protocol" if len(named) == len(_KINDS) else f"{' and '.join(named)} packets"
    ports, to_port, from_port = narrow_ports(signature)
    if ports is None:
        return f"{_directions(directions_of(signature))} {what}, any port"
    side = "either" if to_port and from_port else "destination" if to_port else "source"
    spans = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ports.spans[:8])
    more = f" and {len(ports.spans) - 8} more" if len(ports.spans) > 8 else ""
    return f"{_directions(directions_of(signature))} {what}, {side} port {spans}{more}"


def cost_of(signature: Signature) -> str:
    """How often the rule is tried, and what a try takes."""
    search = search_of(signature)
    expressions = sum(isinstance(step, Pcre) for step in signature.steps)
    tried = f"a try takes {len(signature.steps)} steps" if signature.steps else "a try compares header fields"
    if expressions:
        which = "a regular expression" if expressions == 1 else "regular expressions"
        tried += f", {expressions} of them {which}"
    if search is None:
        return f"tried on everything in its group (it has no content to look for); {tried}"
    if search.bits >= RARE:
        often = "seldom tried: the pattern is rare"
    elif search.bits >= COMMON:
        often = "tried now and then: the pattern is of middling rarity"
    else:
        often = "tried often: the pattern is short or common"
    return f"{often} ({search.bits:.0f} bits of surprise in {len(search.piece)} bytes); {tried}"


def _directions(bits: int) -> str:
    server, client = (bits >> d & 1 for d in (Direction.TO_SERVER, Direction.TO_CLIENT))
    return "both directions of" if server and client else "client's" if server else "server's"

"""flow and flowbits: who sent the packet, in which state, and what earlier matches left behind."""

from __future__ import annotations

from typing import Literal, cast

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.sets import Span
from vpi_tui.detect.rules.text import printable
from vpi_tui.model.batch import Direction, FlowState, Fragment
from vpi_tui.model.signature import FlowBits

_TO_SERVER: tuple[Span, ...] = ((int(Direction.TO_SERVER),) * 2,)
_TO_CLIENT: tuple[Span, ...] = ((int(Direction.TO_CLIENT),) * 2,)
_EITHER_WAY: tuple[Span, ...] = ((int(Direction.TO_SERVER), int(Direction.TO_CLIENT)),)
# A connection that was closed has been established; Suricata's test is "this state or a later one".
_ESTABLISHED: tuple[Span, ...] = ((int(FlowState.ESTABLISHED), int(FlowState.CLOSED)),)
_NEW: tuple[Span, ...] = ((int(FlowState.NEW),) * 2,)
_REBUILT: tuple[Span, ...] = ((int(Fragment.REBUILT),) * 2,)

_TESTS: dict[str, tuple[str, tuple[Span, ...], bool]] = {
    "to_server": ("direction", _TO_SERVER, False),
    "from_client": ("direction", _TO_SERVER, False),
    "to_client": ("direction", _TO_CLIENT, False),
    "from_server": ("direction", _TO_CLIENT, False),
    "established": ("state", _ESTABLISHED, False),
    "not_established": ("state", _NEW, False),
    "only_frag": ("fragment", _REBUILT, False),
    "no_frag": ("fragment", _REBUILT, True),
}
"""Word -> column, spans, negated."""
_ANY_STATE: tuple[Span, ...] = ((int(FlowState.NEW), int(FlowState.CLOSED)),)
_OF_FLOWS: tuple[Span, ...] = tuple((number,) * 2 for number in (1, 4, 6, 17, 41, 50, 58, 132))
"""IP protocols whose packets belong to flows, to Suricata."""
_ANY_PROTOCOL = frozenset(("ip", "ip4", "ipv4", "ip6", "ipv6"))
_DIRECTION = "direction"
_INSPECT: dict[str, Literal["packet", "stream"]] = {"only_stream": "stream", "no_stream": "packet"}
_GROUP = {
    "to_server": "direction",
    "from_client": "direction",
    "to_client": "direction",
    "from_server": "direction",
    "established": "state",
    "not_established": "state",
    "stateless": "state",
    "only_frag": "fragments",
    "no_frag": "fragments",
    "only_stream": "stream",
    "no_stream": "stream",
}
"""Word -> what it speaks of; a rule may say one thing of each."""


@keyword("flow")
def flow(draft: Draft, text: str) -> None:
    """Direction and state of the flow: to_server, established, only_stream, ..."""
    draft.once("flow")
    said: dict[str, str] = {}
    for word in (part.strip().lower() for part in text.split(",")):
        group = _GROUP.get(word)
        if group is None:
            raise Refused(f"flow: unknown option {word[:40]!r}; there are {', '.join(_GROUP)}")
        if group in said:
            raise Refused(f"flow: {said[group]} and {word} cannot stand together")
        said[group] = word
        if word in _TESTS:
            column, spans, negated = _TESTS[word]
            draft.test(column, spans, negated=negated)
        elif word in _INSPECT:
            draft.inspect = _INSPECT[word]
    if said.keys() - {_DIRECTION}:
        _of_flow(draft, said)


def _of_flow(draft: Draft, said: dict[str, str]) -> None:
    """More than a direction: each packet is looked at, and it has to be one of a flow."""
    if not any(test.column == "state" for test in draft.columns):
        draft.test("state", _ANY_STATE)
    if _DIRECTION not in said and said.get("state") != "established":
        draft.test(_DIRECTION, _EITHER_WAY)  # of no flow: fragments, and what ends within its header
    if said.get("stream") != "no_stream" and draft.header.protocol.lower() in _ANY_PROTOCOL:
        draft.test("proto", _OF_FLOWS)


_SETTERS = frozenset(("set", "unset", "toggle"))
_OPS = _SETTERS | {"isset", "isnotset"}


@keyword("flowbits")
def flowbits(draft: Draft, text: str) -> None:
    """Set or test a named bit of the flow: set, unset, toggle, isset, isnotset; or noalert."""
    op, comma, rest = (part.strip() for part in text.partition(","))
    op = op.lower()
    if op == "noalert" and not comma:
        draft.noalert = True
        return
    if op not in _OPS:
        raise Refused(
            f"flowbits: unknown action {op[:40]!r}; there are {', '.join(sorted(_OPS))} and noalert"
        )
    names = tuple(printable(name.strip()) for name in rest.split("|"))
    if not all(names) or any(" " in name or "," in name for name in names):
        raise Refused(f"flowbits: not a name: {rest[:40]!r}")
    if len(names) > 1 and op in _SETTERS:
        raise Refused(f"flowbits: {op} takes one name; `|` is for isset and isnotset")
    draft.flowbits.append(FlowBits(cast(Literal["set", "unset", "toggle", "isset", "isnotset"], op), names))


@keyword("noalert", value="none")
def noalert(draft: Draft, _text: str) -> None:
    """Match, and set flowbits, without an alert."""
    draft.noalert, draft.alerts = True, False


@keyword("bypass", value="none")
def bypass(draft: Draft, _text: str) -> None:
    """After a match no rule looks at the flow any more."""
    if "filestore" in draft.seen:
        raise Refused("bypass: of a flow that is passed by no file could be kept (filestore)")
    draft.bypass = True


@keyword("alert", value="none")
def alert(draft: Draft, _text: str) -> None:
    """Alert on a match, as rules do anyway; those that pass do it before they let all else through."""
    draft.noalert, draft.alerts = False, True

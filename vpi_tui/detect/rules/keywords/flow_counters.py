"""flow.pkts, flow.bytes, flow.age: how much a flow has carried, and how old it is."""

from __future__ import annotations

from typing import Final, Literal, cast

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import bits_in
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import FlowNumber

Counter = Literal["pkts", "bytes", "age"]
Side = Literal["toserver", "toclient", "either", "both"]
_U32: Final = 0xFFFFFFFF
_U64: Final = (1 << 64) - 1
_SIDES: Final = {
    "toserver": "toserver", "to_server": "toserver", "toclient": "toclient", "to_client": "toclient",
    "either": "either", "both": "both",
}  # fmt: skip


def _counter(counter: Counter, highest: int, what: str) -> None:
    name = f"flow.{counter}"

    def handler(draft: Draft, text: str) -> None:
        word, comma, number = (part.strip() for part in text.partition(","))
        if not comma or word not in _SIDES:
            raise Refused(f"{name}: needs toserver, toclient, either or both and a number, has {text[:40]!r}")
        side = cast(Side, _SIDES[word])
        draft.checks.append(FlowNumber(counter, side, *bits_in(name, number, highest)))

    handler.__doc__ = f"{what} that the flow has carried so far: toserver|toclient|either|both,>10."
    keyword(name)(handler)
    sides: tuple[Side, ...] = ("toserver", "toclient")
    for side in sides:
        _older(counter, side, highest, what)


def _older(counter: Counter, side: Side, highest: int, what: str) -> None:
    name = f"flow.{counter}_{side}"

    def handler(draft: Draft, text: str) -> None:
        draft.checks.append(FlowNumber(counter, side, *bits_in(name, text, highest)))

    handler.__doc__ = f"{what} that the flow has carried so far {side[:2]} the {side[2:]}: 10, >10, 10-20."
    keyword(name)(handler)


_counter("pkts", _U32, "Packets")
_counter("bytes", _U64, "Bytes of whole frames")


@keyword("flow.age")
def flow_age(draft: Draft, text: str) -> None:
    """Seconds between the first packet of the flow and this one: >60."""
    draft.checks.append(FlowNumber("age", "either", *bits_in("flow.age", text, _U32)))

"""Sticky buffers: what the byte keywords after them look at."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, Draft
from vpi_tui.detect.rules.numbers import bits_in
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import BufferSize

_LARGEST: Final = (1 << 64) - 1
_HEADERS: dict[str, tuple[tuple[str, int], ...]] = {
    "ether.hdr": (),
    "ipv4.hdr": (("ip_v", 4),),
    "ipv6.hdr": (("ip_v", 6),),
    "tcp.hdr": (("proto", 6),),
    "udp.hdr": (("proto", 17),),
    "icmpv4.hdr": (("proto", 1),),
    "icmpv6.hdr": (("proto", 58),),
}
"""Header buffer -> the column values of packets that have it."""


def _header_buffer(name: str, needs: tuple[tuple[str, int], ...]) -> None:
    def handler(draft: Draft, _text: str) -> None:
        draft.look_at(name)
        draft.needs_packet = True
        for column, value in needs:
            draft.test(column, ((value, value),))

    handler.__doc__ = f"The byte keywords after it look at the {name.partition('.')[0]} header."
    keyword(name, value="none")(handler)


for _name, _needs in _HEADERS.items():
    _header_buffer(_name, _needs)


@keyword("pkt_data", value="none")
def pkt_data(draft: Draft, _text: str) -> None:
    """The byte keywords after it look at the payload again."""
    draft.check_asked()
    draft.buffer = PAYLOAD  # which may stand behind base64_data, as no other buffer may


@keyword("bsize")
def bsize(draft: Draft, text: str) -> None:
    """Length of the sticky buffer."""
    if draft.buffer == PAYLOAD:
        raise Refused("bsize: needs a sticky buffer before it; for the payload there is dsize")
    sizes, mask = bits_in("bsize", text, _LARGEST)
    draft.steps.append(BufferSize(draft.buffer, sizes, mask=mask))

"""Hypothesis over decode: run as a program, under the settings of numba that `test_noise` gives it.

NUMBA_DISABLE_JIT=1 python -m tests.decode.noise 200
"""

from __future__ import annotations

import sys

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.decode.batches import packet_batch
from tests.decode.encapsulated import IN_PLACE, IN_TUNNELS
from tests.decode.samples import SAMPLES
from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.kernels import MAX_ROWS_A_PACKET
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.batch import DecodedBatch, LinkType, PacketBatch

KNOWN = {
    **SAMPLES,
    **IN_PLACE,
    **{name: (int(LinkType.ETHERNET), frame) for name, (_, frame) in IN_TUNNELS.items()},
}
LINKS = [*(int(link) for link in LinkType), 147]


def check_rows(packets: PacketBatch, decoded: DecodedBatch) -> None:
    """What holds of every row, whatever was in the frames."""
    count = len(packets.offset)
    assert count <= len(decoded.packet) <= count * MAX_ROWS_A_PACKET
    assert np.array_equal(np.unique(decoded.packet), np.arange(count))
    assert (np.diff(decoded.packet) >= 0).all()
    start = packets.offset[decoded.packet]
    end = start + packets.caplen[decoded.packet]
    for name in ("ip_off", "l4_off", "payload_off"):
        at = getattr(decoded, name)
        assert ((at == -1) | ((at >= start) & (at <= end))).all(), name
    assert (decoded.payload_len >= 0).all()
    assert (decoded.payload_len[decoded.payload_off < 0] == 0).all()
    inside = decoded.payload_off >= 0
    assert (decoded.payload_off + decoded.payload_len <= end)[inside].all()
    assert (decoded.ip_off + decoded.ip_len <= end)[decoded.ip_off >= 0].all()
    assert np.isin(decoded.ip_v, (0, 4, 6)).all()
    untagged = (decoded.vlan_layers == 0) & (decoded.tunnel == 0)
    assert (decoded.vlan[untagged] == 0).all()


def check(frames: list[bytes], link: int, extra: int, tci: int, zero_is_rest: bool) -> None:
    """extra: bytes that were on the wire behind what was captured."""
    lengths = [len(frame) + extra for frame in frames]
    results = []
    for pad in (0, 0xFF):
        packets = packet_batch(frames, link=link, lengths=lengths, vlan_tci=tci, pad=pad)
        decoded = Decoder(zero_length_is_rest=zero_is_rest).decode(packets)
        check_rows(packets, decoded)
        FlowTable(4, seed=1).update(packets, decoded)
        results.append([column.tobytes() for column in decoded])
    assert results[0] == results[1], "bytes outside the frames were looked at"


def mutated(draw: st.DrawFn) -> tuple[int, bytes]:
    """A sample with some bytes changed, cut out or put in."""
    link, frame = KNOWN[draw(st.sampled_from(sorted(KNOWN)))]
    data = bytearray(frame)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.integers(0, 3))
        if kind < 2 and data:
            data[at] = draw(st.one_of(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)), st.integers(0, 255)))
        elif kind == 2:
            del data[at : at + draw(st.integers(1, 20))]
        else:
            data[at:at] = draw(st.binary(max_size=20))
    return link, bytes(data)


FRAMES = st.one_of(
    st.composite(mutated)(),
    st.tuples(st.sampled_from(LINKS), st.binary(max_size=120)),
    st.tuples(st.sampled_from(LINKS), st.sampled_from([f for _, f in KNOWN.values()])),
)


def main(examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        FRAMES,
        st.lists(st.binary(max_size=60), max_size=2),
        st.sampled_from((0, 0, 1, 40, 2**31 - 70_000)),
        st.sampled_from((0, 0, 0x1F00A)),
        st.booleans(),
    )
    def run(frame: tuple[int, bytes], more: list[bytes], extra: int, tci: int, rest: bool) -> None:
        check([frame[1], *more], frame[0], extra, tci, rest)

    with np.errstate(over="ignore"):
        run()


if __name__ == "__main__":
    main(int(sys.argv[1]))

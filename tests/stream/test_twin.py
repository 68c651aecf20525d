"""Whatever segments come, the compiled reassembly does what the naive twin does, and bounds hold."""

from __future__ import annotations

from ipaddress import ip_network

import numba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import decoded_of
from tests.stream.build import NO_SLOTS, feed, finish, packets_of, wanted
from tests.stream.twin import ACK, FIN, PSH, RST, SYN, Segment, Twin
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.os_policy import OsPolicy
from vpi_tui.stream.layout import CELL
from vpi_tui.stream.policies import host_policies
from vpi_tui.stream.reassembly import Reassembler

MILLISECOND = 1_000_000
BASE = (1 << 32) - 300
"""Sequence numbers wrap soon."""
FLAGS = st.sampled_from([ACK, ACK, ACK | PSH, PSH, 0, SYN, SYN | ACK, FIN | ACK, RST, FIN | PSH | ACK])
EXAMPLES = 60 if numba.config.DISABLE_JIT else 300


@st.composite
def segments(draw: st.DrawFn, *, far: bool = False) -> Segment:
    """A segment somewhere near the beginning, of bytes that mostly agree with their position."""
    near = st.one_of(st.integers(-5, 3000), st.integers(0, 12).map(lambda k: k * 20))
    place = draw(near if not far else st.integers(0, (1 << 32) - 1))
    count = draw(st.sampled_from([0, 0, 1, 7, 20, 40, 60, 500, 1460]))
    tint = draw(st.sampled_from([0, 0, 0, 1, 2]))
    return Segment(
        flow=draw(st.integers(0, 2)),
        direction=draw(st.integers(1, 2)),
        flags=draw(FLAGS),
        seq=(BASE + place) % (1 << 32),
        ack=(BASE + draw(st.integers(0, 5000))) % (1 << 32),
        data=bytes((place + k) % 251 ^ tint for k in range(count)),
        ts_ns=draw(st.integers(0, 20)) * 300 * MILLISECOND,
    )


@st.composite
def conversations(draw: st.DrawFn) -> list[list[Segment]]:
    """Batches; times mostly grow, each flow opens once."""
    found = [s for part in draw(st.lists(st.lists(segments(), max_size=8), max_size=6)) for s in part]
    seen: set[int] = set()
    ordered = []
    for number, s in enumerate(found):
        late = number * 20 * MILLISECOND
        ordered.append(
            Segment(
                s.flow, s.direction, s.flags, s.seq, s.ack, s.data, s.ts_ns // 8 + late, s.flow not in seen
            )
        )
        seen.add(s.flow)
    cut = draw(st.integers(1, 8))
    return [ordered[at : at + cut] for at in range(0, len(ordered), cut)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    batches=conversations(),
    lookback=st.sampled_from([0, 3, 100, CELL]),
    depth=st.sampled_from([0, 900, 4000]),
    midstream=st.booleans(),
    policy=st.sampled_from(OsPolicy),
)
def test_does_what_the_twin_does(
    batches: list[list[Segment]], lookback: int, depth: int, midstream: bool, policy: OsPolicy
) -> None:
    hosts = host_policies({policy: [ip_network("0.0.0.0/0"), ip_network("::/0")]})
    streams = Reassembler(4, 1 << 20, wanted(lookback), depth=depth, midstream=midstream, hosts=hosts)
    twin = Twin(lookback=lookback, depth=depth, midstream=midstream, policy=policy)
    for batch in batches:
        assert feed(streams, batch) == twin.run(batch)
    assert finish(streams) == twin.finish()
    assert streams.waits() == 0


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    batches=st.lists(
        st.lists(st.one_of(segments(), segments(far=True)), max_size=12), min_size=1, max_size=6
    ),
    opened=st.lists(st.integers(0, 2)),
)
def test_memory_is_bounded_and_given_back(batches: list[list[Segment]], opened: list[int]) -> None:
    streams = Reassembler(3, 0, wanted(64), midstream=True)
    feed(streams, [Segment(flow, 1, 0, 0, first=True) for flow in range(3)])
    for number, batch in enumerate(batches):
        ended = [flow for flow in opened if flow % len(batches) == number]
        for stretch in feed(streams, batch, ended)[0]:
            assert stretch.new
            assert stretch.offset >= 0
    finish(streams)
    assert streams.waits() == 0
    feed(streams, [], [0, 1, 2])
    assert streams.memory() == 0


@pytest.mark.parametrize("flows", [40, 400])
def test_when_memory_is_used_up_others_lose_theirs_and_it_is_counted(flows: int) -> None:
    """A hole in each flow, and more bytes behind the holes than there is memory for."""
    streams = Reassembler(flows, 0, wanted(64))
    opening = [Segment(flow, 1, SYN, 0, first=True) for flow in range(flows)]
    early = [Segment(flow, 1, ACK, 1001, data=bytes(8000)) for flow in range(flows)]
    feed(streams, opening)
    _, taken = feed(streams, early)
    stats = streams.stats()
    most = 256 * CELL
    assert streams.memory() <= most
    assert sum(taken) == flows
    assert stats["tcp.stream_evicted"] >= flows - most // 8000
    assert stats["tcp.bytes_not_inspected"] == 8000 * stats["tcp.stream_evicted"]
    assert sum(len(s.new) for s in finish(streams)) == 8000 * (flows - stats["tcp.stream_evicted"])


@pytest.mark.parametrize(("app", "keeps"), [("", True), ("smb", True), ("http", False)])
def test_a_window_is_kept_where_no_parser_divides_the_stream(app: str, keeps: bool) -> None:
    streams = Reassembler(1, 1 << 20, wanted(0))
    opens = Segment(0, 1, SYN, 999, first=True)
    packets = packets_of([opens, Segment(0, 1, PSH | ACK, 1000, data=b"x" * 1_000)])
    for packet in packets:
        packet.app = APP_PROTOS.index(app)
    streams.update(*decoded_of(packets), NO_SLOTS)
    assert (streams.memory() > 0) == keeps


def test_what_waits_behind_holes_makes_room_for_others_that_hold_less() -> None:
    streams, victim = Reassembler(64, 1 << 20, wanted(20)), 20

    def opened(flow: int) -> list[Segment]:
        return [Segment(flow, 1, SYN, 999, first=True)]

    feed(streams, [*opened(victim), Segment(victim, 1, ACK, 1006, data=b"word")])
    others = [flow for flow in range(64) if flow != victim]
    feed(streams, [one for flow in others for one in opened(flow)])
    for part in range(30):
        feed(streams, [Segment(flow, 1, ACK, 1100 + 1400 * part, data=b"z" * 1400) for flow in others])
    assert streams.stats()["tcp.stream_evicted"] > 64
    stretches, _ = feed(streams, [Segment(victim, 1, ACK | PSH, 1000, data=b"secret")])
    assert [stretch.new for stretch in stretches] == [b"secretword"]

"""DemoSource: pacing, looping, and frames that a second opinion (scapy) finds sound."""

from __future__ import annotations

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.utils import RawPcapNgReader, RawPcapReader

from vpi_tui.capture.demo import apart, hosts
from vpi_tui.capture.demo.attacks import STAGES
from vpi_tui.capture.demo.scenario import FIXED_START_NS, LOOP_SECONDS, build, write_demo_pcap
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.capture.demo.timeline import shift
from vpi_tui.model.errors import CaptureError


class Clock:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 5_000_000_000

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


@pytest.fixture(scope="module")
def reel():
    return build()


def _frame(reel, row: int) -> bytes:
    start = reel.offset[row]
    return reel.arena[start : start + reel.length[row]].tobytes()


def _rebuilt(frame: bytes) -> bytes:
    """The frame with all checksums computed anew by scapy."""
    packet = Ether(frame)
    for layer in (IP, TCP, UDP):
        if layer in packet:
            del packet[layer].chksum
    return bytes(packet)


def _sample(reel, count: int) -> np.ndarray:
    return np.random.default_rng(3).choice(len(reel.offset), count, replace=False)


def test_checksums_are_those_of_scapy(reel):
    for row in _sample(reel, 250):
        frame = _frame(reel, row)
        assert _rebuilt(frame) == frame


def test_a_shifted_loop_keeps_checksums_and_changes_ports():
    reel = build(attacks=False)
    rows = _sample(reel, 250)
    before = [_frame(reel, row) for row in rows]
    for _ in range(2):
        shift(reel, slice(0, len(reel.offset)))
    moved = 0
    for row, old in zip(rows, before, strict=True):
        new = _frame(reel, row)
        assert _rebuilt(new) == new
        moved += new != old
    assert moved > 200


def test_the_same_seed_gives_the_same_bytes(reel):
    again = build()
    assert np.array_equal(again.arena, reel.arena)
    assert np.array_equal(again.at_ns, reel.at_ns)
    assert not np.array_equal(build(seed=21).at_ns, reel.at_ns)


def test_each_frame_enters_at_the_port_of_its_sender(reel):
    port_of = {guest.mac: guest.ifindex for guest in hosts.GUESTS}
    gateways = {g.mac: g.ifindex for g in (hosts.GATEWAY_PROD, hosts.GATEWAY_OPS)}
    for row in _sample(reel, 400):
        mac = int.from_bytes(_frame(reel, row)[6:12], "big")
        assert (port_of | gateways)[mac] == reel.ifindex[row]


def test_tcp_acknowledges_what_was_sent(reel):
    """Replays every stream with a small state machine: no gap, no acknowledgement of the unsent."""
    expected: dict[tuple, int] = {}
    checked = 0
    for row in range(len(reel.offset)):
        if reel.seq_at[row] < 0:
            continue
        frame = _frame(reel, row)
        l4 = int(reel.seq_at[row] - 4 - reel.offset[row])
        sport, dport = (
            int.from_bytes(frame[l4 : l4 + 2], "big"),
            int.from_bytes(frame[l4 + 2 : l4 + 4], "big"),
        )
        seq, ack = (int.from_bytes(frame[l4 + n : l4 + n + 4], "big") for n in (4, 8))
        flags, size = frame[l4 + 13], len(frame) - l4 - (frame[l4 + 12] >> 4) * 4
        v6 = frame[12:14] == b"\x86\xdd"
        src, dest = (
            (frame[l4 - 32 : l4 - 16], frame[l4 - 16 : l4])
            if v6
            else (frame[l4 - 8 : l4 - 4], frame[l4 - 4 : l4])
        )
        mine, other = (src, sport, dest, dport), (dest, dport, src, sport)
        if not flags & 2:
            assert flags & 4 or seq == expected[mine]
            checked += 1
        if flags & 16 and other in expected:
            assert ack == expected[other]
        expected[mine] = (seq + size + bool(flags & 3)) & 0xFFFF_FFFF
    assert checked > 50_000


def test_scapy_reads_every_kind_of_frame(reel):
    """One frame of each ethertype, protocol and message type."""
    kinds = {}
    for row in range(len(reel.offset)):
        frame = _frame(reel, row)
        kinds[frame[12:15], frame[20:21], frame[23:24], frame[34:35], frame[54:55]] = frame
    seen = set()
    for frame in kinds.values():
        seen |= {type(layer) for layer in Ether(frame).iterpayloads()}
    assert {IP, IPv6, TCP, UDP, ARP, Dot1Q, ICMPv6EchoRequest, ICMPv6ND_NS} <= seen


def test_quiet_start_and_first_attack_soon(reel):
    assert 2.0 < min(stage.start for stage in STAGES.values()) < 5.0
    assert reel.at_ns[0] >= 0
    assert reel.at_ns[-1] < LOOP_SECONDS * 1e9
    assert 1_000 < len(reel.offset) / LOOP_SECONDS < 3_000


def test_pace_follows_the_clock(reel):
    clock = Clock()
    source = DemoSource(speed=2.0, start_ns=FIXED_START_NS, clock=clock, wait=clock.wait)
    source.open()
    last = 0
    while clock.now < 8_000_000_000:
        batch = source.read(0.1)
        if batch is not None:
            last = int(batch.ts_ns[-1])
    assert 5.8e9 < last - FIXED_START_NS <= 6.3e9


def test_pause_holds_and_goes_on_where_it_was():
    clock = Clock()
    source = DemoSource(start_ns=0, clock=clock, wait=clock.wait)
    source.open()
    first = source.read(1.0)
    assert first is not None
    source.paused = True
    clock.now += 20_000_000_000
    assert source.read(0.5) is None
    source.paused = False
    clock.now += 10_000_000
    batch = source.read(0.1)
    assert batch is not None
    assert batch.ts_ns[0] < first.ts_ns[-1] + 200_000_000


def test_unpaced_can_be_paused():
    source = DemoSource(speed=0, start_ns=0)
    source.open()
    source.read(0)
    source.paused = True
    assert source.read(0) is None
    source.speed = 0
    source.paused = False
    assert source.read(0) is not None


def test_loops_go_on_in_time_and_end(reel):
    source = DemoSource(speed=0, loops=2, start_ns=FIXED_START_NS)
    source.open()
    count, last = 0, 0
    while not source.exhausted:
        batch = source.read(0)
        assert batch is not None
        assert batch.ts_ns[0] >= last
        assert (np.diff(batch.ts_ns) >= 0).all()
        last = int(batch.ts_ns[-1])
        count += len(batch.offset)
    assert count == 2 * len(reel.offset)
    assert source.read(0) is None
    assert source.error is None
    done, total = source.position()
    assert done == total > 0


def test_misuse_is_named():
    with pytest.raises(CaptureError, match="not open"):
        DemoSource().read(0)
    with pytest.raises(CaptureError, match="no sense"):
        DemoSource(speed=-1)
    source = DemoSource()
    source.open()
    source.close()
    source.close()
    assert source.exhausted
    assert source.read(0) is None


def test_topology_names_every_port(reel):
    topology = hosts.topology()
    assert {p.ifindex for p in topology.ports} >= set(reel.ifindex.tolist())
    assert {g.switch for g in topology.guests} == {s.name for s in topology.switches}
    assert len({p.ifindex for p in topology.ports}) == len(topology.ports)
    assert sum(p.uplink for p in topology.ports) == 2


@pytest.mark.parametrize(("name", "reader"), [("demo.pcap", RawPcapReader), ("demo.pcapng", RawPcapNgReader)])
def test_capture_files_hold_the_frames(tmp_path, reel, name, reader):
    path = tmp_path / name
    count = write_demo_pcap(path)
    assert count == len(reel.offset)
    with reader(str(path)) as packets:
        for row, (data, _) in zip(range(500), packets, strict=False):
            assert data == _frame(reel, row)


def test_another_process_builds_the_same(reel):
    built = apart.build_apart(20)
    for name, mine, theirs in zip(reel._fields, reel, built, strict=True):
        assert np.array_equal(mine, theirs), name
        assert np.asarray(mine).dtype == np.asarray(theirs).dtype, name
    shift(built, slice(None))  # its columns can be written
    assert not np.array_equal(built.arena, reel.arena)


def test_what_no_other_process_can_build_is_built_here(reel, monkeypatch):
    monkeypatch.setattr(apart.sys, "executable", "/no/such/python")
    assert np.array_equal(apart.build_apart(20).arena, reel.arena)

"""Fragments become the datagram that the receiver sees; its policy says which of overlapping bytes count."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Packet, Raw

from tests.decode.batches import packet_batch
from tests.stream.scanning import Connection, numbers, scan
from vpi_tui.decode.decoder import Decoder
from vpi_tui.model.batch import DecoderEvent, Fragment, LinkType
from vpi_tui.model.os_policy import OsPolicy
from vpi_tui.stream import kernels_defrag
from vpi_tui.stream.defrag import Defragmenter
from vpi_tui.stream.policies import host_policies

DATA = bytes(range(256)) * 12
SRC, DST = "10.0.0.1", "10.0.0.2"
Piece = tuple[int, bytes, bool]
"""Offset in bytes, data, more fragments."""


def fresh(**limits: int) -> Defragmenter:
    return Defragmenter(Decoder().decode, **limits)


def rebuilt(
    defrag: Defragmenter, frames: Sequence[bytes], *, link: int = LinkType.IPV4, times: Sequence[int] = ()
) -> list[tuple[int, bytes, int]]:
    """(packet, payload, destination port) of each whole datagram, inner ones of tunnels included."""
    packets = packet_batch(frames, link=link)
    if times:
        packets = packets._replace(ts_ns=np.array(times, np.int64))
    before = [
        packets.buf[at : at + size].tobytes() for at, size in zip(packets.offset, packets.caplen, strict=True)
    ]
    packets, decoded = defrag.update(packets, Decoder().decode(packets))
    for at, size, frame in zip(packets.offset, packets.caplen, before, strict=True):
        assert packets.buf[at : at + size].tobytes() == frame
    return [
        (
            int(decoded.packet[row]),
            packets.buf[start : decoded.ip_off[row] + decoded.ip_len[row]].tobytes(),
            int(decoded.dest_port[row]),
        )
        for row, start in enumerate(decoded.payload_off)
        if decoded.fragment[row] == Fragment.REBUILT
    ]


def pieces(data: Sequence[Piece], **header: int) -> list[bytes]:
    return [
        bytes(
            IP(src=SRC, dst=DST, proto=253, id=header.get("id", 7), flags="MF" if more else 0, frag=at // 8)
            / Raw(part)
        )
        for at, part, more in data
    ]


def frames_of(packet: Packet, size: int = 600) -> list[bytes]:
    return [bytes(part) for part in fragment(packet, size)]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_gives_the_datagram_back(seed: int) -> None:
    frames = frames_of(IP(src=SRC, dst=DST) / UDP(sport=5, dport=99) / Raw(DATA))
    random.Random(seed).shuffle(frames)
    assert rebuilt(fresh(), frames) == [(len(frames) - 1, DATA, 99)]


def test_frames_that_lie_far_apart_as_where_a_ring_wraps_come_along() -> None:
    frames = [bytes(part) for part in fragment(IP(src=SRC, dst=DST) / UDP(sport=7, dport=9) / Raw(DATA), 512)]
    close = packet_batch(frames, link=LinkType.IPV4)
    offset = np.arange(len(frames), dtype=np.int64) * 100_000
    buf = np.zeros(len(frames) * 100_000, np.uint8)
    for at, frame in zip(offset, frames, strict=True):
        buf[at : at + len(frame)] = np.frombuffer(frame, np.uint8)
    far = close._replace(buf=buf, offset=offset)
    packets, decoded = fresh().update(far, Decoder().decode(far))
    (row,) = np.flatnonzero(decoded.fragment == Fragment.REBUILT)
    start = int(decoded.payload_off[row])
    assert packets.buf[start : start + int(decoded.payload_len[row])].tobytes() == DATA
    assert packets.buf.size < 2 * (len(DATA) + sum(map(len, frames)))
    for at, frame in zip(packets.offset, frames, strict=True):
        assert packets.buf[at : at + len(frame)].tobytes() == frame


def test_it_may_take_many_batches() -> None:
    defrag = fresh()
    *first, last = frames_of(IP(src=SRC, dst=DST) / UDP(dport=99) / Raw(DATA))
    assert [rebuilt(defrag, [frame]) for frame in first] == [[]] * len(first)
    assert rebuilt(defrag, [last]) == [(0, DATA, 99)]
    assert defrag.stats()["defrag.trackers"] == 0
    assert defrag.stats()["defrag.memuse"] == 0


def test_the_sum_of_the_header_is_right_again() -> None:
    frames = frames_of(
        IP(src=SRC, dst=DST, tos=3, ttl=9, options=b"\x94\x04\x00\x00" + bytes(4)) / UDP(dport=9) / Raw(DATA)
    )
    packets = packet_batch(frames, link=LinkType.IPV4)
    packets, decoded = fresh().update(packets, Decoder().decode(packets))
    (row,) = np.flatnonzero(decoded.fragment == Fragment.REBUILT)
    assert (decoded.events[row], decoded.ttl[row], decoded.tos[row]) == (0, 9, 3)
    assert decoded.ip_len[row] == 28 + 8 + len(DATA)
    assert (decoded.frag_bits[row], decoded.frag_offset[row]) == (0, 0)


@pytest.mark.parametrize("between", [False, True])
def test_ipv6_with_and_without_headers_before_the_fragment_header(between: bool) -> None:
    base = IPv6(src="fd00::1", dst="fd00::2")
    base = base / IPv6ExtHdrDestOpt() if between else base
    whole = base / IPv6ExtHdrFragment(id=9) / UDP(sport=5, dport=99) / Raw(DATA)
    frames = [bytes(part) for part in fragment6(whole, 800)]
    assert len(frames) > 3
    assert rebuilt(fresh(), frames[::-1], link=LinkType.IPV6) == [(len(frames) - 1, DATA, 99)]


@st.composite
def cuts(draw: st.DrawFn) -> list[Piece]:
    """Fragments of 64 units of 8 bytes, overlapping as they like; each of bytes of its own."""
    count = draw(st.integers(1, 12))
    made = []
    for number in range(count):
        at, size = draw(st.integers(0, 60)), draw(st.integers(1, 40))
        more = at == 0 or draw(st.booleans())
        length = size * 8 - (0 if more else draw(st.integers(0, 7)))
        made.append((at * 8, bytes([number + 1]) * length, more))
    return made


def naive(data: Sequence[Piece], policy: OsPolicy) -> list[tuple[int, bytes]]:
    """(piece that completes, bytes): a dictionary of units and the fragments that they are of."""
    found: list[tuple[int, bytes]] = []
    units: dict[int, bytes] = {}
    owners: dict[int, range] = {}
    last: dict[int, int] = {}
    end = 0
    for number, (at, part, more) in enumerate(data):
        own, counts = range(at, at + len(part)), False
        for start in range(0, len(part), 8):
            unit = (at + start) // 8
            if unit not in units or later_counts(policy, own, owners[unit]):
                units[unit] = part[start : start + 8]
                owners[unit] = own
                counts = True
        if not counts:
            continue
        end = max(end, own.stop)
        if not more:
            last[at] = max(last.get(at, 0), own.stop)
        if last and len(units) == (end + 7) // 8:
            whole = b"".join(units[k].ljust(8, b"?") for k in sorted(units))[: last[min(last)]]
            found.append((number, whole))
            units, last, end = {}, {}, 0
    return found


def later_counts(policy: OsPolicy, later: range, earlier: range) -> bool:
    """As Novak has it in words, for each target."""
    before, after = later.start < earlier.start, later.stop > earlier.stop
    match policy:
        case OsPolicy.BSD | OsPolicy.HPUX10 | OsPolicy.IRIX:
            return before
        case OsPolicy.BSD_RIGHT:
            return later.start >= earlier.start
        case OsPolicy.LINUX | OsPolicy.OLD_LINUX:
            return later.start <= earlier.start
        case OsPolicy.WINDOWS | OsPolicy.WINDOWS2K3 | OsPolicy.VISTA:
            return before and after
        case OsPolicy.SOLARIS:
            return before and later.stop >= earlier.stop
        case OsPolicy.LAST:
            return True
        case _:
            return False


def of_policy(policy: OsPolicy) -> Defragmenter:
    return Defragmenter(Decoder().decode, hosts=host_policies({policy: [ip_network(f"{DST}/32")]}))


@settings(max_examples=300)
@given(cuts(), st.sampled_from(OsPolicy))
def test_overlaps_end_as_in_the_naive_twin(data: list[Piece], policy: OsPolicy) -> None:
    found = [(packet, payload) for packet, payload, _ in rebuilt(of_policy(policy), pieces(data))]
    expected = naive(data, policy)
    assert [packet for packet, _ in found] == [packet for packet, _ in expected]
    for (_, payload), (_, whole) in zip(found, expected, strict=True):
        # Where a short last fragment was followed by a longer one, the twin does not know the bytes.
        assert all(b in (a, 0x3F) for a, b in zip(payload, whole, strict=True))


@pytest.mark.parametrize("at", [64 * 8, kernels_defrag.PAGE], ids=["a word of the bitmap", "a page"])
def test_an_overlap_counts_where_it_begins_behind_what_is_new(at: int) -> None:
    data = [
        (at, b"a" * 8, True),
        (at - 16, b"b" * 32, True),
        (0, b"c" * (at - 16), True),
        (at + 16, b"d", False),
    ]
    whole = b"c" * (at - 16) + b"b" * 16 + b"a" * 8 + b"b" * 8 + b"d"
    assert rebuilt(of_policy(OsPolicy.FIRST), pieces(data)) == [(3, whole, 0)]


def test_an_overlap_is_an_event() -> None:
    frames = pieces([(0, b"a" * 16, True), (8, b"b" * 16, True), (24, b"c", False)])
    packets = packet_batch(frames, link=LinkType.IPV4)
    _, decoded = fresh().update(packets, Decoder().decode(packets))
    named = [int(events) >> DecoderEvent.IPV4_FRAG_OVERLAP & 1 for events in decoded.events]
    assert named == [0, 1, 0, 0]


def test_a_last_fragment_of_which_no_byte_counts_is_none() -> None:
    covered = [(0, b"a" * 16, True), (8, b"b" * 8, False)]
    assert rebuilt(fresh(), pieces(covered)) == []
    assert rebuilt(fresh(), pieces([*covered, (16, b"c" * 3, False)])) == [(2, b"a" * 16 + b"ccc", 0)]


def test_the_nearest_last_fragment_ends_the_datagram() -> None:
    data = [(16, b"c" * 8, False), (8, b"b" * 8, False), (0, b"a" * 8, True)]
    assert rebuilt(fresh(), pieces(data)) == [(2, b"a" * 8 + b"b" * 8, 0)]


def test_the_time_out_counts_from_the_latest_fragment() -> None:
    data = [(0, b"a" * 8, True), (8, b"b" * 8, True), (16, b"c", False)]
    second = 1_000_000_000
    assert len(rebuilt(fresh(), pieces(data), times=(0, 50 * second, 100 * second))) == 1
    assert rebuilt(fresh(), pieces(data), times=(0, 61 * second, 100 * second)) == []


def test_what_would_be_too_large_is_left_out() -> None:
    defrag = fresh()
    frames = pieces([(0, b"a" * 64, True), (65_528, b"b" * 64, False)])
    packets = packet_batch(frames, link=LinkType.IPV4)
    _, decoded = defrag.update(packets, Decoder().decode(packets))
    assert int(decoded.events[1]) == 1 << DecoderEvent.IPV4_FRAG_PKT_TOO_LARGE
    assert defrag.stats()["defrag.ignored"] == 1


def test_ids_vlans_and_tunnels_are_apart() -> None:
    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    whole = IP(src=SRC, dst=DST, id=5) / UDP(dport=99) / Raw(DATA[:800])
    parts = fragment(whole, 600)
    wraps = [lambda p: ether / p, lambda p: ether / Dot1Q(vlan=7) / p, lambda p: ether / IP() / GRE() / p]
    frames = [bytes(wrap(parts[number])) for number, wrap in enumerate(wraps[:2])]
    assert rebuilt(fresh(), frames, link=LinkType.ETHERNET) == []
    frames = [bytes(wrap(part)) for part in parts for wrap in wraps]
    found = rebuilt(fresh(), frames, link=LinkType.ETHERNET)
    assert found == [(packet, DATA[:800], 99) for packet in (3, 4, 5)]


def test_fragments_of_fragments() -> None:
    inner = fragment(IP(src=SRC, dst=DST) / UDP(dport=99) / Raw(DATA), 1000)
    frames = [
        frame
        for part in inner
        for frame in frames_of(IP(src="1.1.1.1", dst="2.2.2.2", id=part.frag) / GRE() / part, 400)
    ]
    found = rebuilt(fresh(), frames)
    assert found[-1][1:] == (DATA, 99)


def test_after_a_minute_the_rest_does_not_come_any_more() -> None:
    frames = pieces([(0, b"a" * 8, True), (8, b"b" * 8, False)])
    assert rebuilt(fresh(), frames, times=[0, 59_000_000_000])
    assert not rebuilt(fresh(), frames, times=[0, 61_000_000_000])


def test_a_datagram_outlives_a_flood_of_fragments_that_come_between() -> None:
    defrag = fresh()
    first, last = pieces([(0, b"a" * 8, True), (8, b"b" * 8, False)], id=1)
    (sample,) = pieces([(0, b"x" * 8, True)], id=1)
    flood = [sample[:4] + number.to_bytes(2) + sample[6:] for number in range(2, 16_002)]
    assert rebuilt(defrag, [first, *flood]) == []
    assert rebuilt(defrag, [last]) == [(0, b"a" * 8 + b"b" * 8, 0)]


def test_a_flood_of_first_fragments_takes_bounded_memory_and_the_newest_still_complete() -> None:
    defrag = fresh(trackers=16, memory=1 << 16)
    flood = [frame for number in range(2000) for frame in pieces([(0, b"x" * 1400, True)], id=number + 10)]
    assert rebuilt(defrag, flood) == []
    stats = defrag.stats()
    assert stats["defrag.trackers"] <= 16
    assert stats["defrag.memuse"] <= 1 << 16
    assert stats["defrag.evicted"] >= stats["defrag.tracker_hard_reuse"] >= 1900
    assert rebuilt(defrag, pieces([(0, b"a" * 8, True), (8, b"b" * 8, False)])) == [
        (1, b"a" * 8 + b"b" * 8, 0)
    ]


def test_one_datagram_larger_than_the_memory_makes_room_for_itself_only() -> None:
    defrag = fresh(trackers=4, memory=1 << 16)
    data = [(at, b"z" * 4096, at < 15 * 4096) for at in range(0, 16 * 4096, 4096)]
    data[-1] = (15 * 4096, b"z" * 4000, False)
    (found,) = rebuilt(defrag, pieces(data))
    assert found[1] == b"z" * (15 * 4096 + 4000)


def test_rules_see_the_whole_datagram_and_no_port_of_a_part(tmp_path: Path) -> None:
    whole = IP(src=SRC, dst=DST) / UDP(sport=5, dport=99) / Raw(b"." * 590 + b"secret-word" + b"." * 500)
    parts = fragment(whole, 600)
    for at, part in enumerate(parts):
        part.time = 1000 + at
    rules = [
        'alert udp any any -> any 99 (msg:"m"; content:"secret-word"; sid:1;)',
        'alert udp any any -> any 99 (msg:"m"; sid:2;)',
        'alert ip any any -> any any (msg:"m"; fragbits:M; sid:3;)',
        'alert udp any any -> any any (msg:"m"; flow:only_frag; sid:4;)',
        'alert udp any any -> any any (msg:"m"; flow:no_frag; dsize:>500; sid:5;)',
        'alert udp any any -> any any (msg:"m"; flow:stateless; sid:6;)',
        'alert udp any any -> any any (msg:"m"; flow:no_frag; sid:7;)',
    ]
    alerts, stats = scan(tmp_path, rules, parts)
    by_rule = {sid: numbers([a for a in alerts if a.sid == sid]) for sid in range(1, 8)}
    last = len(parts)
    assert by_rule == {1: [last], 2: [last], 3: list(range(1, last)), 4: [last], 5: [], 6: [last], 7: []}
    assert stats["flow.total"] == 1


def test_a_segment_that_came_in_fragments_is_part_of_its_stream(tmp_path: Path) -> None:
    talk = Connection().open().at(0, b"GET /sec", flags="A").at(8, b"ret HTTP/1.1\r\n\r\n").acked(26)
    parts = []
    for packet in talk.packets:
        for part in fragment(packet, 24):
            part.time = packet.time
            parts.append(part)
    rules = [
        'alert tcp any any -> any 80 (msg:"m"; content:"/secret"; sid:1;)',
        'alert http any any -> any any (msg:"m"; http.uri; content:"/secret"; sid:2;)',
        'alert tcp any any -> any any (msg:"m"; stream-event:reassembly_seq_gap; sid:3;)',
    ]
    assert len(parts) > len(talk.packets)
    assert sorted(alert.sid for alert in scan(tmp_path, rules, parts)[0]) == [1, 2]

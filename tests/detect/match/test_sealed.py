"""Which packets and stretches of an encrypted flow are looked at, whatever batch they lie in."""

from __future__ import annotations

from vpi_tui.detect.applayer.progress import Sealed
from vpi_tui.detect.match.matcher import Matcher

from .build import Packet, Stretch, column, content, decoded_of, matcher_of, rule, streams_of, view_of

SIDE, PEER = 1, 2
ACK = 16
PACKETS = rule(sid=1, protocol="tcp-pkt", steps=(content(b"secret"),))
STREAMS = rule(sid=2, protocol="tcp-stream", steps=(content(b"secret"),))
SIZES = rule(sid=3, columns=(column("payload_len", (1, 0xFFFF)),))


def said(direction: int = SIDE, *, seq: int = 0, ack: int = 0, first: int = 0, flow: int = 0) -> Packet:
    more = {"tcp_flags": ACK, "tcp_seq": seq, "tcp_ack": ack}
    return Packet(b"secret", direction=direction, first=first, flow=flow, taken=True, more=more)


def rows(
    matcher: Matcher,
    packets: list[Packet],
    *sealed: Sealed,
    stretches: tuple[Stretch, ...] = (),
) -> list[tuple[int, int]]:
    """(sid, row) of the matches of one batch."""
    batch, decoded, flows = decoded_of(packets)
    streams = streams_of(list(stretches), packets)
    found = matcher.match(batch, decoded, flows, streams, view_of(packets), (), sealed)
    return sorted((matcher.rules.signatures[one.rule].sid, one.row) for one in found)


def test_up_to_the_packet_that_acknowledges_it() -> None:
    packets = [said(first=3), said(seq=6), said(PEER, ack=11), said(PEER, ack=12), said(PEER), said()]
    found = rows(matcher_of(PACKETS, SIZES), packets, Sealed(0, 1, SIDE))
    assert found == [(sid, row) for sid in (1, 3) for row in range(4)]


def test_numbers_begin_anew() -> None:
    packets = [said(first=3, seq=0xFFFF_FFFC), said(PEER, ack=0xFFFF_FFFF), said(PEER, ack=2), said()]
    assert rows(matcher_of(PACKETS), packets, Sealed(0, 0, SIDE)) == [(1, 0), (1, 1), (1, 2)]


def test_batches_go_on_where_others_ended_also_under_other_rules() -> None:
    first = matcher_of(PACKETS)
    assert rows(first, [said(first=3)], Sealed(0, 0, SIDE)) == [(1, 0)]
    second = matcher_of(SIZES, PACKETS)
    second.take_over(first)
    assert rows(second, [said(), said(PEER, ack=6), said()]) == [(1, 0), (1, 1), (3, 0), (3, 1)]
    assert rows(second, [said(), said(PEER)]) == []


def test_another_flow_in_the_slot_is_not_that_one() -> None:
    matcher = matcher_of(PACKETS)
    rows(matcher, [said(first=3), said(PEER, ack=6)], Sealed(0, 0, SIDE))
    assert rows(matcher, [said(), said(first=3), said(flow=1)]) == [(1, 1), (1, 2)]


def test_what_the_clock_released_lies_behind_the_rows_before_it() -> None:
    packets = [said(first=3), said(first=3, flow=1), said()]
    other, own = Stretch(b"secret", row=1, flow=1), Stretch(b"secret", row=-1)
    found = rows(matcher_of(PACKETS), packets, Sealed(0, -1, SIDE), stretches=(other, own))
    assert found == [(1, 0), (1, 1)]


def test_streams_end_before_it() -> None:
    def stretch(row: int, direction: int) -> Stretch:
        return Stretch(b"secret", row=row, direction=direction, offset=9)

    packets = [said(first=3), said(PEER), said(seq=6), said(PEER, ack=12)]
    stretches = (stretch(0, SIDE), stretch(2, PEER), stretch(2, SIDE), stretch(3, PEER))
    matcher = matcher_of(STREAMS)
    assert rows(matcher, packets, Sealed(0, 2, SIDE), stretches=stretches) == [(2, 0), (2, 2)]
    assert rows(matcher, [said(), said(PEER)], stretches=(stretch(0, SIDE), stretch(1, PEER))) == []

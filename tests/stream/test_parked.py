"""Segments that are kept aside: how long, in which place, and which ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from tests.stream.scanning import Connection, content, numbers, scan
from vpi_tui.stream.layout import MOST_PARKED

ATTACK = b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
PLAIN = b"GET /nothing-odd HTTP/1.1\r\nHost: a\r\n\r\n"[: len(ATTACK)]
SIGNATURE = [(19, bytes(16))]
RULE = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'


def _signed(talk: Connection, place: int, data: bytes) -> Packet:
    """A segment that no receiver takes which has not agreed upon signatures."""
    talk.at(place, data)
    talk.packets[-1][TCP].options = SIGNATURE
    return talk.packets[-1]


def test_at_the_end_what_was_perhaps_taken_counts(tmp_path: Path) -> None:
    talk = Connection().open()
    _signed(talk, 0, ATTACK)
    assert len(scan(tmp_path, [RULE], talk.packets)[0]) == 1


def test_at_the_end_what_does_not_fit_into_the_connection_does_not_count(tmp_path: Path) -> None:
    talk = Connection().open().at(0, ATTACK, ack=7001 - (1 << 20))
    assert scan(tmp_path, [RULE], talk.packets)[0] == []


def test_of_a_segment_the_part_that_was_acknowledged_counts(tmp_path: Path) -> None:
    """What is behind that part comes again, and says something else."""
    talk = Connection().open()
    _signed(talk, 0, ATTACK[:18] + b"?")
    talk.acked(17).at(17, ATTACK[17:])
    alerts, _ = scan(tmp_path, [RULE], talk.packets)
    assert len(alerts) == 1


def test_a_sound_segment_behind_a_hole_counts_more_than_what_is_parked_around_it(tmp_path: Path) -> None:
    for inside, outside, attacks in ((ATTACK, PLAIN, True), (PLAIN, ATTACK, False)):
        talk = Connection().open().at(5, inside[5:20])
        _signed(talk, 0, outside)
        talk.acked(len(ATTACK))
        alerts, _ = scan(tmp_path, [RULE], talk.packets)
        assert bool(alerts) == attacks


def test_only_so_many_are_parked(tmp_path: Path) -> None:
    """One more is taken at once, so that the copy that comes behind it is not."""
    for parked in (MOST_PARKED, MOST_PARKED - 1):
        talk = Connection().open()
        for number in range(parked):
            _signed(talk, 1_000 + 10 * number, b"behind a")
        _signed(talk, 0, ATTACK)
        talk.at(0, PLAIN)
        assert len(scan(tmp_path, [RULE], talk.packets)[0]) == (parked == MOST_PARKED)


def test_signatures_are_agreed_upon_in_the_syn(tmp_path: Path) -> None:
    for agreed in (True, False):
        talk = Connection().open()
        talk.packets[0][TCP].options = SIGNATURE if agreed else []
        _signed(talk, 0, ATTACK)
        talk.at(0, PLAIN)
        assert len(scan(tmp_path, [RULE], talk.packets)[0]) == agreed


def test_the_end_of_a_stream_may_be_acknowledged(tmp_path: Path) -> None:
    """It has a number of its own; one more has not been said."""
    for more, taken in ((1, True), (2, False)):
        talk = Connection().open().raw("FA", 7001, client=False)
        talk.raw("A", talk.client_next, ack=7002)
        talk.at(0, ATTACK, ack=7001 + more).at(0, PLAIN, ack=7002)
        assert len(scan(tmp_path, [RULE], talk.packets)[0]) == taken


@pytest.mark.parametrize(("ack", "signed", "alerts"), [(7101, False, [5]), (7001, True, [4, 5])])
def test_only_what_is_doubtful_is_looked_at_as_a_packet_too(
    tmp_path: Path, ack: int, signed: bool, alerts: list[int]
) -> None:
    """What acknowledges more than was seen is likely sound: this sensor has lost what the server said."""
    talk = Connection().open().at(0, ATTACK, ack=ack)
    talk.packets[-1][TCP].options = SIGNATURE if signed else []
    talk.raw("A", ack, ack=talk.isn + 1 + len(ATTACK), client=False)
    assert numbers(scan(tmp_path, [content("secret-word")], talk.packets)[0]) == alerts


@pytest.mark.parametrize("answers", ["02:00:00:00:00:02", "02:00:00:00:00:22"])
def test_cards_tell_nothing_where_another_one_answers(tmp_path: Path, answers: str) -> None:
    """As with a router that has two; else what goes to the other card is not taken."""
    talk = Connection().open().at(0, ATTACK).at(0, PLAIN)
    frames = []
    for number, packet in enumerate(talk.packets):
        client, server = "02:00:00:00:00:01", answers if number in (1, 3) else "02:00:00:00:00:02"
        ends = (client, server) if packet[IP].src == "10.0.0.1" else (server, client)
        frames.append(Ether(src=ends[0], dst="02:00:00:00:00:33" if number == 3 else ends[1]) / packet)
        frames[-1].time = packet.time
    asked_itself = answers == "02:00:00:00:00:02"
    assert len(scan(tmp_path, [RULE], frames, link=1)[0]) == (not asked_itself)

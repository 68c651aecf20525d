"""What rules have tagged: by what no packet brought, over a reload, until a flow ends, within bounds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.detect.match.build import Packet, decoded_of, ip, matcher_of, view_of
from tests.detect.rules.rule_text import parse
from vpi_tui.detect.match import tags
from vpi_tui.detect.match.tags import Tags
from vpi_tui.detect.match.types import Match
from vpi_tui.model.signature import Signature

SECOND = 1_000_000_000
_SERVER, _CLIENT = ip("10.0.0.2"), ip("10.0.0.1")


def tagging(*asked: str) -> list[Signature]:
    """Rules with a sid of its own each."""
    return [replace(parse(f'content:"x"; tag:{tag};'), sid=sid) for sid, tag in enumerate(asked, 1)]


def made(*asked: str) -> Tags:
    return Tags(dict(enumerate(tagging(*asked))))


def told(found: Tags, packets: list[Packet], *matches: Match) -> list[int]:
    return found.follow(*decoded_of(packets), view_of(packets), matches)


def raised(row: int, flow: int = 0, *, rule: int = 0, direction: int = 1) -> Match:
    return Match(rule, row, flow, direction, 0, SECOND)


def test_what_no_packet_brought_tags_the_packets_that_follow() -> None:
    """It counts as one, like a packet that raised the alert."""
    found, three = made("session,3,packets"), [Packet()] * 3
    assert told(found, three, raised(-1)) == [0, 1]
    assert told(found, three) == []


@pytest.mark.parametrize(("direction", "source"), [(1, _CLIENT), (2, _SERVER)])
def test_of_what_no_packet_brought_the_source_is_who_sent_it(direction: int, source: int) -> None:
    found = made("host,9,packets,src")
    other = ip("10.0.0.9")
    packets = [Packet(), Packet(src=_CLIENT, dest=other, flow=1), Packet(src=_SERVER, dest=other, flow=2)]
    expected = [0, 1] if source == _CLIENT else [0, 2]
    assert told(found, packets, raised(-1, direction=direction)) == expected


def test_a_tag_outlives_its_batch_and_its_set_of_rules() -> None:
    before, after = matcher_of(*tagging("session,4,packets")), matcher_of(parse('content:"y";'))
    assert told(before.tags, [Packet(), Packet()], raised(0)) == [1]
    after.take_over(before)
    assert told(after.tags, [Packet()] * 4) == [0, 1]
    assert not after.tags


def test_a_flow_that_ended_has_none() -> None:
    matcher = matcher_of(*tagging("session"))
    packets = [Packet(), Packet(flow=1)]
    assert told(matcher.tags, packets, raised(0), raised(1, 1)) == []
    matcher.forget_flows(decoded_of(packets)[2].flow[:1])
    assert told(matcher.tags, packets) == [1]


def test_a_row_that_opens_a_flow_has_none_of_the_one_before() -> None:
    found = made("session")
    assert told(found, [Packet(), Packet(), Packet(first=1), Packet()], raised(0)) == [1]


def test_rules_tag_each_for_itself_and_a_packet_is_told_once() -> None:
    found = made("session,2,packets", "session,4,packets")
    assert told(found, [Packet()] * 6, raised(0), raised(0, rule=1)) == [1, 2, 3]


def test_so_many_flows_and_rules_have_tags_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MOST", 2)
    packets = [Packet(flow=slot) for slot in (0, 1, 2)]
    found = made("session")
    told(found, packets, *(raised(slot, slot) for slot in (0, 1, 2)))
    assert told(found, packets) == [1, 2], "the flow that was tagged first makes room"
    monkeypatch.setattr(tags, "MOST_OF_ONE", 1)
    found = made("session,2,packets", "session")
    assert told(found, [Packet()] * 5, raised(0), raised(0, rule=1)) == [1]


def test_what_is_no_ip_has_no_host() -> None:
    found = made("host,9,packets,src")
    arp = Packet(version=0, proto=0, flow=-1)
    assert told(found, [Packet(), arp, Packet(flow=1)], raised(0)) == [2]

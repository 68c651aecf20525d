"""What events tell of a flow beside its record: what was lost of its streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.test_log import scan
from tests.stream.scanning import Connection

STREAMS = 'alert tcp any any -> any any (msg:"m"; content:"nowhere"; sid:1;)\n'
PLACE = 100


def gaps(
    tmp_path: Path, connection: Connection, rules: str = STREAMS, types: str = "flow"
) -> list[list[str]]:
    """Of each flow, which directions have any."""
    found = scan(tmp_path, connection, rules, "--events", types)  # type: ignore[arg-type]
    assert all(event["tcp"][name] is True for event in found for name in event["tcp"] if "gap" in name)
    return [[name for name in ("ts_gap", "tc_gap") if name in event["tcp"]] for event in found]


def talk() -> Connection:
    return Connection().open().at(0, b"abc")


def test_a_flow_tells_in_which_direction_bytes_were_lost(tmp_path: Path) -> None:
    assert gaps(tmp_path, talk().at(PLACE, b"word").acked(PLACE + 4)) == [["ts_gap"]]
    answered = talk().answer(PLACE, b"word")
    assert gaps(tmp_path, answered.raw("A", answered.client_next, ack=7001 + PLACE + 4)) == [["tc_gap"]]


def test_a_hole_is_told_also_when_more_comes_behind_it(tmp_path: Path) -> None:
    lost = talk().at(PLACE, b"word").acked(PLACE + 4)
    for place in range(PLACE + 4, 3_000, 100):
        lost.at(place, b"x" * 100).acked(place + 100)
    assert gaps(tmp_path, lost) == [["ts_gap"]]


def test_what_came_late_was_not_lost(tmp_path: Path) -> None:
    assert gaps(tmp_path, talk().at(PLACE, b"word").at(3, b"x" * (PLACE - 3)).acked(PLACE + 4)) == [[]]


def test_what_nobody_saw_the_end_of_is_no_hole(tmp_path: Path) -> None:
    assert gaps(tmp_path, talk().acked(PLACE)) == [[]]


def test_the_flows_of_two_captures_share_no_number_and_those_of_one_keep_theirs(tmp_path: Path) -> None:
    def ids(start: float) -> list[int]:
        connection = after_silence(Connection(start=start).open())
        found = scan(tmp_path, connection, STREAMS, "--events", "flow")  # type: ignore[arg-type]
        return sorted(event["flow_id"] for event in found)

    first, again, second = ids(1_700_000_000.0), ids(1_700_000_000.0), ids(1_700_000_001.0)
    assert first == again == [first[0], first[0] + 1]
    assert set(first).isdisjoint(second)


def after_silence(connection: Connection) -> Connection:
    """Another one between other ports, after its flow has timed out."""
    other = Connection(start=connection.packets[-1].time + 1_000.0).open()
    for number in range(100):
        other.raw("A", other.client_next, after=1.0 + number)
    for packet in other.packets:
        packet.sport, packet.dport = (41_000, 80) if packet.dport == 80 else (80, 41_000)
    connection.packets += other.packets
    return connection


def test_a_hole_that_stayed_open_until_the_flow_timed_out_is_one(tmp_path: Path) -> None:
    assert gaps(tmp_path, after_silence(talk().acked(3).at(PLACE, b"word"))) == [["ts_gap"], []]


def test_what_follows_in_the_place_of_a_flow_has_not_lost_its_bytes(tmp_path: Path) -> None:
    lost = talk().at(PLACE, b"word").acked(PLACE + 4).raw("R", 1001 + PLACE + 4)
    lost.packets += Connection(start=2_000.0).open().at(0, b"abc").packets
    assert gaps(tmp_path, lost) == [["ts_gap"], []]


@pytest.mark.parametrize(("types", "told"), [("flow", []), ("flow,http", ["ts_gap"])])
def test_streams_that_only_the_log_looks_at_tell_it_too(tmp_path: Path, types: str, told: list[str]) -> None:
    lost = talk().at(PLACE, b"word").acked(PLACE + 4)
    assert gaps(tmp_path, lost, "# none\n", types) == [told]

"""stream_size: what each side has sent, packet by packet, as the sequence numbers say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.rules.rule_text import columns, refused
from tests.stream.scanning import Connection, numbers, scan

GET = b"GET / HTTP/1.0\r\n\r\n"
ANSWER = b"x" * 100


def rules(*options: str) -> list[str]:
    return [f'alert tcp any any -> any any (msg:"m"; {text} sid:{n};)' for n, text in enumerate(options, 1)]


def talk(isn: int = 1000) -> Connection:
    return Connection(isn=isn).open().at(0, GET).answer(0, ANSWER).acked(len(GET))


@pytest.mark.parametrize("isn", [1000, (1 << 32) - 5])
def test_sizes_are_those_of_each_packet(tmp_path: Path, isn: int) -> None:
    asked = rules(
        "stream_size:client,=,1;",
        f"stream_size:client,=,{1 + len(GET)};",
        "stream_size:server,<,1;",
        f"stream_size:server,>,{len(ANSWER)};",
        "stream_size:both,>,1;",
        f"stream_size:either,>,{len(ANSWER)};",
    )
    alerts, _ = scan(tmp_path, asked, talk(isn).packets)
    by_rule = {sid: numbers([a for a in alerts if a.sid == sid]) for sid in range(1, 7)}
    # 1 SYN, 2 SYN and ACK, 3 ACK, 4 the request, 5 the answer, 6 an ACK.
    assert by_rule == {1: [1, 2, 3], 2: [4, 5, 6], 3: [1], 4: [5, 6], 5: [5, 6], 6: [5, 6]}


def test_a_size_goes_with_the_data_of_the_stream(tmp_path: Path) -> None:
    asked = rules('content:"GET"; stream_size:server,<,5;', 'content:"xxx"; stream_size:client,<,5;')
    alerts, _ = scan(tmp_path, asked, talk().packets)
    assert [alert.sid for alert in alerts] == [1]


def test_a_retransmission_adds_nothing_and_a_fin_counts(tmp_path: Path) -> None:
    """That of the client when the server has it."""
    again = talk().at(0, GET).at(len(GET), b"", flags="FA").acked(len(GET) + 1)
    alerts, _ = scan(tmp_path, rules(f"stream_size:client,>,{1 + len(GET)};"), again.packets)
    assert numbers(alerts) == [9]
    again = talk().answer(0, ANSWER).answer(len(ANSWER), b"", flags="FA")
    alerts, _ = scan(tmp_path, rules(f"stream_size:server,>,{1 + len(ANSWER)};"), again.packets)
    assert numbers(alerts) == [8]


def test_what_a_syn_says_is_not_counted(tmp_path: Path) -> None:
    loud = Connection().raw("S", 1000, GET, ack=0).raw("SA", 7000, ANSWER, ack=1001, client=False)
    alerts, _ = scan(tmp_path, rules("stream_size:either,>,1;", "stream_size:either,=,1;"), loud.packets)
    assert [(alert.sid, alert.packet_number) for alert in alerts] == [(2, 1), (2, 2)]


def test_what_nobody_follows_has_no_size(tmp_path: Path) -> None:
    """In the middle of a connection a size of the other side is that of its SYN, seen or not."""
    late = Connection().at(5, GET, ack=7001).answer(0, ANSWER).raw("S", 2000, ack=0)
    asked = rules("stream_size:both,>=,0;", "stream_size:client,!=,0;", "stream_size:server,=,1;")
    alerts, _ = scan(tmp_path, asked, late.packets)
    assert [(alert.sid, alert.packet_number) for alert in alerts] == [(1, 3), (2, 3)]
    alerts, _ = scan(tmp_path, asked, late.packets[:2], options={"stream.midstream": "true"})
    found = [(alert.sid, alert.packet_number) for alert in alerts]
    assert found == [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)]


def test_as_written() -> None:
    wanted = [(((0, 4),), None, False)]
    tcp = {"proto": [(((6, 6),), None, False)]}
    assert columns("stream_size: both , < , 5;") == {**tcp, "client_size": wanted, "server_size": wanted}
    assert "stream_size: needs" in refused("stream_size:client,5;")
    assert "stream_size: needs" in refused("stream_size:all,<,5;")

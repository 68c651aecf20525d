"""What rules see of a stream at once: messages, where a parser divides it, else windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stream.scanning import HANDSHAKE, RULE, Connection, content, numbers, scan


def test_what_no_parser_divides_is_alerted_on_once_a_window(tmp_path: Path, talk: Connection) -> None:
    """As Suricata, which inspects 2,560 bytes of such a stream together; a packet's own bytes stand apart."""
    for place in (0, 1_300, 2_600, 3_900):
        talk.at(place, b"secret-word".ljust(1_300, b"."))
    rules = [
        *RULE,
        content("secret-word", sid=2, options="byte_test:1,=,0x2e,0,relative; flowint:n,+,1; noalert;"),
        content("secret-word", sid=3, options="flowint:n,==,2;"),
        content("secret-word", sid=4, options="flow:no_stream;"),
    ]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    first, later = HANDSHAKE + 1, HANDSHAKE + 3
    assert [a.packet_number for a in alerts if a.sid == 1] == [first, later]
    assert [a.packet_number for a in alerts if a.sid == 3] == [later]
    assert len([a for a in alerts if a.sid == 4]) == 4


def test_requests_and_answers_of_a_known_protocol_are_windows_of_their_own(
    tmp_path: Path, talk: Connection
) -> None:
    request = b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    for number in range(3):
        talk.at(number * len(request), request).answer(number * len(answer), answer)
    alerts, _ = scan(tmp_path, RULE, talk.packets)
    assert len(alerts) == 3


@pytest.mark.parametrize("flags", ["A", "PA"])
@pytest.mark.parametrize("lost", [0, 40])
def test_rules_count_anew_from_each_message_of_a_known_protocol(
    tmp_path: Path, talk: Connection, flags: str, lost: int
) -> None:
    """Also when it comes in two segments, or behind bytes that the sensor has lost."""
    asked, answer = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    request = b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    place = len(asked) + lost
    talk.at(0, asked).answer(0, answer).acked(place)
    talk.at(place, request[:9], flags).at(place + 9, request[9:])
    steps = [
        'content:"/secret-word"; offset:4; depth:12;',
        'content:"GET /secret-word"; startswith;',
        'content:"word"; byte_test:1,=,0x47,0;',
        'pcre:"/^GET .secret-word/";',
        'content:"secret-word"; offset:6;',
        'content:"secret-word"; depth:15;',
    ]
    rules = [f'alert tcp any any -> any 80 (msg:"m"; {step} sid:{sid};)' for sid, step in enumerate(steps, 1)]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert sorted({alert.sid for alert in alerts}) == [1, 2, 3, 4]


ONE_MESSAGE = [
    content("secret-word", sid=1, options='content:"said-it"; distance:0;'),
    content("secret-word", sid=2, options='depth:20; content:"said-it";'),
    content("said-it", sid=3, options='pcre:"/^POST/";'),
]


@pytest.mark.parametrize("flags", ["A", "PA"])
@pytest.mark.parametrize(("filling", "requests", "sids"), [(300, 2, [1, 1, 2, 2, 3, 3]), (2_700, 1, [])])
def test_a_message_in_several_segments_is_looked_at_as_one(
    tmp_path: Path, talk: Connection, flags: str, filling: int, requests: int, sids: list[int]
) -> None:
    """Whatever other rules need: head and body of a request often come apart. Until 2,560 bytes are there."""
    body = b"." * filling + b"said-it"
    head = b"POST /secret-word HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    place = 0
    for number in range(requests):
        for said in (head, body[:200], body[200:-7], body[-7:]):
            talk.at(place, said, flags)
            place += len(said)
        talk.acked(place).answer(number * len(answer), answer)
    alerts, _ = scan(tmp_path, ONE_MESSAGE, talk.packets)
    assert sorted(alert.sid for alert in alerts) == sids


def test_rules_count_anew_from_each_window_of_a_long_message(tmp_path: Path, talk: Connection) -> None:
    """The second begins where the first, of 2,560 bytes or more, ended."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"
    place = 0
    for said in (
        head,
        b"." * 1_300,
        b"." * 1_300,
        b"secr",
        b"et-word",
        b"." * 1_300,
        b"." * 1_300,
        b"secr",
        b"et-",
    ):
        talk.at(place, said, "A")
        place += len(said)
    talk.acked(place).answer(0, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    rules = [content("secret-", options="startswith;"), content("ecret-", sid=2, options="startswith;")]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert [alert.sid for alert in alerts] == [1, 1]


@pytest.mark.parametrize("what", ['pcre:"/said-it/";', 'content:"said"; pcre:"/^-it/R";'])
def test_a_pattern_may_lie_anywhere_in_the_message_before(
    tmp_path: Path, talk: Connection, what: str
) -> None:
    """The fast pattern comes long before what the rule is to find with it."""
    body = b"." * 1_500 + b"said-it"
    head = b"POST /secret-word HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    talk.at(0, head).at(len(head), body[:-7]).at(len(head) + len(body) - 7, body[-7:])
    alerts, _ = scan(tmp_path, [content("secret-word", options=f"fast_pattern; {what}")], talk.packets)
    assert numbers(alerts) == [HANDSHAKE + 3]


def test_contents_of_a_short_stream_may_lie_in_several_messages(tmp_path: Path, talk: Connection) -> None:
    """The first 2,560 bytes are a window, as long as no parser says where a message ends."""
    talk.at(0, b"\x01first".ljust(600, b".")).at(600, b"." * 600).at(1_200, b"second".ljust(1_400, b"."))
    talk.at(2_600, b"third")
    rules = [
        'alert tcp any any -> any 80 (content:"first"; offset:1; depth:5; content:"second"; sid:2;)',
        'alert tcp any any -> any 80 (content:"first"; offset:1; depth:5; content:"third"; sid:3;)',
        'alert tcp any any -> any 80 (content:"first"; offset:1; depth:5; sid:4;)',
    ]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    first = HANDSHAKE + 1
    assert numbers(a for a in alerts if a.sid == 2) == [first + 2]
    assert not [a for a in alerts if a.sid == 3]
    assert numbers(a for a in alerts if a.sid == 4) == [first, first]


def test_rules_count_anew_from_each_window_of_a_stream(tmp_path: Path, talk: Connection) -> None:
    """One begins where one of 2,560 bytes or more ended; contents are found across its edge all the same."""
    talk.at(0, b"." * 1_300).at(1_300, b"." * 1_300 + b"secret-")
    talk.at(2_607, b"word!".ljust(100, b".")).at(2_707, b"word!second".ljust(100, b"."))
    second = 'alert tcp any any -> any 80 (content:"word!"; depth:5; content:"second"; sid:3;)'
    rules = [*RULE, content("word!", sid=2, options="depth:5;"), second]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    later = HANDSHAKE + 3

    def found(sid: int) -> list[tuple[int, bool]]:
        return sorted((a.packet_number, a.stream) for a in alerts if a.sid == sid)

    assert found(1) == [(later, True)]
    assert found(2) == [(later, False), (later, True), (later + 1, False)]
    assert found(3) == [(later + 1, False), (later + 1, True)]

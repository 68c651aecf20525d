"""A sensor that every packet goes through (`stream.inline`) inspects each when it comes."""

from __future__ import annotations

from pathlib import Path

from tests.stream.scanning import HANDSHAKE, RULE, Connection, content, numbers, scan

INLINE = {"options": {"stream.inline": "true"}}


def test_an_inline_sensor_sees_a_packet_with_what_came_before_it(tmp_path: Path, talk: Connection) -> None:
    """Each packet with the bytes around it, 2,560 in all: a rule alerts while its content is among them."""
    talk.at(0, b"secret-word".ljust(1_000, b"."))
    for place in (1_000, 2_000, 3_000):
        talk.at(place, b"." * 1_000)
    rules = [
        *RULE,
        content("secret-word", sid=2, options="depth:11;"),
        content("secret-word", sid=3, options="flow:no_stream;"),
    ]
    alerts, _ = scan(tmp_path, rules, talk.packets, **INLINE)
    first = HANDSHAKE + 1
    assert numbers(a for a in alerts if a.sid == 1) == [first, first + 1]
    assert numbers(a for a in alerts if a.sid == 2) == [first, first + 1]
    assert numbers(a for a in alerts if a.sid == 3) == [first]
    alerts, _ = scan(tmp_path, rules, talk.packets)
    assert numbers(a for a in alerts if a.sid == 2) == [first, first]


def test_a_packet_that_fills_a_window_has_some_of_the_bytes_before(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-word").at(11, b"." * 842).at(853, b"." * 1_707).at(2_560, b"." * 1_707)
    first = HANDSHAKE + 1
    assert numbers(scan(tmp_path, RULE, talk.packets, **INLINE)[0]) == [first, first + 1, first + 2]


def test_an_inline_sensor_waits_for_no_push_and_no_hole(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-", "A").at(7, b"word", "A").at(100, b"secret-word", "A").at(11, b"." * 89, "A")
    first = HANDSHAKE + 1
    alerts, _ = scan(tmp_path, RULE, talk.packets, **INLINE)
    assert numbers(alerts) == [first + 1, first + 2, first + 3]


def test_an_inline_sensor_sees_what_waits_beside_a_segment_that_waits(
    tmp_path: Path, talk: Connection
) -> None:
    """Up to the next hole; parsers see none of it before the hole is filled."""
    talk.at(100, b"secret-").at(300, b"secret-word").at(107, b"word").at(0, b"." * 90).at(90, b"." * 10)
    rules = [
        *RULE,
        content("word", sid=2, options='content:"secret-"; distance:0;'),
        content("word", sid=3, options="flow:only_stream;"),
    ]
    first = HANDSHAKE + 1
    alerts, _ = scan(tmp_path, rules, talk.packets, **INLINE)
    found = {sid: numbers(a for a in alerts if a.sid == sid) for sid in (1, 2, 3)}
    assert found == {1: [first + 1, first + 2, first + 4], 2: [], 3: [first + 1, first + 2, first + 4]}
    request = Connection().open().at(14, b"word HTTP/1.0\r\n\r\n").at(7, b"secret-").at(0, b"GET /a?")
    uri = 'alert http any any -> any any (http.uri; content:"a?secret-word"; sid:1;)'
    assert numbers(scan(tmp_path, [uri], request.packets, **INLINE)[0]) == [first + 2]


def test_what_waits_far_before_a_segment_is_not_shown_again(tmp_path: Path, talk: Connection) -> None:
    talk.at(100, b"secret-word")
    for place in range(111, 8_111, 1_000):
        talk.at(place, b"." * 1_000)
    first = HANDSHAKE + 1
    assert numbers(scan(tmp_path, RULE, talk.packets, **INLINE)[0]) == [first, first + 1, first + 2]


def test_an_inline_sensor_puts_the_first_copy_in_place_of_another(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"harmless").at(2, b"secret-word").at(0, b"harmless")
    assert not numbers(scan(tmp_path, RULE, talk.packets, **INLINE)[0])
    assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == [HANDSHAKE + 2]
    again = content("harmless")
    assert numbers(scan(tmp_path, [again], talk.packets, **INLINE)[0]) == [4, 5, 6]


def test_rules_about_packets_see_those_that_an_inline_sensor_rewrote(
    tmp_path: Path, talk: Connection
) -> None:
    talk.at(0, b"harmless").at(2, b"secret-word").at(0, b"secret--")
    talk.at(100, b"secret-word").at(100, b"harmless...")
    rules = [
        content(text, sid=number, options="flow:no_stream;")
        for number, text in enumerate(("secret", "rmless-word", "harmless"), 1)
    ]

    def found(**options: object) -> list[list[int]]:
        alerts, _ = scan(tmp_path, rules, talk.packets, **options)  # type: ignore[arg-type]
        return [numbers(a for a in alerts if a.sid == sid) for sid in (1, 2, 3)]

    first = HANDSHAKE + 1
    assert found(**INLINE) == [[first + 3, first + 4], [first + 1], [first, first + 2]]
    assert found() == [[first + 1, first + 2, first + 3], [], [first, first + 4]]


def test_an_inline_sensor_looks_again_around_what_is_sent_again(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-").at(7, b"word").at(7, b"word").at(9, b"rd and more")
    first = HANDSHAKE + 1
    assert numbers(scan(tmp_path, RULE, talk.packets, **INLINE)[0]) == [first + 1, first + 2, first + 3]
    assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == [first + 1]


def test_an_inline_sensor_drops_segments_that_belong_to_no_connection(
    tmp_path: Path, talk: Connection
) -> None:
    talk.at(0, b"harmless").at(1_000_000, b"secret-word")
    rules = [*RULE, content("secret-word", sid=2, options="flow:no_stream;")]
    keeps = {"options": {"stream.inline": "true", "stream.drop-invalid": "no"}}
    assert not scan(tmp_path, rules, talk.packets, **INLINE)[0]
    assert sorted(a.sid for a in scan(tmp_path, rules, talk.packets, **keeps)[0]) == [1, 2]
    assert 2 in [a.sid for a in scan(tmp_path, rules, talk.packets)[0]]

"""What the loops sort out before Python looks at a rule, and that they sort out no more than that."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.detect.match.build import Packet, Stretch, content, matcher_of, rule, run
from tests.stream.scanning import Connection, scan
from vpi_tui.detect.match.fast_pattern import places
from vpi_tui.detect.match.run import Run
from vpi_tui.detect.match.steps import hold, tied_steps
from vpi_tui.model.signature import Content, IsDataAt, Pcre, Step

GET = b"GET /icon.php HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("position", "evaluated", "matches"),
    [(4, 1, 1), (5, 0, 0), (60_000, 0, 0), (1 << 20, 0, 0)],
)
def test_too_few_bytes_are_no_candidate(position: int, evaluated: int, matches: int) -> None:
    matcher = matcher_of(rule(steps=(content(b"need"), IsDataAt("payload", position))))
    assert len(run(matcher, [Packet(b"needs")])) == matches
    assert matcher.stats()["detect.evaluated"] == evaluated


HEAD = content(b"\xfeSMB", offset=4, depth=4)


@pytest.mark.parametrize(
    ("steps", "evaluated"),
    [
        ((HEAD, content(b"at", distance=2, within=2)), 1),
        ((HEAD, content(b"at", distance=1, within=2)), 0),
        ((HEAD, content(b"at", distance=1, within=3)), 1),
        ((HEAD, content(b"at", distance=3)), 0),
        ((HEAD, content(b"at", distance=-8, within=20)), 1),
        ((HEAD, content(b"no", negated=True), content(b"at", distance=2, within=2)), 1),
        ((HEAD, content(b"no", negated=True), content(b"at", distance=1, within=2)), 0),
        ((HEAD, IsDataAt("payload", 1), content(b"at", distance=1, within=2)), 0),
        ((HEAD, Pcre("payload", b"..", 0, relative=True), content(b"at", distance=1, within=2)), 1),
        ((content(b"\xfeSMB"), content(b"at", distance=1, within=2)), 1),
        ((content(b"\xfeSMB", offset=4, depth=5), content(b"at", distance=1, within=2)), 1),
        ((content(b"at", distance=10, within=2), HEAD), 1),
        ((content(b"at", distance=9, within=2), HEAD), 0),
    ],
)
def test_a_relative_content_has_its_place_from_those_before_it(
    steps: tuple[Step, ...], evaluated: int
) -> None:
    matcher = matcher_of(rule(steps=steps))
    found = run(matcher, [Packet(b"....\xfeSMB..at")])
    assert matcher.stats()["detect.evaluated"] == evaluated
    assert evaluated or not found


def test_places_say_no_more_than_the_steps() -> None:
    """Whatever holds lies where it may."""
    draw = random.Random(7)
    seen = 0
    for _ in range(3_000):
        steps = tuple(_any_content(draw) for _ in range(draw.randint(1, 4)))
        data = bytes(draw.choices(b"ab", k=draw.randint(1, 12)))
        run_ = Run(data, None, steps, tied_steps(steps), {}, -1)
        if hold(run_, 0, (0, 0)):
            seen += 1
            for number, (low, high) in places(steps, "payload").items():
                assert steps[number].pattern in data[low : None if high < 0 else high]
    assert seen > 100


def _any_content(draw: random.Random) -> Content:
    relative = draw.random() < 0.6
    first, second = ("distance", "within") if relative else ("offset", "depth")
    options: dict[str, Any] = {}
    if draw.random() < 0.7:
        options[first] = draw.randint(-3 if relative else 0, 4)
    if draw.random() < 0.7:
        options[second] = draw.randint(1, 6)
    return content(bytes(draw.choices(b"ab", k=draw.randint(1, 2))), negated=draw.random() < 0.2, **options)


@pytest.mark.parametrize("row", [0, -1])
def test_what_several_classes_of_patterns_find_is_found_once(row: int) -> None:
    """The same bytes anywhere, near the start, and behind a gate."""
    same, head = content(b"qzxwv"), content(b"head", depth=9)
    rules = (
        rule(1, steps=(same,)),
        rule(2, steps=(content(b"qzxwv", depth=20),)),
        rule(3, steps=(same, head)),
    )
    matcher = matcher_of(*rules)
    matches = run(matcher, [Packet(taken=True)], [Stretch(b"head-qzxwv", row=row)])
    assert sorted(match.rule for match in matches) == [0, 1, 2]
    assert matcher.stats()["detect.candidates"] == 3


@pytest.mark.parametrize("options", [{"relative": True}, {"negated": True}])
def test_only_a_place_from_the_start_tells_how_many(options: dict[str, bool]) -> None:
    matcher = matcher_of(rule(steps=(content(b"need"), IsDataAt("payload", 5, **options))))
    run(matcher, [Packet(b"needs")])
    assert matcher.stats()["detect.evaluated"] == 1


@pytest.mark.parametrize(
    ("sought", "evaluated", "found"),
    [
        ('content:"/icon.php";', 1, True),
        ('content:"/ICON.php";', 0, False),
        ('content:"/ICON.php"; nocase;', 1, True),
        ('content:"/other.php";', 0, False),
        ('content:!"/other.php";', 1, True),
    ],
)
def test_rules_about_transactions_are_sought_in_the_payload(
    tmp_path: Path, sought: str, evaluated: int, found: bool
) -> None:
    rules = [f'alert http any any -> any any (msg:"m"; flow:to_server; urilen:9; {sought} sid:1;)']
    alerts, stats = scan(tmp_path, rules, Connection().open().at(0, GET).packets)
    assert bool(alerts) is found
    assert stats["detect.evaluated"] == evaluated


def test_a_body_that_goes_on_is_looked_at_before_the_payload_holds(tmp_path: Path) -> None:
    body = b"early".ljust(90_000, b".") + b"later".ljust(10_000, b".")
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body
    connection = Connection(scale=7).open().at(0, GET)
    for at in range(0, len(answer), 1_400):
        connection.answer(at, answer[at : at + 1_400])
    rules = ['alert http any any -> any any (msg:"m"; content:"later"; file.data; pcre:"/early/"; sid:1;)']
    alerts, _ = scan(tmp_path, rules, connection.packets)
    assert [alert.sid for alert in alerts] == [1]


def test_a_pattern_of_two_protocols_finds_only_the_rule_about_this_one(tmp_path: Path) -> None:
    about = ("mqtt.subscribe.topic", "http.uri", "http.user_agent")
    rules = [
        f'alert tcp any any -> any any (msg:"m"; {buffer}; content:"/icon.php"; sid:{sid};)'
        for sid, buffer in enumerate(about, 1)
    ]
    alerts, _ = scan(tmp_path, rules, Connection().open().at(0, GET).packets)
    assert [alert.sid for alert in alerts] == [2]

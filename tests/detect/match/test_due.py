"""Transactions are handed to the rules where some rule may look at them, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stream.scanning import Connection, scan
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import load

GET = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
ODD = b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 4\r\n\r\nbody"
HEAD, DONE = 1 << Stage.HEAD, 1 << Stage.DONE


def due(folder: Path, options: str, protocol: str = "http") -> tuple[int, int]:
    """At which stages of a request and of a response one rule looks at whatever transaction."""
    path = folder / "some.rules"
    path.write_text(f'alert {protocol} any any -> any any (msg:"m"; {options} sid:1;)')
    compiled = RuleSet.compile(load([path]).signatures)
    return compiled.app.due.get("http1", (0, 0, 0))[1:]


@pytest.mark.parametrize(
    ("options", "stages"),
    [
        ('http.uri; content:"x";', (HEAD, 0)),
        ("urilen:5;", (HEAD, 0)),
        ('http.stat_code; content:"200";', (0, HEAD)),
        ("app-layer-event:http.response_field_missing_colon;", (0, 0)),
        ('file.data; content:"x"; flow:to_client;', (0, 0)),
        ('http.request_body; content:"x"; http.uri; content:"longer-than-that";', (HEAD | DONE, 0)),
    ],
)
def test_where_a_rule_looks(tmp_path: Path, options: str, stages: tuple[int, int]) -> None:
    assert due(tmp_path, options) == stages


@pytest.mark.parametrize(
    ("options", "answer", "found"),
    [
        ('http.uri; content:"/a";', OK, True),
        ("urilen:2;", OK, True),
        ('http.stat_code; content:"200"; file.data; content:"body";', OK, True),
        ("app-layer-event:http.response_field_missing_colon;", ODD, True),
        ("app-layer-event:http.response_field_missing_colon;", OK, False),
        ('file.data; content:"body";', OK, True),
    ],
)
@pytest.mark.parametrize(
    "extra", ["", 'alert http any any -> any any (msg:"m"; http.cookie; content:"z"; sid:2;)']
)
def test_what_is_not_due_is_found_nevertheless(
    tmp_path: Path, options: str, answer: bytes, found: bool, extra: str
) -> None:
    rules = [f'alert http any any -> any any (msg:"m"; {options} sid:1;)', extra]
    alerts, _ = scan(tmp_path, rules, Connection().open().at(0, GET).answer(0, answer).packets)
    assert [a.sid for a in alerts] == [1] * found

"""What the log says of POP3."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.pop3 import MOST_TOLD, TOLD_LIMIT, Pop3Parser
from vpi_tui.detect.applayer.transaction import Transaction

from .test_pop3 import CLIENT, SERVER, TALK, Pieces


def told(pieces: Pieces, limits: Limits | None = None) -> list[dict[str, Any]]:
    parser = Pop3Parser(limits)
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    return [DESCRIPTIONS["pop3"].describe(one)["pop3"] for one in found]


def answer(header: str = "", *lines: str, success: bool = True) -> dict[str, Any]:
    return {"success": success, "status": "OK" if success else "ERR", "header": header, "data": [*lines]}


def test_commands_and_their_replies() -> None:
    greeting, capa, user, password, _, _, retr, _ = told(TALK)
    assert greeting == {"response": answer("ready")}
    assert capa == {"request": {"command": "CAPA", "args": []}, "response": answer("", "USER", "TOP")}
    assert user == {"request": {"command": "USER", "args": ["bob"]}, "response": answer()}
    assert password["response"] == answer("no", success=False)
    assert retr == {"request": {"command": "RETR", "args": ["1"]}}, "of a mail nothing is told"


def test_long_replies_are_told_up_to_a_bound() -> None:
    lines = b"".join(b"%d %s\r\n" % (number, b"x" * 2_000) for number in range(500))
    ask: Pieces = [
        (SERVER, b"USER " + b"a " * 100 + b"\r\n"),
        (CLIENT, b"+OK " + b"y" * 2_000 + b"\r\n" + lines + b".\r\n"),
    ]
    (found,) = told(ask)
    assert len(found["request"]["args"]) == len(found["response"]["data"]) == MOST_TOLD
    assert {len(line) for line in found["response"]["data"]} == {TOLD_LIMIT}
    assert len(found["response"]["header"]) == TOLD_LIMIT


def test_a_command_that_nobody_answers() -> None:
    assert told([(SERVER, b"STAT\r\n")]) == [{"request": {"command": "STAT", "args": []}}]


def test_nothing_is_kept_where_nobody_logs() -> None:
    found = told(TALK, Limits(logged=False))
    assert [one["request"]["args"] for one in found if "request" in one] == [[]] * 7
    assert not any("response" in one for one in found)

"""What the log says of PostgreSQL."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS

from .test_pgsql import CLIENT, DIALOGUE, MOST_RESPONSES, READY, SERVER, events, message, run


def responses(*pieces: tuple[int, bytes]) -> list[dict[str, Any]]:
    return [DESCRIPTIONS["pgsql"].describe(one)["pgsql"].get("response", {}) for one in run(*pieces)]


def answer(*messages: bytes) -> dict[str, Any]:
    (found,) = responses((SERVER, message(b"Q", b"COPY x\0")), (CLIENT, b"".join(messages) + READY))
    return found


def test_the_challenge_of_a_log_on_is_told() -> None:
    found = responses(*DIALOGUE)
    assert found[1] == {"authentication_md5_password": "salt"}
    assert "authentication_md5_password" not in found[2]
    final = responses((SERVER, message(b"p", b"c=x")), (CLIENT, message(b"R", b"\0\0\0\x0cv=abc")))
    assert final == [{"authentication_sasl_final": "v=abc"}]


def test_rows_are_counted_without_the_lengths_of_values() -> None:
    found = responses(*DIALOGUE)[3]
    assert (found["data_rows"], found["data_size"], found["field_count"]) == (3, 9, 1)


def test_a_copy_is_told() -> None:
    rows = [message(b"d", b"one\n"), message(b"d", b"three\n")]
    found = answer(message(b"H", b"\0\0\2\0\0\0\0"), *rows, message(b"c"), message(b"C", b"COPY 2\0"))
    assert found["copy_out_response"] == {"columns": 2}
    assert found["copy_data_out"] == {"row_count": 2, "data_size": 10}
    assert found["command_completed"] == "COPY 2"
    assert answer(message(b"G", b"\0\0\3" + bytes(6)))["copy_in_response"] == {"columns": 3}


def test_rows_of_a_copy_are_not_too_many_responses() -> None:
    rows = message(b"d", b"x") * (MOST_RESPONSES + 10)
    assert events((SERVER, message(b"Q", b"COPY x\0")), (CLIENT, rows + READY)) == []


def test_a_notice_is_told_where_there_is_no_error() -> None:
    notice, error = message(b"N", b"SNOTICE\0Mhello\0\0"), message(b"E", b"SERROR\0C42P01\0\0")
    assert answer(notice) == {"severity_localizable": "NOTICE", "message": "hello"}
    assert answer(error, notice)["severity_localizable"] == "ERROR"

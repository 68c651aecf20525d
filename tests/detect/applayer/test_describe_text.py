"""How bytes become text of the log."""

from __future__ import annotations

import pytest

from vpi_tui.detect.applayer.describe.text import TEXT_LIMIT, text


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b"plain", "plain"),
        ("gr\xfc\xdfe \u4f60".encode(), "gr\xfc\xdfe \u4f60"),
        (b"a\xffb\xc3", "a\\xffb\\xc3"),
        (b"a\r\n\x00\xff", "a\r\n\x00\\xff"),
    ],
)
def test_what_is_no_utf8_is_written_as_hexadecimal_where_it_is_no_ascii(sent: bytes, written: str) -> None:
    assert text(sent) == written


@pytest.mark.parametrize("before", range(4))
def test_a_long_text_is_cut_between_characters(before: int) -> None:
    sent = "x" * before + "\U0001f600" * TEXT_LIMIT
    found = text(sent.encode())
    assert sent.startswith(found)
    assert TEXT_LIMIT - 4 < len(found.encode()) <= TEXT_LIMIT

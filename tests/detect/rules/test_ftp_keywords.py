"""Keywords about FTP as they are written."""

from __future__ import annotations

import pytest

from vpi_tui.model.signature import Content, NumberIn, Step

from .rule_text import parse, refused


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("ftp.mode: active;", Content("ftp.mode", b"active", startswith=True, endswith=True)),
        ("ftp.dynamic_port: >1023;", NumberIn("ftp.dynamic_port", ((1024, 65535),))),
        ("ftp.reply_received: no;", NumberIn("ftp.reply_received", ((0, 0),))),
        ('ftp.command; content:"PASS";', Content("ftp.command", b"PASS")),
    ],
)
def test_one_step(options: str, expected: Step) -> None:
    assert parse(options, head="alert ftp any any -> any any").steps == (expected,)


@pytest.mark.parametrize("options", ["ftp.mode: both;", "ftp.reply_received: maybe;"])
def test_refusals(options: str) -> None:
    assert options.partition(":")[0] in refused(options)

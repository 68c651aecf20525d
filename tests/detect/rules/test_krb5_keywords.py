"""Kerberos keywords as they are written."""

from __future__ import annotations

import pytest

from vpi_tui.model.signature import NumberIn

from .rule_text import parse, refused

KEYWORD = "krb5.ticket_encryption"


def holds(text: str, number: int) -> bool:
    (step,) = parse(f"{KEYWORD}:{text};").steps
    assert isinstance(step, NumberIn)
    return any(low <= number & 0xFFFFFFFF <= high for low, high in step.spans)


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("weak", 23, True),
        ("weak", 18, False),
        ("!weak", 18, True),
        ("!weak", -128, False),
        ("weak", -128, True),
        (" des-cbc-crc , -128,2 257", 1, True),
        (" des-cbc-crc , -128,2 257", -128, True),
        (" des-cbc-crc , -128,2 257", 257, True),
        (" des-cbc-crc , -128,2 257", 3, False),
        ("rc4-hmac-OLD", -133, True),
    ],
)
def test_types(text: str, number: int, expected: bool) -> None:
    assert holds(text, number) is expected


def test_no_type() -> None:
    assert KEYWORD in refused(f"{KEYWORD}:strong;")


def test_old_and_new_names() -> None:
    assert parse('krb5_cname; content:"x";').steps == parse('krb5.cname; content:"x";').steps
    assert parse("krb5_msg_type:as_req;").steps == parse("krb5_msg_type:10;").steps

"""Tag, length and value within their bytes; scapy's encoder is the oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.asn1.ber import BERcodec_INTEGER, BERcodec_OID, BERcodec_SEQUENCE, BERcodec_STRING

from vpi_tui.detect.applayer import ber


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70_000])
def test_lengths(size: int) -> None:
    data = BERcodec_STRING.enc(b"x" * size)
    assert list(ber.elements(data)) == [(ber.OCTETS, b"x" * size)]
    assert ber.head(data) == (ber.OCTETS, len(data) - size, size)
    for cut in range(min(len(data), 8)):
        assert list(ber.elements(data[:cut])) == []


@given(st.integers(-(1 << 62), 1 << 62))
def test_numbers(value: int) -> None:
    (found,) = ber.elements(BERcodec_INTEGER.enc(value))
    assert ber.integer(found.value) == value


def test_no_number() -> None:
    assert ber.integer(b"") is None
    assert ber.integer(None) is None
    assert ber.integer(bytes(9)) is None


@pytest.mark.parametrize("dotted", ["1.3.6.1.4.1.1466.20037", "2.5.4.3", "0.9.2342"])
def test_object_identifiers(dotted: str) -> None:
    (found,) = ber.elements(BERcodec_OID.enc(dotted))
    assert ber.object_identifier(found.value) == dotted


def test_inside_an_element() -> None:
    sequence = BERcodec_SEQUENCE.enc(BERcodec_INTEGER.enc(5) + BERcodec_STRING.enc(b"a") * 2)
    inside = ber.inner(sequence, ber.SEQUENCE)
    assert inside is not None
    assert ber.by_tag(inside) == {ber.INTEGER: b"\5", ber.OCTETS: b"a"}
    assert ber.inner(sequence, ber.SET) is None
    assert ber.inner(b"", ber.SEQUENCE) is None


@given(st.binary())
def test_nothing_is_read_beyond_the_bytes(data: bytes) -> None:
    assert sum(2 + len(value) for _, value in ber.elements(data)) <= len(data)

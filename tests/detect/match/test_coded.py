"""Base64 inside of a payload, and the entropy of bytes."""

from __future__ import annotations

import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.match.build import Packet, hits
from tests.detect.rules.rule_text import parse
from vpi_tui.detect.match.coded import base64_prefix, shannon


@given(st.binary(), st.integers(0, 3))
def test_what_was_encoded_comes_back(data: bytes, cut: int) -> None:
    text = base64.b64encode(data)
    assert base64_prefix(text + b"!more") == data
    assert data.startswith(base64_prefix(text[: len(text) - cut]))
    assert base64_prefix(base64.encodebytes(data), skip_others=True) == data


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"SGk=SGk=", b"HiHi"),
        (b"SA==SGk", b"HHi"),
        (b"SA=xSA", b"HH"),
        (b"SGk==", b"Hi"),
        (b"SGk=S", b"Hi"),
        (b"=SGk=", b""),
        (b"SGkh!SGkh", b"Hi!"),
    ],
)
def test_padding_does_not_end_it(text: bytes, says: bytes) -> None:
    assert base64_prefix(text) == says


@given(st.binary())
def test_nothing_raises(data: bytes) -> None:
    assert len(base64_prefix(data)) <= len(data)
    assert len(base64_prefix(data, skip_others=True)) <= len(data)


@given(st.binary(min_size=1, max_size=300))
def test_entropy_is_what_the_formula_says(data: bytes) -> None:
    shares = [data.count(byte) / len(data) for byte in set(data)]
    assert shannon(data) == pytest.approx(sum(-p * math.log2(p) for p in shares))
    assert 0 <= shannon(data) <= 8


SECRET = b"Authorization: Basic " + base64.b64encode(b"root:hunter2") + b"\r\n"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ('content:"Basic "; base64_decode:relative; base64_data; content:"root:"; startswith;', True),
        ('content:"Basic "; base64_decode:relative; base64_data; content:"hunter2"; endswith;', True),
        ('content:"Basic "; base64_decode:bytes 4,relative; base64_data; content:"hunter2";', False),
        ('base64_decode:offset 21; base64_data; content:"root"; content:"h"; distance:1; within:1;', True),
        ('base64_decode:offset 21; base64_data; content:"toor";', False),
        ('base64_decode:offset 20; base64_data; content:"root";', False),
        ("base64_decode:offset 21;", False),
        ('base64_decode:bytes 8 offset 21; base64_data; content:"root:h"; bsize:6;', True),
        ('content:"Basic "; base64_decode:bytes 4 relative; base64_data; content:"roo"; bsize:3;', True),
        ('content:"Basic "; base64_decode:relative; base64_data; content:!"root";', False),
        # Only the first place of a content is decoded from, and nothing behind base64_decode is looked at.
        ('content:"A"; base64_decode:relative; base64_data; content:"root";', False),
        ('content:"Basic "; base64_decode:relative; content:"absent"; base64_data; content:"x";', False),
        ("entropy:value > 4;", True),
        ("entropy:value > 5.5;", False),
        ("entropy:bytes 6, value <= 3;", True),
        ("entropy:bytes 600, value <= 8;", False),
    ],
)
def test_rules(options: str, found: bool) -> None:
    rules = [parse(options, head="alert udp any any -> any any")]
    assert bool(hits(rules, [Packet(SECRET, proto=17)])) == found


def test_base64_is_decoded_behind_the_first_place_of_a_content_alone() -> None:
    rules = [parse('content:"k="; base64_decode:relative; base64_data; content:"hi";')]
    first, second = b"k=" + base64.b64encode(b"hi"), b"k=" + base64.b64encode(b"no")
    assert hits(rules, [Packet(first + b" " + second), Packet(second + b" " + first)]) == [(0, 1)]


def test_nothing_of_the_buffer_is_looked_at_behind_base64_decode() -> None:
    options = 'base64_decode:offset 21; content:!"Basic"; pcre:"/zzz/"; base64_data; content:"root";'
    assert hits([parse(options)], [Packet(SECRET)]) == [(0, 1)]


def test_no_bytes_have_an_entropy_of_0() -> None:
    behind = len(SECRET)
    assert hits([parse(f"entropy:offset {behind}, value < 1;")], [Packet(SECRET)])
    assert not hits([parse(f"entropy:offset {behind + 1}, value < 1;")], [Packet(SECRET)])

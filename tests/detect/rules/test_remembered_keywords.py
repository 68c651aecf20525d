"""flowint, xbits, hostbits, base64 and entropy as they are written."""

from __future__ import annotations

import re

import pytest

from vpi_tui.model.signature import Base64Decode, Content, Entropy, FlowInt, HostBits

from .rule_text import parse, refused


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("flowint: a.count , + , 1;", FlowInt("a.count", "+", 1)),
        ("flowint:a,>=,b;", FlowInt("a", ">=", "b")),
        ("flowint:a,isset;", FlowInt("a", "isset")),
        ("flowint:a, notset;", FlowInt("a", "isnotset")),
    ],
)
def test_flowint(options: str, expected: FlowInt) -> None:
    assert parse(options).flowints == (expected,)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("xbits:set,ET.a,track ip_pair,expire 60;", HostBits("set", "ET.a", "pair", 60)),
        ("xbits: isset, ET.a, track ip_src;", HostBits("isset", "ET.a", "src", 30)),
        ("xbits:toggle,a,expire 5,track ip_dst;", HostBits("toggle", "a", "dst", 5)),
        ("hostbits:set,a;", HostBits("set", "a", "src", 300, "hostbits")),
        ("hostbits:unset,a,dst;", HostBits("unset", "a", "dst", 300, "hostbits")),
        ("hostbits:set,a,src,60;", HostBits("set", "a", "src", 60, "hostbits")),
    ],
)
def test_bits_of_hosts(options: str, expected: HostBits) -> None:
    assert parse(options).hostbits == (expected,)
    assert parse(f"{options} xbits:noalert;").noalert


def test_base64() -> None:
    made = parse('content:"x="; base64_decode:bytes 12, offset 2, relative; base64_data; content:"y";')
    assert made.steps == (
        Content("payload", b"x="),
        Base64Decode("payload", 12, 2, True, (Content("base64_data", b"y"),)),
    )
    assert parse("base64_decode;").steps == (Base64Decode("payload", 0, 0, False),)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("entropy:value > 5.5;", Entropy("payload", 0, 0, 5.5, 9.0, False)),
        ("entropy:bytes 10, offset 3, value <= 4;", Entropy("payload", 3, 10, 0.0, 4.0)),
        ("entropy:value 2-3;", Entropy("payload", 0, 0, 2.0, 3.0, False)),
        ("entropy:value != 0;", Entropy("payload", 0, 0, 0.0, 0.0, True, True)),
    ],
)
def test_entropy(options: str, expected: Entropy) -> None:
    assert parse(options).steps == (expected,)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("flowint:a,+;", "needs `name,operator,value`"),
        ("flowint:a b,+,1;", "not a name"),
        ("flowint:a,+,99999999999;", "out of range"),
        ("xbits:put,a,track ip_src;", "unknown action"),
        ("xbits:set,a;", "track is missing"),
        ("xbits:set,a,track ip_src,expire 0;", "out of range"),
        ("hostbits:set,a,both;", "src or dst"),
        ("base64_decode:lines 3;", "unknown part"),
        ('base64_data; content:"x";', "needs a base64_decode before it"),
        ('base64_decode; base64_data; content:"x"; fast_pattern;', "not for base64_data"),
        ("entropy:bytes 3;", "needs a value"),
        ("entropy:value >9;", "no bytes have"),
        ("entropy:value 5-4;", "no bytes have"),
    ],
)
def test_refused(options: str, reason: str) -> None:
    assert re.search(reason, refused(options))

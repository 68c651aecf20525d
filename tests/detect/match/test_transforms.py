"""Transforms do what the manual says, and the scan still finds the rules that use them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.match.build import Packet, hits
from tests.detect.rules.rule_text import parse, refused
from vpi_tui.detect.transforms import TRANSFORMS, base_of, function_of, raw_piece, with_transform

PLAIN = [name for name in TRANSFORMS if name not in {"xor", "pcrexform", "from_base64"}]


def changed(options: str, data: bytes) -> bytes:
    """What the buffer of `tcp.hdr; options` would be."""
    function = function_of(parse(f"tcp.hdr; {options} bsize:>0;").steps[0].buffer)
    assert function is not None
    return function(data)


@pytest.mark.parametrize(
    ("options", "data", "expected"),
    [
        ("to_lowercase;", b"GeT \xc0", b"get \xc0"),
        ("to_uppercase;", b"GeT \xe0", b"GET \xe0"),
        ("strip_whitespace;", b" a\tb\r\nc\v\f", b"abc"),
        ("compress_whitespace;", b"a  b\t \tc\n", b"a b\tc\n"),
        ("dotprefix;", b"example.com", b".example.com"),
        ("domain;", b"www.Example.co.uk", b"Example.co.uk"),
        ("domain;", b"example.com.", b"example.com."),
        ("domain;", b"co.uk", b""),
        ("domain;", b"a..com", b""),
        ("domain;", b"\xff.invalid", b"\xff.invalid"),
        ("domain;", b"x." * 128 + b"com", b""),
        ("tld;", b"www.example.co.uk", b"co.uk"),
        ("tld;", b"", b""),
        ("url_decode;", b"a+%41%zz%2", b"a A%zz%2"),
        ("url_decode;", b"%%41%4+%+%4", b"%%41%4+%+%4"),
        ("url_decode;", b"a+b", b"a b"),
        ("to_md5;", b"x", hashlib.md5(b"x").digest()),
        ("to_sha1;", b"x", hashlib.sha1(b"x").digest()),
        ("to_sha256;", b"x", hashlib.sha256(b"x").digest()),
        ('xor:"0d0a";', b"\x0d\x0a\xff", b"\x00\x00\xf2"),
        ('xor:"ff";', b"", b""),
        ("strip_pseudo_headers;", b":method: GET\r\nhost: x\r\n:path: /", b"host: x\r\n"),
        ("header_lowercase;", b"Host: A.B\r\n:Method: GET", b"host: A.B\r\n:Method: GET"),
        ("header_lowercase;", b"Host:A.B\nX", b"host:A.B\nx"),
        (r'pcrexform:"^GET\s+(\S+)";', b"GET  /x HTTP", b"/x"),
        (r'pcrexform:"^PUT\s+(\S+)";', b"GET  /x HTTP", b"GET  /x HTTP"),
        (r'pcrexform:"GET(x)?";', b"GET  /x HTTP", b"GET  /x HTTP"),
        (r'pcrexform:"GET(x?)";', b"GET  /x HTTP", b""),
        ("from_base64;", base64.b64encode(b"hello"), b"hello"),
        ("from_base64: offset 2, bytes 4;", b"--aGk=xx", b"hi"),
        ("from_base64: offset 2, bytes 6;", b"--aGk=xx", b"--aGk=xx"),
        ("from_base64: bytes 9;", b"--aGk=xx", b"--aGk=xx"),
        ("from_base64: offset 8;", b"--aGk=xx", b"--aGk=xx"),
        ("from_base64: mode rfc2045;", b"aG\r\nVs bG8=", b"hello"),
        ("from_base64: mode strict;", b"aGVs!", b"aGVs!"),
        ("from_base64;", b"!!", b"!!"),
        ("gunzip;", gzip.compress(b"hello" * 300, mtime=0), (b"hello" * 300)[:1024]),
        ("gunzip:max-size 2000;", gzip.compress(b"hello" * 300, mtime=0), b"hello" * 300),
        ("gunzip:max-size=2kb;", gzip.compress(b"hello" * 300, mtime=0), b"hello" * 300),
        ("gunzip;", b"no gzip", b""),
        ("gunzip;", gzip.compress(b"hello", mtime=0)[:-9], b""),
        ("gunzip;", gzip.compress(b"hello", mtime=0)[:-1] + b"x", b""),
        ("gunzip:max-size 4;", gzip.compress(b"hello", mtime=0)[:-8] + bytes(8), b"hell"),
        ("zlib_deflate;", zlib.compress(b"hello"), b"hello"),
        ("zlib_deflate;", zlib.compress(b"hello")[:-4], b"hello"),
        ("zlib_deflate;", zlib.compress(b"hello")[:-4] + b"xxxx", b""),
        ("strip_whitespace; to_uppercase; dotprefix;", b"a b", b".AB"),
    ],
)
def test_what_each_does(options: str, data: bytes, expected: bytes) -> None:
    assert changed(options, data) == expected


def test_a_bomb_is_cut_off() -> None:
    assert len(changed("gunzip;", gzip.compress(bytes(50_000_000)))) == 1024


@pytest.mark.parametrize("name", PLAIN)
@given(data=st.binary(max_size=300))
def test_nothing_raises_and_a_piece_of_the_pattern_was_there_before(name: str, data: bytes) -> None:
    buffer = with_transform("some.buffer", name)
    assert base_of(buffer) == "some.buffer"
    function = function_of(buffer)
    assert function is not None
    made = function(data)
    for at in range(0, len(made), 7):
        for size in (1, 5, 40):
            assert raw_piece(buffer, made[at : at + size]).lower() in data.lower()


HEADER = bytes(range(100, 120))
"""The TCP header of the packets that tests.detect.match.build makes: letters from d on."""


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ('tcp.hdr; to_uppercase; content:"DEFG"; startswith;', True),
        ('tcp.hdr; to_uppercase; content:"DEFH";', False),
        ('tcp.hdr; dotprefix; content:".defg"; startswith; bsize:21;', True),
        ('tcp.hdr; dotprefix; content:".defg"; tcp.hdr; content:"hij"; offset:4; depth:3;', True),
        ('tcp.hdr; to_md5; content:"|00|"; bsize:15;', False),
        (f'tcp.hdr; to_md5; content:"|{hashlib.md5(HEADER).hexdigest()}|"; content:!"x"; bsize:16;', True),
    ],
)
def test_rules_about_packets(options: str, found: bool) -> None:
    assert bool(hits([parse(options)], [Packet(b"x")])) == found


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ('to_lowercase; content:"x";', "needs a sticky buffer"),
        ('tcp.hdr; content:"x"; pkt_data; dotprefix; content:"x";', "needs a sticky buffer"),
        ('tcp.hdr; xor:"0";', "in hex"),
        ("tcp.hdr; xor:0a;", "double quotes"),
        ('tcp.hdr; to_uppercase; content:"Ab";', "to_uppercase: leaves"),
        ('tcp.hdr; to_lowercase; dotprefix; content:!"Ab"; nocase;', "to_lowercase: leaves"),
        ('tcp.hdr; strip_whitespace; content:"a b";', "strip_whitespace: leaves"),
        ('tcp.hdr; compress_whitespace; content:"a |09|b";', "compress_whitespace: leaves"),
        ('tcp.hdr; pcrexform:"abc";', "group"),
        ('tcp.hdr; pcrexform:"(a)(b)";', "group"),
        ('tcp.hdr; pcrexform:"(abc";', "missing closing"),
        ("tcp.hdr; gunzip:size 3;", "max-size"),
        ("tcp.hdr; from_base64:mode x;", "unknown part"),
        ("tcp.hdr; " + "to_lowercase; " * 17, "more than 16"),
        ("tcp.hdr; luaxform:x.lua;", "not supported: "),
    ],
)
def test_refused(options: str, reason: str) -> None:
    assert reason in refused(options)

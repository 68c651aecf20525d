from __future__ import annotations

import pytest

from vpi_tui.model.signature import Content

from .rule_text import parse, refused


def content(options):
    (step,) = parse(options).steps
    assert isinstance(step, Content)
    return step


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("abc", b"abc"),
        ("a|0d 0A|b", b"a\r\nb"),
        ("|0D0a|", b"\r\n"),
        ("|0 D,0a |", b"\r\n"),
        (r"a\;\:\"\\b", b'a;:"\\b'),
        ("GET /a;b", b"GET /a;b"),
        ("ü", "ü".encode()),
        ("x||y", b"xy"),
    ],
)
def test_patterns(text, pattern):
    assert content(f'content:"{text}";').pattern == pattern


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ('content:!"a";', "negated", True),
        ('content:"a"; nocase;', "nocase", True),
        ('content:"a"; offset:3;', "offset", 3),
        ('content:"a"; depth:0x10;', "depth", 16),
        ('content:"a"; distance:-4;', "distance", -4),
        ('content:"a"; within:7;', "within", 7),
        ('content:"a"; startswith;', "startswith", True),
        ('content:"a"; endswith;', "endswith", True),
        ('content:"a"; fast_pattern;', "fast_pattern", True),
        ('content:"a"; fast_pattern:only;', "fast_pattern_only", True),
        ('content:"abcd"; fast_pattern:1,2;', "fast_pattern_chop", (1, 2)),
        ('content:"a"; rawbytes;', "buffer", "payload"),
    ],
)
def test_modifiers(options, field, value):
    assert getattr(content(options), field) == value


def test_modifiers_speak_of_the_last_content():
    first, second = parse('content:"one"; offset:1; content:"two"; within:5; nocase;').steps
    assert isinstance(first, Content)
    assert isinstance(second, Content)
    assert (first.offset, first.nocase, second.within, second.nocase) == (1, False, 5, True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("content:abc;", "double quotes"),
        (r'content:"a\"b" pcre : "/x/";', "`;` is missing before 'pcre'"),
        ('content:"";', "empty"),
        ('content:"|zz|";', "not pairs of hex"),
        ('content:"|0|";', "not pairs of hex"),
        ('content:"|41";', "without its partner"),
        (r'content:"a\n";', r"\\n is no escape"),
        ("content;", "needs a value"),
        ("nocase;", "needs a content before it"),
        ('content:"a"; nocase; nocase;', "twice"),
        ('content:"a"; nocase:1;', "takes no value"),
        ('content:"a"; distance:1; offset:2;', "distance or within"),
        ('content:"a"; depth:3; within:2;', "offset or depth"),
        ('content:"abc"; depth:2;', "can never match"),
        ('content:"abc"; within:2;', "can never match"),
        ('content:"a"; offset:65536;', "out of range"),
        ('content:"a"; offset:x;', "not set by"),
        ('content:"a"; startswith; offset:1;', "startswith"),
        ('content:"a"; depth:4; startswith;', "startswith"),
        ('content:"a"; fast_pattern; content:"b"; fast_pattern;', "only one content"),
        ('content:!"a"; offset:2; fast_pattern;', "negated content with a position"),
        ('content:!"a"; fast_pattern; offset:2;', "negated content"),
        ('content:"a"; offset:2; fast_pattern:only;', "position"),
        ('content:"a"; fast_pattern:only; offset:2;', "fast_pattern:only"),
        ('content:"abc"; fast_pattern:1,3;', "goes beyond"),
        ('content:"a"; tcp.hdr; nocase;', "needs a content"),
        ('tcp.hdr; ipv4.hdr; content:"a";', "tcp.hdr: nothing is asked"),
        ('tcp.hdr; pkt_data; content:"a";', "tcp.hdr: nothing is asked"),
        ('content:"a"; tcp.hdr;', "tcp.hdr: nothing is asked"),
        ('tcp.hdr; content:"a"; dotprefix; ipv4.hdr; content:"a";', "nothing is asked|stand together"),
        ('tcp.hdr; dotprefix; content:"a"; to_lowercase; content:"b";', "stand together"),
        ('base64_decode; base64_data; content:"a"; tcp.hdr; content:"b";', "no other buffer"),
        ('tcp.hdr; content:"a"; rawbytes;', "only for content of the payload"),
    ],
)
def test_what_cannot_stand_together(options, reason):
    import re

    assert re.search(reason, refused(options))


def test_a_buffer_named_again_does_no_harm() -> None:
    (step,) = parse('tcp.hdr; tcp.hdr; content:"a";').steps
    assert step.buffer == "tcp.hdr"


def test_the_payload_may_stand_behind_base64_data() -> None:
    steps = parse('base64_decode; base64_data; content:"a"; pkt_data; content:"b";').steps
    assert steps[-1].buffer == "payload"


@pytest.mark.parametrize(
    ("options", "packet_too"),
    [
        ('content:"a";', False),
        ('content:"a"; depth:5;', True),
        ('content:"a"; startswith;', True),
        ('content:"a"; distance:2;', False),
        ('content:"a"; offset:1; dsize:9;', False),
    ],
)
def test_fixed_positions_look_at_packets_too(options, packet_too):
    assert parse(options).packet_too is packet_too


def test_bytes_that_are_no_utf8_stay_themselves():
    text = b'content:"caf\xe9";'.decode("utf-8", "surrogateescape")
    assert content(text).pattern == b"caf\xe9"

"""What each keyword about bytes finds: rule text and a payload, through the matcher."""

from __future__ import annotations

import pytest

from tests.detect.match.build import Packet, hits
from tests.detect.rules.rule_text import parse
from vpi_tui.detect import bounded, regex
from vpi_tui.detect.match import expressions

HOLDS = [
    # content and its positions
    ('content:"abc";', b"xxabcx"),
    ('content:"ABC"; nocase;', b"xxabcx"),
    ('content:"abc"; offset:2; depth:3;', b"xxabcx"),
    ('content:"abc"; startswith;', b"abcx"),
    ('content:"abc"; endswith;', b"xabc"),
    ('content:"a"; content:"b"; distance:2; within:1;', b"axxb"),
    ('content:"b"; content:"a"; distance:-9; within:4;', b"abc"),
    ('byte_jump:1,2,post_offset -9; content:"a"; within:1;', b"ab\x01c"),
    ('byte_jump:1,0,from_end,post_offset -9; content:"|01|b"; within:2;', b"\x01bc"),
    ("byte_test:1,!,98,0;", b"a"),
    ("byte_test:3,=,12,0,string,dec;", b"+12"),
    ("byte_test:3,=,0,0,string,hex;", b"0xg"),
    ('byte_jump:2,3,string,dec; content:"123"; within:3;', b"123-5a"),
    ('content:"b"; byte_jump:2,0,relative,string,dec; content:"b-"; within:2;', b"ab-3"),
    ('content:"a"; content:"b"; distance:0; content:"c"; distance:0; within:1;', b"ab ab abc"),
    ('content:"a"; content:!"b"; within:3;', b"axxxb"),
    ('content:!"zzz"; content:"a";', b"a"),
    ('content:"|00 ff|";', b"\x00\xff"),
    # pcre
    (r'pcre:"/u[sz]er=\d+/";', b"user=12"),
    ('content:"a"; pcre:"/^b/R";', b"ab"),
    ('pcre:!"/root/"; content:"a";', b"a"),
    # isdataat
    ('content:"a"; isdataat:2,relative;', b"a12"),
    ('content:"a"; isdataat:!3,relative;', b"a12"),
    # numbers
    ("byte_test:2,=,258,0;", b"\x01\x02"),
    ("byte_test:2,=,513,0,little;", b"\x01\x02"),
    ("byte_test:3,>,99,1,string,dec;", b"x100"),
    ("byte_test:4,=,0xbeef,0,string,hex;", b"beef"),
    ("byte_test:1,&,0x80,0;", b"\x81"),
    ("byte_test:1,!&,0x40,0;", b"\x81"),
    ("byte_test:1,=,3,0,bitmask 0x30;", b"\x3f"),
    ('byte_jump:1,0; content:"b"; within:1;', b"\x02xxb"),
    ('byte_jump:1,0,multiplier 2; content:"b"; within:1;', b"\x01xxb"),
    ('byte_jump:1,0,from_beginning; content:"b"; within:1;', b"\x03xxb"),
    ('byte_jump:1,0,align; content:"b"; within:1;', b"\x01xxxxb"),
    ('byte_extract:1,0,size; content:"b"; offset:size;', b"\x03xxb"),
    ('byte_extract:1,0,size; content:"a"; isdataat:size,relative;', b"\x02axx"),
    ('byte_math:bytes 1,offset 0,oper +,rvalue 2,result at; content:"b"; offset:at;', b"\x01xxb"),
    ('content:"a"; byte_extract:1,0,none,relative; byte_jump:none,0,relative; isdataat:1,relative;', b"a\0b"),
    ('byte_test:3,=,8,0,string; content:"010";', b"010"),
    ("byte_test:4,=,26,0,string;", b"0x1a"),
    ('byte_jump:4,0,string; content:"b"; within:1;', b"0x02--b"),
    ("byte_test:20,=,26,0,string,hex;", b"0000000000000000001a"),
    # of a variable 32 bits count, with a sign where it moves
    (
        'byte_math:bytes 1,offset 0,oper -,rvalue 4,result back; content:"c"; content:"a"; distance:back;',
        b"\x01abc",
    ),
    ("byte_extract:4,0,at; byte_test:1,=,98,at;", b"\0\0\0\x05b" + b"b"),
    # of a content that must not stand at the end only the first place counts
    ('content:!"abc"; endswith;', b"abcx"),
    ('content:!"abc"; endswith;', b"abcabc"),
    ('content:!"abc"; endswith; offset:1;', b"xabc"),
    ('content:"x"; content:!"abc"; isdataat:!1,relative;', b"xabcabc"),
    # size
    ("dsize:3;", b"abc"),
]
FAILS = [
    ('content:"abc";', b"xxABCx"),
    ('content:"abc"; offset:3;', b"xxabcx"),
    ('content:"abc"; depth:4;', b"xxabcx"),
    ('content:"abc"; endswith;', b"abcx"),
    ('content:"a"; content:"b"; distance:2; within:1;', b"axb"),
    ('content:"b"; content:"a"; distance:-6; within:4;', b"abc"),
    ("byte_test:1,!,97,0;", b"a"),
    ('content:"d"; byte_jump:0,0,relative,post_offset -4; content:"a"; within:1;', b"abcd"),
    ('content:"a"; content:!"b"; within:3;', b"axb"),
    (r'pcre:"/u[sz]er=\d+/";', b"uxer=1"),
    ('content:"a"; pcre:"/^b/R";', b"a b"),
    ('content:"a"; isdataat:3,relative;', b"a12"),
    ("byte_test:2,=,258,0;", b"\x01"),
    ("byte_test:3,>,99,1,string,dec;", b"xabc"),
    ("byte_jump:1,0;", b"\x09x"),
    ('byte_extract:1,0,size; content:"b"; offset:size;', b"\x04xxb"),
    ('byte_extract:1,1,nil; byte_math:bytes 1,offset 0,oper /,rvalue nil,result at; content:"b";', b"\1\0b"),
    ("dsize:3;", b"abcd"),
    ('content:!"abc"; endswith;', b"xabc"),
    ('content:"x"; content:!"abc"; isdataat:!1,relative;', b"xabc"),
    ('content:"a"; byte_jump:1,0,relative; isdataat:!1,relative;', b"a\x01bc"),
    # no other place is tried once a step failed that does not hang on a place
    ('content:"a"; byte_extract:1,0,at,relative; content:"z"; offset:at;', b"a\x09a\x04z"),
    ('content:"a"; byte_extract:1,0,n,relative; content:"z"; byte_test:1,=,n,4;', b"a\x09a\x01\x01z"),
    ('content:"a"; byte_jump:1,0,relative; isdataat:2,relative;', b"a\x03a\0xx"),
]


def _raised(options: str, payload: bytes) -> bool:
    return bool(hits([parse(options)], [Packet(payload)]))


@pytest.mark.parametrize(("options", "payload"), HOLDS)
def test_holds(options: str, payload: bytes) -> None:
    assert _raised(options, payload)


@pytest.mark.parametrize(("options", "payload"), FAILS)
def test_does_not_hold(options: str, payload: bytes) -> None:
    assert not _raised(options, payload)


@pytest.mark.parametrize("relative", ["R", ""])
def test_an_expression_that_matches_nothing_is_searched_once(
    monkeypatch: pytest.MonkeyPatch, relative: str
) -> None:
    searched = []

    def timed(expression: bytes, flags: int, subject: bytes, *limits: int) -> tuple[regex.Looked, int]:
        searched.append(subject)
        return bounded.timed(expression, flags, subject, *limits)

    monkeypatch.setattr(expressions, "timed", timed)
    rest = 'pcre:"/\\w+x{2}\\d+=/R"; ' if relative else 'pcre:"/^\\w+x{2}\\d+=/m"; '
    steps = f'content:"ab"; {rest} content:"z"; distance:0;'
    assert not _raised(steps, b"ab" * 400 + b"z")
    assert len(searched) == 1
    assert _raised(steps, b"ab" * 400 + b"xx1=z")


@pytest.mark.parametrize(
    ("expression", "ahead"),
    [
        (rb"a+b", True),
        (rb"[^a]\\b\^(?<name>x)", True),
        (rb"(?:^|&)a", False),
        (rb"\ba", False),
        (rb"(?<=x)a", False),
        (rb"(?<!x)a", False),
        (rb"x\Ka", False),
        (rb"[\]^]a", True),
        (rb"\Q[\E\b]", False),
    ],
)
def test_what_an_expression_looks_at(expression: bytes, ahead: bool) -> None:
    assert regex.looks_ahead_only(expression, 0) == ahead


def test_a_search_that_could_go_on_for_ever_ends() -> None:
    """Every a may be followed by every a: the budget ends it."""
    steps = 'content:"a"; ' + 'content:"a"; distance:0; ' * 10 + 'content:"b"; distance:0;'
    assert not _raised(steps, b"a" * 300)

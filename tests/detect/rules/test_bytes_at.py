from __future__ import annotations

import re

import pytest

from vpi_tui.model.signature import BufferSize, ByteExtract, ByteJump, ByteMath, ByteTest, IsDataAt

from .rule_text import parse, refused


@pytest.mark.parametrize(
    ("options", "step"),
    [
        ("isdataat:10;", IsDataAt("payload", 10)),
        ("isdataat:!1,relative;", IsDataAt("payload", 1, True, True)),
        ("isdataat:5,relative,rawbytes;", IsDataAt("payload", 5, True)),
        ("byte_test:4,>,1000,20;", ByteTest("payload", 4, ">", 1000, 20)),
        (
            "byte_test: 1, !=, 0x48, -2, relative, bitmask 0xf8;",
            ByteTest("payload", 1, "=", 0x48, -2, negated=True, relative=True, bitmask=0xF8),
        ),
        ("byte_test:5,<=,31337,0,string,dec;", ByteTest("payload", 5, "<=", 31337, 0, base=10)),
        ("byte_test:5,=,9,0,STRING,Dec;", ByteTest("payload", 5, "=", 9, 0, base=10)),
        ("byte_test:2,!&,128,6,little;", ByteTest("payload", 2, "&", 128, 6, True, little_endian=True)),
        (
            "byte_jump:4,12,relative,multiplier 2,align;",
            ByteJump("payload", 4, 12, True, multiplier=2, align=True),
        ),
        ("byte_jump:2,0,from_end,post_offset -6;", ByteJump("payload", 2, 0, from_end=True, post_offset=-6)),
        ("byte_jump:0,0,post_offset 3;", ByteJump("payload", 0, 0, post_offset=3)),
        (
            "byte_extract:2,0,length,relative,little,align 4;",
            ByteExtract("payload", 2, 0, "length", True, True, align=4),
        ),
        ("byte_extract:4,1,n,string,hex;", ByteExtract("payload", 4, 1, "n", base=16)),
        (
            "byte_math:bytes 2, offset 1, oper <<, rvalue 3, result r, relative, endian little;",
            ByteMath("payload", 2, 1, "<<", 3, "r", True, True),
        ),
        (
            "dcerpc.stub_data; byte_math:bytes 2,offset 1,oper /,rvalue 0,result r,endian dce,bitmask f0;",
            ByteMath("dcerpc.stub_data", 2, 1, "/", 0, "r", bitmask=0xF0, dce=True),
        ),
        ("tcp.hdr; bsize:&0x0f!=4;", BufferSize("tcp.hdr", ((0, 3), (5, 15)), mask=15)),
        ("tcp.hdr; bsize:>20;", BufferSize("tcp.hdr", ((21, (1 << 64) - 1),))),
    ],
)
def test_steps(options, step):
    assert parse(options).steps == (step,)


def test_variables_reach_the_steps_after_them():
    signature = parse(
        "byte_extract:1,0,a; byte_math:bytes a, offset a, oper +, rvalue a, result b; byte_test:a,=,b,a;"
        'byte_jump:a,b,post_offset a; isdataat:b,relative; content:"x"; offset:a; depth:b;'
    )
    _, math, test, jump, at, content = signature.steps
    assert isinstance(math, ByteMath)
    assert (math.count, math.offset, math.rvalue) == ("a", "a", "a")
    assert isinstance(test, ByteTest)
    assert (test.count, test.value, test.offset) == ("a", "b", "a")
    assert isinstance(jump, ByteJump)
    assert jump.post_offset == "a"
    assert isinstance(at, IsDataAt)
    assert at.position == "b"
    assert (content.offset, content.depth) == ("a", "b")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("byte_test:4,>,1000;", "at least 4 parts"),
        ("byte_test:9,>,1,0;", "out of range"),
        ("byte_test:0,>,1,0;", "out of range"),
        ("byte_test:4,~,1,0;", "unknown operator"),
        ("byte_test:4,>,x,0;", "not set by"),
        ("byte_test:4,>,1,0,hex;", "need `string`"),
        ("byte_test:4,>,1,0,fast;", "unknown part"),
        ("byte_jump:4,0,multiplier 0;", "out of range"),
        ("byte_jump:4,0,from_beginning,from_end;", "exclude each other"),
        ("byte_extract:4,0,1x;", "not a variable name"),
        ("byte_extract:4,0,x,align 3;", "align is 2 or 4"),
        ("byte_math:bytes 1, offset 0, oper %, rvalue 1, result r;", "unknown operator"),
        ("byte_math:bytes 5, offset 0, oper <<, rvalue 1, result r;", "for 1 to 4 bytes"),
        ("byte_math:bytes 1, offset 0, oper +, rvalue 1, result r, dce, endian big;", "byte order stands"),
        (
            "byte_math:bytes 1,offset 0,oper +,rvalue 1,result r,relative,relative;",
            "stands there twice",
        ),
        ("byte_extract:4,0,x,align 4,align 2;", "stands there twice"),
        ("byte_math:bytes 1, offset 0, oper +, rvalue 1, bitmask 1;", "result is missing"),
        ("byte_math:bytes 1, bytes 2, offset 0, oper +, rvalue 1, result r;", "once"),
        ("isdataat:!5,sideways;", "unknown part"),
        ("isdataat:x;", "not set by"),
        ("bsize:5;", "there is dsize"),
    ],
)
def test_refused(options, reason):
    assert re.search(reason, refused(options))


def test_sticky_buffers_hold_until_the_next():
    signature = parse('ipv4.hdr; byte_extract:1,0,v; tcp.hdr; content:"a"; pkt_data; content:"b";')
    assert [step.buffer for step in signature.steps] == ["ipv4.hdr", "tcp.hdr", "payload"]
    assert {test.column: test.spans for test in signature.columns} == {"ip_v": ((4, 4),), "proto": ((6, 6),)}
    assert signature.inspect == "packet"

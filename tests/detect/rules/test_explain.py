from __future__ import annotations

import pytest

from vpi_tui.detect.rules.explain import describe
from vpi_tui.model.signature import Scope

from .rule_text import PARSER, parse


def test_flows_of_a_protocol_go():
    signature = PARSER.parse(
        'alert http any any <> any any (msg:"m"; http.uri; content:"a"; sid:1;)', parse("").origin
    )
    assert "when http flows go between anywhere and anywhere, and" in describe(signature)


def test_a_rule_in_words():
    signature = PARSER.parse(
        'alert tcp $EXTERNAL_NET any -> 10.0.0.0/8 [22,2222] (msg:"hello"; flow:established,to_server; '
        'flags:S,CE; content:"|0d 0a|a"; nocase; offset:3; flowbits:isset,x|y; '
        "detection_filter:track by_src, count 5, seconds 9; "
        "classtype:misc-attack; metadata:mitre_technique_id T1021; sid:7; rev:2;)",
        parse("").origin,
        scope=Scope("east-west", guests=("web*", "db")),
    )
    assert describe(signature).splitlines() == [
        "Alerts as 'hello' (1:7 rev 2, priority 2, misc-attack, ATT&CK T1021)",
        "when TCP goes from $EXTERNAL_NET to 10.0.0.0/8 port 22, 2222, and",
        "- the connection is established",
        "- the client sent it",
        "- IP protocol is 6",
        "- TCP flags is S (of FSRPAU)",
        "- each packet by itself is looked at",
        '- the payload holds "|0d 0a|a", in any case, from byte 3',
        "- the flow is marked x or y",
        "- an alert for each match after the first 5 in 9 s for each source",
        "- only east-west, guest web* or db",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("noalert;", "Matches without an alert"),
        (
            "byte_test:2,!>,9,1,relative;",
            "the 2-byte number at byte 1 after the last match of the payload is not > 9",
        ),
        ('content:"a"; content:"b"; distance:0;', 'holds "b", after the last match'),
        ('content:"a"; content:"b"; distance:5;', 'holds "b", at least 5 bytes after the last match'),
        ('content:"a"; content:"b"; distance:-2;', "from 2 bytes before the end of the last match on"),
        ('content:"a"; content:"b"; within:4;', "within 4 bytes after the last match"),
        (
            'content:"a"; content:"b"; distance:56; within:2;',
            "within the 2 bytes from 56 bytes after the last match on",
        ),
        (
            'content:"a"; content:"b"; distance:-3; within:2;',
            "within the 2 bytes from 3 bytes before the end of the last match on",
        ),
        ('pcre:"/a+b/is";', "matches the expression /a+b/is"),
        ("byte_test:1,&,128,6;", "the 1-byte number at byte 6 of the payload has one of the bits of 128"),
        ("byte_test:1,!&,6,6;", "has none of the bits of 6"),
        (
            "byte_jump:2,4,from_beginning,little,multiplier 3,align,post_offset -1;",
            "(moves from the start on by the 2-byte little-endian number at byte 4 of the payload, times 3, "
            "rounded up to 4, plus -1)",
        ),
        ("byte_extract:2,0,v; byte_jump:v,0;", "(moves on by the v-byte number at byte 0 of the payload)"),
        ("byte_math:bytes 1, offset 0, oper +, rvalue 2, result r;", "(r = the 1-byte number"),
        ("isdataat:!1,relative;", "the payload has no byte at 1 after the last match"),
        ('pcre:!"/a+/";', "the payload does not match the expression /a+/"),
        ("tcp.hdr; bsize:>20;", "the length of the tcp.hdr is 21 to 18446744073709551615"),
        ("tcpv4-csum:invalid;", "the decoder found tcp csum invalid"),
        ("flow:only_stream;", "only reassembled streams"),
        ("sameip;", "source and destination address are the same"),
        ("threshold:type limit,track by_flow,count 1,seconds 2;", "at most 1 alert in 2 s for each flow"),
        ("flowbits:set,z;", "then the flow is marked z"),
    ],
)
def test_each_kind_of_condition_has_words(options, words):
    assert words in describe(parse(options))


def test_addresses_are_shown_as_people_write_them():
    text = describe(parse("", head="alert ip [1.2.3.4,10.0.0.0/9,5.0.0.1-5.0.0.3,fe80::/10] any <> any any"))
    assert "between 1.2.3.4, 5.0.0.1 to 5.0.0.3, 10.0.0.0/9, fe80::/10 and anywhere" in text

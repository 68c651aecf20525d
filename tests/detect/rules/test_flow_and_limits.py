from __future__ import annotations

import re

import pytest

from vpi_tui.model.signature import FlowBits, Threshold

from .rule_text import columns, parse, refused

ANY_STATE = [(((0, 2),), None, False)]
EITHER_WAY = [(((1, 2),), None, False)]
TO_SERVER, TO_CLIENT = [(((1, 1),), None, False)], [(((2, 2),), None, False)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("flow:to_server;", {"direction": TO_SERVER}),
        ("flow:from_client;", {"direction": TO_SERVER}),
        ("flow:to_client;", {"direction": TO_CLIENT}),
        ("flow:from_server;", {"direction": TO_CLIENT}),
        ("flow: Established , to_server;", {"state": [(((1, 2),), None, False)], "direction": TO_SERVER}),
        ("flow:not_established;", {"state": [(((0, 0),), None, False)], "direction": EITHER_WAY}),
        ("flow:stateless;", {"state": ANY_STATE, "direction": EITHER_WAY}),
        ("flow:no_stream;", {"state": ANY_STATE, "direction": EITHER_WAY}),
        (
            "flow:only_frag;",
            {"fragment": [(((3, 3),), None, False)], "state": ANY_STATE, "direction": EITHER_WAY},
        ),
        (
            "flow:no_frag;",
            {"fragment": [(((3, 3),), None, True)], "state": ANY_STATE, "direction": EITHER_WAY},
        ),
    ],
)
def test_flow(options, expected):
    assert columns(options) == expected


def test_flow_says_what_is_inspected():
    assert parse("flow:only_stream;").inspect == "stream"
    assert parse("flow:established,no_stream;").inspect == "packet"


@pytest.mark.parametrize(
    ("options", "bits"),
    [
        ("flowbits:set,a.b;", FlowBits("set", ("a.b",))),
        ("flowbits: isset , a|b;", FlowBits("isset", ("a", "b"))),
        ("flowbits:isnotset,x;", FlowBits("isnotset", ("x",))),
        ("flowbits:toggle,x;", FlowBits("toggle", ("x",))),
        ("flowbits:unset,x;", FlowBits("unset", ("x",))),
    ],
)
def test_flowbits(options, bits):
    assert parse(options).flowbits == (bits,)


def test_noalert():
    assert parse("flowbits:set,x; flowbits:noalert;").noalert
    assert parse("noalert;").noalert
    assert not parse("flowbits:set,x;").noalert


def test_thresholds():
    limit = parse("threshold: type limit,track by_src , count 1, seconds 60;").threshold
    assert limit == Threshold("limit", "by_src", 1, 60)
    both = parse("threshold:type both, count 5, seconds 10, track by_flow;").threshold
    assert both == Threshold("both", "by_flow", 5, 10)
    assert parse("threshold:type limit, track by_src, count 1, seconds 0;").threshold.seconds == 0
    rarer = parse("threshold: type backoff, track by_flow, count 2, multiplier 10;").threshold
    assert rarer == Threshold("backoff", "by_flow", 2, 0, 10)
    wait = parse("detection_filter:track by_dst, count 3, seconds 30;").threshold
    assert wait == Threshold("detection_filter", "by_dst", 3, 30)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("flow:to_server,to_client;", "to_server and to_client cannot"),
        ("flow:established,stateless;", "cannot stand together"),
        ("flow:upstream;", "unknown option 'upstream'"),
        ("flow:to_server; flow:established;", "only one"),
        ("flowbits:set;", "not a name"),
        ("flowbits:set,a|b;", "takes one name"),
        ("flowbits:put,a;", "unknown action"),
        ("flowbits:isset,a b;", "not a name"),
        ("flowbits:isset,a|;", "not a name"),
        ("threshold:type limit, track by_src, count 1;", "seconds is missing"),
        ("threshold:type some, track by_src, count 1, seconds 1;", "type is one of"),
        ("threshold:type limit, track by_me, count 1, seconds 1;", "track is one of"),
        ("threshold:type limit, track by_src, count 0, seconds 1;", "out of range"),
        ("threshold:type backoff, track by_flow, count 1, multiplier 1;", "out of range"),
        ("detection_filter:track by_src, count 1, seconds 0;", "out of range"),
        ("threshold:type backoff, track by_src, count 1, multiplier 10;", "by_flow only"),
        ("threshold:type backoff, track by_flow, count 1, seconds 10;", "unknown part"),
        ("detection_filter:type limit, track by_src, count 1, seconds 1;", "unknown part"),
        (
            "threshold:type limit,track by_src,count 1,seconds 1; "
            "detection_filter:track by_src,count 1,seconds 1;",
            "only one",
        ),
    ],
)
def test_refused(options, reason):
    assert re.search(reason, refused(options))

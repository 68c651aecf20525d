"""flowvar, pktvar, absent and xbits of transactions as they are written."""

from __future__ import annotations

import pytest

from vpi_tui.model.signature import Absent, Content, HostBits, VariableHolds

from .rule_text import parse, refused

HTTP = "alert http any any -> any any"


def test_a_variable_is_named_with_a_content() -> None:
    made = parse('flowvar:who,"al|69|ce"; pktvar:how, !"x";')
    assert made.variables == (
        VariableHolds("flow", "who", b"alice"),
        VariableHolds("pkt", "how", b"x", negated=True),
    )


def test_absent_stands_first_of_its_buffer() -> None:
    steps = parse('http.cookie; absent: or_else; content:"a";', head=HTTP).steps
    assert steps == (Absent("http.cookie", or_else=True), Content("http.cookie", b"a"))


def test_bits_of_transactions() -> None:
    (bits,) = parse("xbits:set,seen,track tx;", head=HTTP).hostbits
    assert bits == HostBits("set", "seen", "tx", 30)
    head = "alert http1:request_complete any any -> any any"
    (bits,) = parse("xbits:isset,seen,track tx;", head=head).hostbits
    assert bits == HostBits("isset", "seen", "tx", 30)
    parse("xbits:isset,seen,track ip_src;", head=HTTP)


@pytest.mark.parametrize(
    ("options", "head", "reason"),
    [
        ("xbits:isset,seen,track tx;", HTTP, "needs a hook"),
        ("xbits:isset,seen,track tx;", "alert tcp:all any any -> any any", "needs a hook"),
        ("xbits:unset,seen,track tx;", HTTP, "set and isset"),
        ("xbits:isnotset,seen,track tx;", "alert http1:request_complete any any -> any any", "set and isset"),
    ],
)
def test_what_of_transactions_is_asked_at_a_stage(options: str, head: str, reason: str) -> None:
    assert reason in refused(options, head=head)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("flowvar:who;", "needs `name,content`"),
        ("absent;", "needs a sticky buffer"),
        ('http.cookie; content:"a"; absent;', "must be the first"),
        ("frame:http1.request; absent;", "not known of frames"),
        ("http.cookie; absent: perhaps;", "or_else or nothing"),
        ('http.cookie; absent; content:"a";', "nothing else may be asked"),
        ("http.cookie; absent: or_else;", "needs what else shall hold"),
        ('http.cookie; absent: or_else; content:"a"; fast_pattern;', "no content of http.cookie"),
    ],
)
def test_what_is_refused(options: str, reason: str) -> None:
    assert reason in refused(options, head=HTTP)

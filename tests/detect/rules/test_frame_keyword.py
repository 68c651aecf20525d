"""The frame keyword as it is written."""

from __future__ import annotations

import pytest

from vpi_tui.detect.match.ruleset import RuleSet

from .rule_text import parse, refused

SIP = "alert sip any any -> any any"


@pytest.mark.parametrize(
    ("head", "word", "buffer"),
    [
        (SIP, "request.line", "frame:sip.request.line"),
        (SIP, "sip.request.line", "frame:sip.request.line"),
        (SIP, "sip.stream", "frame:sip.stream"),
        ("alert udp any any -> any any", "dns.pdu", "frame:dns.pdu"),
    ],
)
def test_whose_frame(head: str, word: str, buffer: str) -> None:
    (step,) = parse(f'frame:{word}; content:"x";', head=head).steps
    assert step.buffer == buffer


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (SIP, "no.such"),
        (SIP, "dns.pdu"),
        ("alert tcp any any -> any any", "pdu"),
        ("alert tcp any any -> any any", "smtp.not_supported"),
    ],
)
def test_no_such_frame(head: str, word: str) -> None:
    assert refused(f'frame:{word}; content:"x";', head=head).startswith("frame: ")


def test_frames_stand_alone() -> None:
    rules = [
        parse('frame:pdu; content:"x"; sip.method; content:"y";', head=SIP),
        parse('frame:pdu; content:"x"; pkt_data; content:"y";', head=SIP),
        parse('frame:pdu; content:"x";', head=SIP),
    ]
    made = RuleSet.compile(rules)
    assert set(made.refused) == {0, 1}
    assert made.app.frames == {"sip": frozenset(("pdu",))}

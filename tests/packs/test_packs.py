"""The shipped packs: complete, consistent and cheap to match."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from vpi_tui.detect.rules.classification import DEFAULT_CLASSES
from vpi_tui.detect.rules.loader import load
from vpi_tui.model.signature import Content, Signature

PACKS = sorted((Path(__file__).resolve().parents[2] / "rules").glob("*.yaml"))
LOADED = load(PACKS)
FIRST_SID = {
    "recon": 9000100,
    "brute-force": 9000200,
    "web-attack": 9000300,
    "lateral-movement": 9000400,
    "exfil-tunnel": 9000500,
    "management-plane": 9000600,
}
PREFIX = re.compile(
    r"(?:RECON|BRUTE FORCE|WEB|LATERAL|TUNNEL|EXFIL|CLEARTEXT|MANAGEMENT) [A-Za-z].{8,}[^.\s]$"
)
each = pytest.mark.parametrize("rule", LOADED.signatures, ids=lambda rule: str(rule.sid))


def test_everything_loads():
    assert not LOADED.errors
    assert {pack.name for pack in LOADED.packs} == set(FIRST_SID)
    assert all(pack.description and pack.version for pack in LOADED.packs)


def test_sids_are_unique_and_in_the_range_of_their_pack():
    assert max(Counter(rule.sid for rule in LOADED.signatures).values()) == 1
    for rule in LOADED.signatures:
        first = FIRST_SID[rule.origin.pack]
        assert first <= rule.sid < first + 100
        assert rule.gid == 1


@each
def test_says_what_it_is(rule: Signature):
    assert PREFIX.match(rule.msg), rule.msg
    assert len(rule.msg) <= 110
    assert rule.classtype in DEFAULT_CLASSES
    assert re.fullmatch(r"T1\d{3}(\.\d{3})?", rule.technique)
    assert any(key == "mitre_tactic_name" for key, _ in rule.metadata)
    assert rule.reference


@each
def test_is_cheap_or_narrow(rule: Signature):
    """A rule that looks at bytes has a pattern of four or more to be found by, or one port."""
    if rule.steps:
        literals = [s for s in rule.steps if isinstance(s, Content) and not s.negated]
        ((low, high), *more) = rule.header.dest_port.spans
        assert max((len(s.pattern) for s in literals), default=0) >= (4 if more or low != high else 1)


@each
def test_is_not_found_by_what_every_request_holds(rule: Signature):
    literals = [s for s in rule.steps if isinstance(s, Content) and not s.negated]
    chosen = [s for s in literals if s.fast_pattern] or sorted(literals, key=lambda s: -len(s.pattern))[:1]
    common = {b" HTTP/1.", b"User-Agent: ", b"POST /", b"GET /", b"\xfeSMB"}
    ((low, high), *more) = rule.header.dest_port.spans
    if more or low != high:
        assert not common & {s.pattern for s in chosen}


@each
def test_does_not_flood(rule: Signature):
    """What may match packet after packet is bounded by a threshold."""
    if not any(isinstance(step, Content) for step in rule.steps):
        assert rule.threshold is not None

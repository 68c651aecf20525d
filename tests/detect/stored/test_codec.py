"""A set of rules that was stored is the set that was compiled: tables, signatures, what is refused."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.config import paths
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import LoadResult, load
from vpi_tui.detect.stored.codec import CompiledRules, restore, store
from vpi_tui.detect.stored.container import is_whole
from vpi_tui.detect.stored.signatures import Listed, listed
from vpi_tui.model.errors import RuleError

ET = Path(__file__).resolve().parents[4] / "shared" / "rules" / "et-open-2025-08" / "emerging-scada.rules"
RULES = rb"""
alert tcp [10.0.0.0/8,!10.1.0.0/16] any <> !$HOME_NET 1:1024 (msg:"two ways \xff"; content:"a|00|"; \
  sid:1;)
alert udp any any -> any 53 (msg:"d"; dns.query; dataset:isset,names,type string,load names.lst; sid:2;)
alert http any any -> any any (msg:"m"; filemd5:bad.md5; \
  threshold:type both,track by_src,count 3,seconds 60; sid:3;)
alert tcp any any -> any any (msg:"r"; http.host; datarep:scores,>,5,type string,load scores.rep; \
  metadata:mitre_technique_id T1046; sid:4;)
alert tcp any any -> any any (msg:"v"; pcre:"/(?P<flow_x>a+)b/"; flowbits:isset,one|two; \
  flowbits:set,three; flowint:n,+,1; hostbits:set,h; sid:5;)
alert tcp any any -> any any (msg:"c"; byte_test:8,>,18446744073709551615,0; base64_decode:bytes 9; \
  base64_data; content:"q"; sid:6;)
alert ip any any -> any any (msg:"n"; flow.pkts:either,>5; xbits:isset,b,track ip_pair; bypass; sid:7;)
alert tcp any any -> any any (msg:"no such keyword"; frobnicate:1; sid:8;)
alert smtp any any -> any any (msg:"no protocol has both"; http.uri; content:"a"; sid:9;)
pass tcp any any -> any any (msg:"an unknown class"; classtype:nonsense; sid:10; rev:3;)
alert tcp any any -> any any (msg:"gives way"; content:"x"; sid:10; rev:2;)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "odd.rules").write_bytes(RULES)
    (tmp_path / "names.lst").write_text("ZXZpbC5leGFtcGxl\n")
    (tmp_path / "bad.md5").write_text("d41d8cd98f00b204e9800998ecf8427e\n")
    (tmp_path / "scores.rep").write_text("ZXZpbC5leGFtcGxl,9\n")
    return tmp_path


def compiled(*files: Path) -> CompiledRules:
    loaded = load(files)
    return CompiledRules(loaded, RuleSet.compile(loaded.signatures))


def again(rules: CompiledRules) -> CompiledRules:
    """Stored and restored."""
    file = io.BytesIO()
    store(rules, file)
    assert is_whole(file)
    return restore(memoryview(bytearray(file.getvalue())))


def same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal, down to what the compiled loops see of an array."""
    if isinstance(ours, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), where
        assert np.array_equal(ours, theirs), where
        for flag in ("C_CONTIGUOUS", "WRITEABLE", "ALIGNED"):
            assert ours.flags[flag] == theirs.flags[flag], f"{where}: loops would be compiled once more"
    elif isinstance(ours, RuleError):
        assert (str(ours), ours.sid) == (str(theirs), theirs.sid)
    elif dataclasses.is_dataclass(ours):
        for field in dataclasses.fields(ours):
            if field.name not in {"signatures", "plans"}:
                same(getattr(ours, field.name), getattr(theirs, field.name), f"{where}.{field.name}")
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for key in ours:
            same(ours[key], theirs[key], f"{where}[{key!r}]")
    elif isinstance(ours, tuple | list):
        assert (type(ours), len(ours)) == (type(theirs), len(theirs)), where
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            same(one, other, f"{where}[{number}]")
    else:
        assert ours == theirs, where


def held(rules: CompiledRules, theirs: CompiledRules) -> None:
    same(rules.ruleset, theirs.ruleset)
    same(dataclasses.replace(rules.loaded, signatures=[]), theirs.loaded)
    same(rules.ruleset.plans.has, theirs.ruleset.plans.has)
    assert listed(rules.ruleset.signatures) == listed(theirs.ruleset.signatures)


def test_the_bundled_packs() -> None:
    rules = compiled(paths.rules_dir())
    theirs = again(rules)
    held(rules, theirs)
    assert tuple(theirs.ruleset.signatures) == rules.ruleset.signatures
    assert theirs.loaded.packs == rules.loaded.packs


@pytest.mark.skipif(not ET.exists(), reason="needs ../shared")
def test_public_rules() -> None:
    rules = compiled(ET)
    assert tuple(again(rules).ruleset.signatures) == rules.ruleset.signatures


def test_rules_of_all_kinds_and_those_that_are_refused(folder: Path) -> None:
    rules = compiled(folder)
    theirs = again(rules)
    held(rules, theirs)
    assert len(theirs.loaded.errors) == 1
    assert len(theirs.ruleset.refused) == 1
    assert theirs.loaded.notices == rules.loaded.notices
    assert len(theirs.loaded.notices) == 2
    for ours, other in zip(rules.ruleset.signatures, theirs.ruleset.signatures, strict=True):
        assert Listed.of(ours) == Listed.of(other)
        assert (ours.raw, ours.header, ours.checks, ours.flowbits) == (
            other.raw, other.header, other.checks, other.flowbits,
        )  # fmt: skip


def test_what_rules_share_is_one_thing_again(folder: Path) -> None:
    text = (folder / "odd.rules").read_bytes()
    (folder / "odd.rules").write_bytes(text + text.replace(b"sid:", b"sid:1"))
    theirs = again(compiled(folder)).ruleset
    first, second = (
        theirs.signatures[number].steps[-1]
        for number in range(theirs.count)
        if theirs.identity.sid[number] in (2, 12)
    )
    assert first.values is second.values  # type: ignore[union-attr]
    assert first.values.holds(b"evil.example")  # type: ignore[union-attr]
    assert theirs.signatures[0].header.dest is theirs.signatures[0].header.dest


def test_a_signature_is_decoded_once_while_it_is_in_use(folder: Path) -> None:
    theirs = again(compiled(folder)).ruleset.signatures
    assert theirs[0] is theirs[0]
    assert theirs[-1] is theirs[len(theirs) - 1]
    assert theirs[1:3] == [theirs[1], theirs[2]]
    with pytest.raises(IndexError):
        theirs[len(theirs)]


def test_no_rules_at_all() -> None:
    rules = CompiledRules(LoadResult(), RuleSet.compile(()))
    held(rules, again(rules))


@given(st.data())
def test_what_was_changed_or_cut_is_not_whole(data: st.DataObject) -> None:
    file = io.BytesIO()
    store(SMALL, file)
    whole = bytearray(file.getvalue())
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = bytes(whole[:at])
    whole[at] ^= data.draw(st.integers(1, 255))
    assert not is_whole(io.BytesIO(cut))
    assert not is_whole(io.BytesIO(whole))
    with pytest.raises(ValueError, match="no stored set"):
        restore(memoryview(bytearray(cut[:63])))


SMALL = CompiledRules(LoadResult(), RuleSet.compile(load([paths.rules_dir() / "recon.yaml"]).signatures))

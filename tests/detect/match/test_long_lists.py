"""Rules about thousands of addresses find what rules about few would: only how a set is kept differs."""

from __future__ import annotations

import gc
import io
import random
import weakref
from pathlib import Path

import numpy as np
import pytest

from tests.detect.match.build import Packet, addresses, hits, ip, matcher_of, rule, run
from vpi_tui.detect.match.listing import MOST_ADDRESSES, _addresses
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.ways import Ways, outside
from vpi_tui.detect.rules import sets
from vpi_tui.detect.rules.explain import describe
from vpi_tui.detect.rules.loader import LoadResult, load
from vpi_tui.detect.stored.codec import CompiledRules, restore, store
from vpi_tui.model import parts
from vpi_tui.model.edges import KEY
from vpi_tui.model.signature import IP_MAX, AddressIn, Ranges

BASE, BASE6 = ip("10.0.0.0"), 0x20010DB8 << 96
OPTIONS = [
    "iprep:src,bad,>,60;",
    "iprep:dst,bad,<,20;",
    "iprep:any,worse,isset;",
    "iprep:both,bad,>,10;",
    "iprep:src,worse,isnotset;",
    "iprep:any,worse,>,30; iprep:src,bad,isset;",
    'content:"x"; iprep:src,bad,>,30;',
    "iprep:src,bad,>,100; flow.pkts:toserver,>0;",
]
HEADS = [
    "alert ip any any -> any any",
    "alert tcp $HOME_NET any -> any any",
    "alert tcp !$HOME_NET any -> $HOME_NET any",
    "alert tcp any 1024: <> [10.0.0.0/20,!10.0.0.5] any",
]
MANY = ",".join(f"10.0.{n >> 8}.{n & 255}" for n in range(0, 2_000, 2))


def loaded_rules(folder: Path) -> LoadResult:
    chosen = random.Random(3)
    lines = []
    for number in range(2_000):
        word = f"10.0.{number >> 8}.{number & 255}" if number % 3 else f"2001:db8::{number:x}"
        lines.append(f"{word},{chosen.choice((1, 2))},{chosen.randrange(128)}")
    lines += ["10.0.4.0/24,1,90", "2001:db8::100/120,2,5"]
    (folder / "categories").write_text("1,bad\n2,worse\n")
    (folder / "list").write_text("\n".join(lines))
    (folder / "limits").write_text("suppress gen_id 1, sig_id 1, track by_src, ip $ODD\n")
    texts = [f"{head} ({text} " for head in HEADS for text in OPTIONS]
    texts += ["alert tcp $ODD any -> any any (", "alert tcp any any -> !$ODD any (flags:S; "]
    (folder / "a.rules").write_text("\n".join(f"{text}sid:{sid};)" for sid, text in enumerate(texts, 1)))
    return loaded_file(folder / "a.rules")


def loaded_file(rules: Path) -> LoadResult:
    """With the lists beside it."""
    folder = rules.parent
    loaded = load(
        [rules],
        {
            "vars.address-groups.HOME_NET": "[10.0.0.0/22,2001:db8::/118]",
            "vars.address-groups.ODD": f"[{MANY}]",
        },
        options={
            "reputation-categories-file": str(folder / "categories"),
            "reputation-files": str(folder / "list"),
            "threshold-file": str(folder / "limits"),
        },
    )
    assert not loaded.errors
    return loaded


def packets() -> list[Packet]:
    chosen = random.Random(4)
    made = []
    for flow in range(150):
        base, version = chosen.choice(((BASE, 4), (BASE6, 6)))
        src, dest = (base + chosen.randrange(2_100) for _ in range(2))
        made.append(Packet(b"x" * (flow % 2), src=src, dest=dest, version=version, flow=flow, first=7))
    return made


def test_the_same_alerts_however_a_set_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = loaded_rules(tmp_path)
    expected = hits(few.signatures, packets())
    monkeypatch.setattr(parts, "FEW_RANGES", 8)
    many = loaded_rules(tmp_path)
    kept = {signature.sid: signature.header for signature in many.signatures}
    assert kept[1].src.is_large
    assert kept[2].dest.is_large
    assert not kept[9].dest.is_large
    assert hits(many.signatures, packets()) == expected
    assert len({sid for _, sid in expected}) > 25
    assert [describe(signature) for signature in many.signatures] == [describe(one) for one in few.signatures]


def test_long_lists_are_stored_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FEW_RANGES", 8)
    loaded, file = loaded_rules(tmp_path), io.BytesIO()
    store(CompiledRules(loaded, RuleSet.compile(loaded.signatures)), file)
    again = restore(memoryview(bytearray(file.getvalue()))).ruleset.signatures
    assert again[0].header.src.is_large
    assert [one.header for one in again] == [one.header for one in loaded.signatures]
    assert [one.checks for one in again] == [one.checks for one in loaded.signatures]
    assert hits(again[:], packets()) == hits(loaded.signatures, packets())


def test_marks_of_rules_follow_what_a_list_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FEW_RANGES", 8)
    first, again = (RuleSet.compile(loaded_rules(tmp_path).signatures).identity.mark for _ in range(2))
    assert first.tolist() == again.tolist()
    spans = tuple((2 * n, 2 * n) for n in range(20))
    assert hash(Ranges(spans)) != hash(Ranges(spans[1:]))


def test_rules_about_one_list_and_one_network_share_what_both_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FEW_RANGES", 8)
    loaded_rules(tmp_path)
    asked = ("$HOME_NET any -> any any (iprep:src,bad,>,30;", "$HOME_NET any -> any 80 (iprep:src,bad,>,30;")
    rules = tmp_path / "two.rules"
    rules.write_text("\n".join(f"alert tcp {text} sid:{sid};)" for sid, text in enumerate(asked, 1)))
    first, second = (signature.header.src for signature in loaded_file(rules).signatures)
    assert first.is_large
    assert first is second
    asked = ("any any <> any any (iprep:src,bad,isnotset;", "any any <> any 80 (iprep:dst,bad,isnotset;")
    rules.write_text("\n".join(f"alert tcp {text} sid:{sid};)" for sid, text in enumerate(asked, 1)))
    found = [signature.checks[0] for signature in loaded_file(rules).signatures]
    assert [isinstance(one, AddressIn) and one.ranges.is_large for one in found] == [True, True]
    assert len({id(one.ranges) for one in found if isinstance(one, AddressIn)}) == 1


def test_a_list_goes_with_the_rules_that_asked_it() -> None:
    numbers = np.array([n.to_bytes(16) for n in range(0, 2 * parts.FEW_RANGES + 4)], KEY)
    gone = weakref.ref(numbers)
    check = AddressIn("any", Ranges.of(numbers))
    matcher = matcher_of(rule(checks=(check,), protocol="ip", dest=addresses(("10.0.0.0", "10.0.0.9"))))
    run(matcher, [Packet(flow=1, first=7)])
    del matcher, check, numbers
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "other", [(ip("10.0.0.0"), ip("10.0.1.0")), (IP_MAX - 9, IP_MAX), (1 << 80, 5 << 80)]
)
def test_a_set_reaches_as_far_and_counts_as_many_however_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, other: tuple[int, int]
) -> None:
    spans = sets.union([(ip("11.0.0.0") + 4 * n, ip("11.0.0.0") + 4 * n + 1) for n in range(20)] + [other])
    home = Ranges(((ip("10.0.0.0"), ip("10.255.255.255")),))

    def found() -> list[object]:
        kept = Ranges(spans)
        header = rule(src=kept).header
        return [
            min(_addresses(kept), MOST_ADDRESSES),
            Ways(home).of(header),
            Ways(kept).of(header),
            outside(kept).spans,
        ]

    few = found()
    monkeypatch.setattr(parts, "FEW_RANGES", 8)
    assert Ranges(spans).is_large
    assert found() == few

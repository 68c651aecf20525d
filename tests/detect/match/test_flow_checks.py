"""Counters of flows, lists of addresses, suppression and rate filters, against packets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import SECOND, Packet, decoded_of, hits, ip, matcher_of, run
from vpi_tui.detect.match.flow_counters import FlowCounters
from vpi_tui.detect.rules.loader import load
from vpi_tui.model.signature import Signature

HEAD = "alert ip any any -> any any"


def _rules(tmp_path: Path, *options: str, head: str = HEAD, **files: str) -> list[Signature]:
    """files: what settings of that name (with _ for -) point to."""
    chosen = {}
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text)
        chosen[name.replace("_", "-")] = str(path)
    rules = tmp_path / "t.rules"
    rules.write_text("\n".join(f"{head} ({text} sid:{sid};)" for sid, text in enumerate(options, 1)))
    loaded = load([rules], options=chosen)
    assert not loaded.errors
    return loaded.signatures


def test_counters_are_those_of_the_moment(tmp_path: Path) -> None:
    rules = _rules(
        tmp_path,
        "flow.pkts:toserver,=2;",
        "flow.pkts_toclient:1;",
        "flow.bytes:either,>90;",
        "flow.age:>1;",
        "flow.pkts:either,=3; flow.bytes_toserver:<50;",
        "flow.pkts:toserver,&1=1;",
    )
    packets = [
        Packet(ts_ns=SECOND),
        Packet(b"0123456789", ts_ns=SECOND),
        Packet(direction=2, ts_ns=2 * SECOND),
        Packet(flow=1, ts_ns=9 * SECOND),
        Packet(ts_ns=3 * SECOND),
    ]
    assert hits(rules, packets) == [
        (0, 6), (1, 1), (2, 1), (2, 2), (3, 6), (4, 2), (4, 3), (4, 4), (4, 6),
    ]  # fmt: skip


def test_the_age_is_that_of_whole_seconds(tmp_path: Path) -> None:
    rules = _rules(tmp_path, "flow.age:1;", "flow.age:0;")
    packets = [Packet(ts_ns=SECOND * 19 // 10), Packet(ts_ns=SECOND * 21 // 10)]
    assert hits(rules, packets) == [(0, 2), (1, 1)]


_ROW = st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(0, 30))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(_ROW, max_size=12), max_size=4), st.data())
def test_counters_are_those_of_a_naive_count(
    batches: list[list[tuple[int, int, int]]], data: st.DataObject
) -> None:
    counters = FlowCounters()
    generation = [1, 1, 1]
    naive: dict[tuple[int, int], list[int]] = {}
    for batch in batches:
        packets = [Packet(bytes(size), flow=flow, direction=side) for flow, side, size in batch]
        born = []
        for flow, _, _ in batch:
            generation[flow] += data.draw(st.integers(0, 9)) == 0
            born.append(generation[flow])
        raw, decoded, flows = decoded_of(packets)
        given_out = counters.of_rows(raw, decoded, flows, np.array(born, np.uint32))
        for row, (flow, side, size) in enumerate(batch):
            sums = naive.setdefault((flow, born[row]), [0, 0, 0, 0])
            sums[side - 1] += 1
            sums[side + 1] += size + 40
            assert [*given_out.pkts[row], *given_out.bytes[row]] == sums


LISTS = {
    "reputation_categories_file": "1,bad,Bad hosts\n2,good,Good hosts\n",
    "reputation_files": "# comment\n10.0.0.0/8,1,10\n10.0.0.0/24,1,50\n10.0.0.1,1,0\n"
    "10.0.0.9,2,127\nnonsense\n",
}
A, B, C, D = (ip(text) for text in ("10.0.0.1", "10.0.0.9", "10.1.0.1", "192.168.0.1"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("iprep:src,bad,>,20;", {(B, A), (B, D)}),
        ("iprep:src,bad,<,20;", {(A, B), (C, D)}),
        ("iprep:dst,bad,=,0;", {(B, A)}),
        ("iprep:any,BAD,=,10;", {(C, D)}),
        ("iprep:any,good,isset;", {(A, B), (B, A), (B, D)}),
        ("iprep:both,bad,isset;", {(A, B), (B, A)}),
        ("iprep:dst,bad,isnotset;", {(B, D), (C, D)}),
        ("iprep:any,good,isset; iprep:src,bad,>,20;", {(B, A), (B, D)}),
    ],
)
def test_scores_of_addresses(tmp_path: Path, options: str, expected: set[tuple[int, int]]) -> None:
    pairs = [(A, B), (B, A), (B, D), (C, D)]
    packets = [Packet(src=src, dest=dest, flow=flow, first=7) for flow, (src, dest) in enumerate(pairs)]
    rules = _rules(tmp_path, options, **LISTS)
    assert {pairs[row] for row, _ in hits(rules, packets)} == expected


def test_what_is_suppressed_raises_no_alert_and_still_sets_bits(tmp_path: Path) -> None:
    rules = _rules(
        tmp_path,
        'content:"x"; flowbits:set,seen;',
        'content:"x"; flowbits:isset,seen;',
        'content:"x";',
        head="alert tcp any any -> any any",
        threshold_file="suppress gen_id 1, sig_id 1, track by_src, ip [10.0.0.1,10.0.0.5]\n"
        "suppress gen_id 1, \\\n sig_id 3\n",
    )
    packets = [Packet(b"x", src=A, dest=D), Packet(b"x", src=B, dest=D, flow=1)]
    assert hits(rules, packets) == [(0, 2), (1, 1), (1, 2)]


def test_a_rate_filter_lets_the_rest_pass_for_a_while(tmp_path: Path) -> None:
    """Once the time is over one is free; the window that still runs goes on counting."""
    rules = _rules(
        tmp_path,
        'content:"x";',
        head="alert tcp any any -> any any",
        threshold_file="rate_filter gen_id 0, sig_id 0, track by_src, count 2, seconds 60, new_action pass,"
        " timeout 10",
    )
    seconds = [0, 1, 2, 3, 12, 13, 14]
    packets = [Packet(b"x", ts_ns=second * SECOND) for second in seconds]
    matcher = matcher_of(*rules)
    assert [seconds[m.row] for m in run(matcher, packets)] == [0, 1, 13]
    assert matcher.stats()["detect.alerts_suppressed"] == 4


def test_a_limit_of_the_file_gives_way_to_the_rules_own(tmp_path: Path) -> None:
    rules = _rules(
        tmp_path,
        'content:"x"; threshold:type limit, track by_src, count 2, seconds 60;',
        'content:"x";',
        head="alert tcp any any -> any any",
        threshold_file="threshold gen_id 1, sig_id 0, type limit, track by_src, count 1, seconds 60",
    )
    assert hits(rules, [Packet(b"x")] * 3) == [(0, 1), (0, 2), (1, 1)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("threshold gen_id 1, sig_id 1, type limit, track by_src, count 2, seconds 60", [0, 1]),
        (
            "threshold gen_id 1, sig_id 1, type limit, track by_src, count 2, seconds 60\n"
            "event_filter gen_id 1, sig_id 1, type threshold, track by_src, count 3, seconds 60",
            [2],
        ),
        (
            "threshold gen_id 1, sig_id 1, type limit, track by_src, count 2, seconds 60\n"
            "threshold gen_id 0, sig_id 0, type limit, track by_src, count 3, seconds 60",
            [0, 1],
        ),
        (
            "rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 60, new_action pass, timeout 60\n"
            "rate_filter gen_id 1, sig_id 0, track by_src, count 1, seconds 60, new_action pass, timeout 60",
            [0],
        ),
    ],
)
def test_a_threshold_for_one_rule_takes_the_place_of_what_limits_it(
    tmp_path: Path, lines: str, expected: list[int]
) -> None:
    rules = _rules(
        tmp_path,
        'content:"x"; threshold:type limit, track by_src, count 1, seconds 60;',
        head="alert tcp any any -> any any",
        threshold_file=lines,
    )
    assert [row for row, _ in hits(rules, [Packet(b"x")] * 4)] == expected

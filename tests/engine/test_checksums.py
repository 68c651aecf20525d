"""Captures whose checksums were left to the network card are read all the same; `-k all` is obeyed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scapy.layers.inet import TCP
from scapy.utils import wrpcap

from tests.detect.applayer.test_scan import REQUEST, RESPONSE, Connection
from vpi_tui.cli.main import main

RULE = 'alert http any any -> any any (msg:"m"; http.method; content:"POST"; sid:1;)\n'


def alerts(tmp_path: Path, connections: int, spoilt: int, mode: str, *more: str, rules: str = RULE) -> int:
    """Alerts of so many connections, of which the first `spoilt` have wrong checksums throughout."""
    packets = []
    for number in range(connections):
        made = Connection(sport=20_000 + number).client(REQUEST).server(RESPONSE).close().packets
        for packet in made if number < spoilt else []:
            packet[TCP].chksum = 0xBAD
        packets += made
    wrpcap(str(tmp_path / "c.pcap"), packets)
    (tmp_path / "r.rules").write_text(rules)
    words = ["-r", str(tmp_path / "c.pcap"), "-S", str(tmp_path / "r.rules"), "-k", mode, "-l", str(tmp_path)]
    assert main(["scan", *words, "--events", "alert", *more]) == 0
    return len([json.loads(line) for line in (tmp_path / "eve.json").read_text().splitlines()])


@pytest.mark.parametrize(
    ("connections", "spoilt", "mode", "wanted"),
    [
        (20, 20, "auto", 20),
        (20, 20, "all", 0),
        (20, 20, "none", 20),
        (20, 4, "auto", 16),
        (2, 2, "auto", 0),
    ],
    ids=["most wrong", "all count", "none counts", "a few wrong", "too few to tell"],
)
def test_wrong_checksums(connections: int, spoilt: int, mode: str, wanted: int, tmp_path: Path) -> None:
    assert alerts(tmp_path, connections, spoilt, mode) == wanted


@pytest.mark.parametrize("size", [1, 7, 64])
def test_what_comes_in_small_batches_is_judged_before_the_first(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own time a capture comes a few packets at a time: no connection may be missed meanwhile."""
    monkeypatch.setattr("vpi_tui.engine.pacing.SLICE", size)
    assert alerts(tmp_path, 20, 20, "auto") == 20
    assert alerts(tmp_path, 20, 4, "auto") == 16


def test_sums_that_mean_nothing_are_verified_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vpi_tui.engine.pacing.SLICE", 10)
    assert alerts(tmp_path, 20, 20, "auto", "--events", "anomaly") == 10, "of the first batch"


def test_streams_may_take_what_keywords_call_wrong(tmp_path: Path) -> None:
    """`stream.checksum-validation` is about streams alone."""
    wrong = 'alert tcp any any -> any any (msg:"w"; tcpv4-csum:invalid; flags:S; ack:0; sid:2;)\n'
    words = "--set", "stream.checksum-validation=no"
    assert alerts(tmp_path, 2, 2, "all", *words, rules=RULE + wrong) == 4
    (tmp_path / "eve.json").unlink()
    assert alerts(tmp_path, 2, 2, "all", rules=RULE + wrong) == 2

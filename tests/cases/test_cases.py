"""Every shipped rule: a capture that must raise it, and a near miss that must not."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from tests.cases.build import write_pcap
from tests.cases.registry import CASES, Slot, film, frames_for, slot_at, slots
from vpi_tui.capture.demo.hosts import topology
from vpi_tui.cli import main as scan
from vpi_tui.detect.rules.loader import load

RULES = Path(__file__).resolve().parents[2] / "rules"
PACKS = sorted(RULES.glob("*.yaml"))
SHIPPED = {signature.sid for signature in load(PACKS).signatures}


def _nanoseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1e9)


def _inventory() -> str:
    """The guests of the demo: who is none of them is outside."""
    guests = [
        f"  - {{name: {g.name}, ip: [{', '.join(map(repr, g.ips))}]}}" for g in topology().guests if g.ips
    ]
    return "\n".join(["guests:", *guests, ""])


@pytest.fixture(scope="module")
def raised(tmp_path_factory) -> dict[Slot, set[int]]:
    """One run of the scanner over all cases: which sids were raised in which slot."""
    folder = tmp_path_factory.mktemp("cases")
    capture = folder / "cases.pcap"
    write_pcap(capture, film())
    rules = [part for pack in PACKS for part in ("-S", str(pack))]
    inventory = folder / "inventory.yaml"
    inventory.write_text(_inventory())
    order = ["scan", "-r", str(capture), *rules, "-l", str(folder), "--inventory", str(inventory)]
    assert scan.main(order) == 0
    found: dict[Slot, set[int]] = defaultdict(set)
    for line in (folder / "eve.json").read_text().splitlines():
        event = json.loads(line)
        if event["event_type"] == "alert":
            found[slot_at(_nanoseconds(event["timestamp"]))].add(event["alert"]["signature_id"])
    return found


def test_every_rule_has_a_case():
    assert set(CASES) == SHIPPED


@pytest.mark.parametrize("slot", slots(), ids=lambda s: f"{s.sid}-{'alerts' if s.alerts else 'quiet'}")
def test_case(raised, slot):
    assert (slot.sid in raised[slot]) == slot.alerts


def test_frames_of_one_rule_stand_alone():
    alerts, quiet = frames_for(9000300)
    assert any(b"UNION" in frame for _, frame in alerts)
    assert not any(b"UNION" in frame for _, frame in quiet)
    assert [ts for ts, _ in alerts] == sorted(ts for ts, _ in alerts)

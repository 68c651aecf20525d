"""One loop of the demo through the scanner raises exactly the alerts that its stages promise."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from vpi_tui.capture.demo.attacks import EXPECTED_BEHAVIOURS, EXPECTED_SIDS, STAGES
from vpi_tui.capture.demo.scenario import LOOP_SECONDS, write_demo_pcap
from vpi_tui.cli import main as scan

RULES = Path(__file__).resolve().parents[2] / "rules"


def test_stages_are_apart_and_within_the_loop():
    starts = sorted(stage.start for stage in STAGES.values())
    assert all(later - sooner >= 4 for sooner, later in pairwise(starts))
    assert starts[-1] < LOOP_SECONDS - 5
    assert all(stage.sids or stage.behaviours or stage.breaks_policy for stage in STAGES.values())


def test_expected_alerts_and_no_other(tmp_path):
    capture = tmp_path / "demo.pcapng"
    write_demo_pcap(capture)
    rules = [part for pack in sorted(RULES.glob("*.yaml")) for part in ("-S", str(pack))]
    assert scan.main(["scan", "-r", str(capture), *rules, "-l", str(tmp_path)]) == 0
    raised = set()
    for line in (tmp_path / "eve.json").read_text().splitlines():
        event = json.loads(line)
        if event["event_type"] == "alert":
            raised.add((event["alert"]["gid"], event["alert"]["signature_id"]))
    assert {sid for gid, sid in raised if gid == 1} == EXPECTED_SIDS
    assert raised >= EXPECTED_BEHAVIOURS

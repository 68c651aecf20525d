"""What is told of coverage where nobody counts, and by the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.judged import BROADCAST, TOLD_WITHIN, comes, on_host, port, settle
from tests.lab.net import Lab, fetch, ip, until
from tests.lab.sensor import Sensor
from tests.lab.traffic import End, both_ways, by_hand, running
from vpi_tui.model.coverage import Verdict

pytestmark = pytest.mark.lab


# Where nobody counts --------------------------------------------------------------------------------


def test_a_sensor_inside_a_guest_concludes_from_the_traffic(lab: Lab, web: int) -> None:
    """It sees no port of the bridge. Whether the bridge hands it the others' traffic, the traffic tells."""
    first, second = lab.guests[:2]
    sensor_guest = lab.guest(15)

    def ask() -> None:
        fetch(first.name, (second.ip4, web), "/")
        time.sleep(0.05)

    try:
        on_host(lab, "ip link set br0 type bridge ageing_time 0")
        arps = by_hand(End(first.name), first.mac, BROADCAST, size=60, pause=0.02)
        with running(ask, arps), Sensor(sensor_guest.name, interfaces=("eth0",)) as sensor:
            settle()
            told = comes(sensor, "eth0", Verdict.UNKNOWN)
            assert until(lambda: "Both directions" in port(sensor, "eth0").cause, 8.0), told
            assert port(sensor, "eth0").inferred
        on_host(lab, "ip link set br0 type bridge ageing_time 30000")
        with running(ask, arps), Sensor(sensor_guest.name, interfaces=("eth0",)) as sensor:
            judged = comes(sensor, "eth0", Verdict.BLIND, seconds=10.0)
            assert judged.inferred
            assert "Only broadcasts" in judged.cause
            command = judged.mend.partition("Linux bridge: ")[2].partition(".")[0]
            on_host(lab, command.replace("BRIDGE", "br0"))
            assert until(lambda: port(sensor, "eth0").verdict is not Verdict.BLIND, TOLD_WITHIN)
    finally:
        on_host(lab, "ip link set br0 type bridge ageing_time 30000")
        lab.unplug(sensor_guest)


# The command ----------------------------------------------------------------------------------------


def run(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["ip", "netns", "exec", lab.host, sys.executable, "-m", "vpi_tui", "audit", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_audit_holds_guests_against_a_policy(lab: Lab, tmp_path: Path) -> None:
    first, second, third = lab.guests[:3]
    policy = tmp_path / "coverage.yaml"
    policy.write_text("minimum: 95\n")
    with running(*both_ways(first, second), *both_ways(first, third)):
        kept = run(lab, "--seconds", "5", "--policy", str(policy), "--json")
        assert kept.returncode == 0, kept.stdout + kept.stderr
        told = json.loads(kept.stdout)
        assert told["percent"] > 98
        assert {p["verdict"] for p in told["ports"] if p["port"] == first.port} == {"seen"}
        broken = run(lab, "--seconds", "5", "-i", first.port, "--policy", str(policy))
        assert broken.returncode == 1, broken.stdout + broken.stderr
        assert "vpi-tui -i br0" in broken.stdout
        assert f"demands: {first.name}" in broken.stdout
    unable = run(lab, "-i", "nothing0")
    assert unable.returncode in (2, 3)
    assert "nothing0" in unable.stderr


def test_a_canary_proves_the_path(lab: Lab) -> None:
    first = lab.guests[0]
    proven = run(lab, "--canary", first.name, "--json")
    assert proven.returncode == 0, proven.stdout + proven.stderr
    (seen,) = json.loads(proven.stdout)["seen"]
    assert (seen["switch"], seen["port"], seen["guest"]) == ("br0", first.port, first.name)
    assert seen["after_ms"] < 1000
    lab.bridge("br4")
    try:
        missed = run(lab, "--canary", first.name, "-i", "br4")
        assert missed.returncode == 1, missed.stdout + missed.stderr
        assert "not seen anywhere" in missed.stdout
    finally:
        ip("-n", lab.host, "link", "del", "br4")
    nobody = run(lab, "--canary", "vpt-nobody")
    assert nobody.returncode == 2
    assert "Namespaces here" in nobody.stderr

"""Known traffic, a sensor that watches it, and what it must say of the ports."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.net import Guest, Lab, until
from tests.lab.sensor import Sensor
from vpi_tui.model.coverage import PortCoverage, Verdict

SECONDS = float(os.environ.get("VPI_TUI_COVERAGE_SECONDS", "3"))
"""How long known traffic runs before it is judged; a benchmark gives 30."""
TOLD_WITHIN = 5.0
AGREE = 0.02
BROADCAST = "ff:ff:ff:ff:ff:ff"
RING = 64 << 20


@contextmanager
def watching(lab: Lab, *names: str, **more: object) -> Iterator[Sensor]:
    with Sensor(lab.host, interfaces=names, ring_memory=RING, **more) as sensor:
        yield sensor


def port(sensor: Sensor, name: str) -> PortCoverage:
    found = sensor.client.latest()
    assert found is not None
    return next(one for one in found.coverage if one.port == name)


def comes(sensor: Sensor, name: str, *verdicts: Verdict, seconds: float = TOLD_WITHIN) -> PortCoverage:
    """The port once its verdict is one of these; fails when it does not become so in time."""
    until(lambda: port(sensor, name).verdict in verdicts, seconds, step=0.1)
    judged = port(sensor, name)
    assert judged.verdict in verdicts, judged
    return judged


def agrees(judged: PortCoverage) -> None:
    """Seen, and the bytes of both directions are what the counters say."""
    assert judged.verdict is Verdict.SEEN, judged
    assert judged.truth == "interface counters"
    agrees_with(judged, AGREE)


def agrees_with(judged: PortCoverage, share: float) -> None:
    slack = 2_000  # the switch's own frames
    assert abs(judged.seen_in - judged.true_in) <= share * judged.true_in + slack, judged
    assert abs(judged.seen_out - judged.true_out) <= share * judged.true_out + slack, judged


def mended(judged: PortCoverage, lab: Lab, environment: dict[str, str] | None = None) -> None:
    """Run the command that is printed, as the operator would, on the host."""
    run = ["ip", "netns", "exec", lab.host, "sh", "-c", judged.mend]
    surroundings = {**os.environ, **(environment or {})}
    done = subprocess.run(run, check=False, capture_output=True, text=True, env=surroundings)
    assert done.returncode == 0, (judged.mend, done.stderr)


def settle() -> None:
    time.sleep(SECONDS)


def on_host(lab: Lab, command: str, *, check: bool = True) -> None:
    run = ["ip", "netns", "exec", lab.host, "sh", "-c", command]
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert not check or done.returncode == 0, (command, done.stderr)


def copied(lab: Lab, *guests: Guest, to: str) -> None:
    """Both directions of the ports, by tc."""
    for guest in guests:
        on_host(lab, f"tc qdisc replace dev {guest.port} clsact")
        for way in ("ingress", "egress"):
            what = "protocol all u32 match u32 0 0 action mirred egress mirror"
            on_host(lab, f"tc filter add dev {guest.port} {way} {what} dev {to}")

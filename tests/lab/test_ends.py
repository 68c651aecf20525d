"""How a live engine ends, and how it refuses to begin: each with a reason and the next step."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.net import Lab, inside, until
from tests.lab.sensor import Sensor, live_spec
from vpi_tui.engine.child import EngineClient
from vpi_tui.feed.messages import GetRules, Goodbye, RulesMessage

pytestmark = pytest.mark.lab


def test_sigterm_ends_it_in_order(lab: Lab) -> None:
    with Sensor(lab.host) as sensor:
        os.kill(sensor.client.pid, signal.SIGTERM)
        goodbye = sensor.wait_for(Goodbye, 3.0)
        assert isinstance(goodbye, Goodbye)
        assert "SIGTERM" in goodbye.text
        assert not goodbye.failed
        assert until(lambda: not sensor.client.alive(), 3.0)
        assert sensor.client.failure() == ""


def test_it_ends_when_the_time_is_over(lab: Lab) -> None:
    with Sensor(lab.host, duration=0.5) as sensor:
        assert until(lambda: not sensor.client.alive(), 5.0)
        assert sensor.client.finished()
        snapshot = sensor.client.latest()
        assert snapshot is not None
        assert (snapshot.state, snapshot.source) == ("finished", "br0")


def test_a_switched_rule_stays_so_although_root_is_given_up(lab: Lab) -> None:
    sid = 9000300
    with tempfile.TemporaryDirectory(prefix="vpt-state-") as folder:
        Path(folder).chmod(0o755)
        state = str(Path(folder, "vpi-tui"))
        for expected in (True, False):
            with Sensor(lab.host, state_dir=state) as sensor:
                rules = sensor.command(GetRules(), RulesMessage)
                assert isinstance(rules, RulesMessage)
                assert [row.enabled for row in rules.rules if row.sid == sid] == [expected]
                sensor.switch(sid, enabled=False)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv of util-linux")
def test_without_net_raw_the_command_names_the_ways_out(lab: Lab) -> None:
    command = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    command += [sys.executable, "-m", "vpi_tui", "live", "--duration", "1"]
    done = inside(lab.host, lambda: subprocess.run(command, capture_output=True, text=True, check=False))
    assert (done.returncode, done.stdout) == (1, "")
    for part in ("CAP_NET_RAW", "sudo", "setcap cap_net_raw+ep /", "vpi-tui demo"):
        assert part in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Starts an engine that must not come up; gives its reason."""

    def start(namespace: str, **changes: object) -> str:
        client = inside(namespace, lambda: EngineClient(live_spec(**changes)))
        try:
            assert until(lambda: not client.alive(), 30.0)
            return client.failure()
        finally:
            client.close()

    return start


def test_no_switch_and_no_name(lab: Lab, refusal: Callable[..., str]) -> None:
    # A guest has an interface, and no bridge.
    reason = refusal(lab.guests[0].name)
    assert "no virtual switch" in reason
    assert "vpi-tui -i IF (here: lo, eth0)" in reason
    assert "vpi-tui demo" in reason


def test_a_name_with_a_slip(lab: Lab, refusal: Callable[..., str]) -> None:
    reason = refusal(lab.host, interfaces=("bro",))
    assert "no interface bro" in reason
    assert "Did you mean 'br0'?" in reason

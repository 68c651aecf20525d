"""demo and replay without a terminal: a plain report, and an exit code that says whether all was seen."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from tests.engine.runs import until
from vpi_tui.capture.demo.scenario import write_demo_pcap
from vpi_tui.cli import dashboard
from vpi_tui.config.settings import Settings
from vpi_tui.engine.garbage import USUAL, hold_off
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.errors import VpiError

VPI = (sys.executable, "-m", "vpi_tui")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "demo.pcapng"
    write_demo_pcap(path)
    return path


def run(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*VPI, *map(str, words)],
        check=False,
        input=stdin.decode("latin-1"),
        encoding="latin-1",
        capture_output=True,
        timeout=300,
    )


def test_a_hangup_of_the_process_that_was_started_opens_the_log_anew(capture: Path, tmp_path: Path) -> None:
    path, moved = tmp_path / "eve.json", tmp_path / "moved"
    # Stays who started it: another user could not write into this directory.
    log = ("--eve", path, "--set", "eve.stats-interval=1", "--set", "user=")
    words = ("replay", capture, "--speed", "2", *log)
    with subprocess.Popen([*VPI, *map(str, words)], stdout=subprocess.DEVNULL) as sensor:
        try:
            until(lambda: path.exists() and path.stat().st_size > 0, 100)
            path.rename(moved)
            sensor.send_signal(signal.SIGHUP)
            until(lambda: path.exists() and path.stat().st_size > 0, 100)
            assert sensor.poll() is None
        finally:
            sensor.send_signal(signal.SIGINT)
            sensor.wait(60)


def test_the_demo_is_one_round_with_all_its_attacks() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stderr
    for name in ("br-prod", "br-ops", "web-01", "db-01", "hv-mgmt"):
        assert name in done.stdout
    for word in (
        "SQL injection",
        "port scan",
        "BRUTE FORCE SSH",
        "LATERAL SMB",
        "TUNNEL DNS",
        "ARP spoofing",
    ):
        assert word in done.stdout, word
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_a_duration_ends_the_demo_in_time() -> None:
    began = time.monotonic()
    done = run("demo", "--duration", "2", "--speed", "4")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began > 2
    assert "Virtual switches" in done.stdout


def test_replay_of_a_file_and_of_a_pipe(capture: Path) -> None:
    by_name = run("replay", "--speed", "max", capture)
    assert by_name.returncode == 0, by_name.stderr
    assert "10.20.0.11" in by_name.stdout
    piped = run("replay", "--speed", "max", "-", stdin=capture.read_bytes())
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout.splitlines()[1] == by_name.stdout.splitlines()[1]


def test_all_files_are_opened_before_root_is_given_up(capture: Path, tmp_path: Path) -> None:
    """Run by root, the engine reads the second file as another user, who may not open it."""
    locked = tmp_path / "locked.pcapng"
    locked.write_bytes(capture.read_bytes())
    locked.chmod(0o600)
    once = run("replay", "--speed", "max", locked)
    twice = run("replay", "--speed", "max", locked, locked)
    assert (once.returncode, twice.returncode) == (0, 0), twice.stderr
    count = [int(text.splitlines()[1].split()[0].replace(",", "")) for text in (once.stdout, twice.stdout)]
    assert count[1] == 2 * count[0]


def test_a_broken_file_is_reported_as_far_as_it_goes(capture: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(capture.read_bytes()[:3_000_000])
    done = run("replay", "--speed", "max", cut)
    assert done.returncode == 1
    assert "It ended early" in done.stdout
    assert "packets" in done.stdout
    assert "is cut off" in done.stderr
    assert "at byte" in done.stderr


def test_what_cannot_start_says_so_and_what_to_do(tmp_path: Path) -> None:
    done = run("replay", __file__)
    assert done.returncode == 1
    assert "is no capture file" in done.stderr
    assert done.stdout == ""
    done = run("live")
    assert done.returncode == 2
    assert "--duration" in done.stderr


def test_why_the_engine_failed_stays_when_the_dashboard_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left = SimpleNamespace(life="failed", snapshot=None, failure="The engine failed: no such card")
    monkeypatch.setattr("vpi_tui.engine.child.EngineClient", lambda _spec: MagicMock())
    monkeypatch.setattr("vpi_tui.ui.run.run_app", lambda *_, **__: left)
    monkeypatch.setattr(dashboard, "take_keyboard", lambda: None)
    monkeypatch.setattr(sys, "stdout", MagicMock())
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(VpiError, match=r"^no such card$"):
        dashboard.run(EngineSpec("demo"), Settings({}))


def test_the_dashboard_runs_with_pythons_own_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held off while all is imported, and the framework makes objects with cycles."""
    found = []

    def shown(*_: object, **__: object) -> SimpleNamespace:
        found.append((gc.get_threshold()[0], gc.get_freeze_count() > 0))
        return SimpleNamespace(life="running")

    before = gc.get_threshold()
    monkeypatch.setattr("vpi_tui.engine.child.EngineClient", lambda _spec: MagicMock())
    monkeypatch.setattr("vpi_tui.ui.run.run_app", shown)
    monkeypatch.setattr(dashboard, "take_keyboard", lambda: None)
    monkeypatch.setattr(sys, "stdout", MagicMock())
    monkeypatch.setenv("TERM", "xterm")
    settings = Settings({"theme": "", "ascii": False, "refresh": 1.0})
    hold_off()
    try:
        dashboard.run(EngineSpec("demo"), settings)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
    assert found == [(USUAL, True)]

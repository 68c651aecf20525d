"""The diffing display against the stock one, on a real pseudo-terminal read by a terminal emulator."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from benchmarks.ui_emulator import Emulator
from benchmarks.ui_pty import Pty

SIZE = (80, 40)


def wait_for(pty: Pty, emulator: Emulator, text: str, seconds: float = 8.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and pty.alive:
        emulator.feed(pty.read(0.1))
        if emulator.shows(text):
            pty.pump(0.25, emulator.feed)
            return True
    return False


def command(mode: str, rate: float = 20) -> list[str]:
    return [sys.executable, "-m", "tests.ui_foundation.shapes_app", mode, str(rate)]


def run(mode: str, rate: float = 20, stall: float = 0.0, env: dict[str, str] | None = None) -> Emulator:
    """Let the program run to its end; `stall`: seconds during which nobody reads what it draws."""
    emulator = Emulator(SIZE)
    with Pty(command(mode, rate), SIZE, env) as pty:
        if stall:
            assert wait_for(pty, emulator, "step")
            time.sleep(stall)
        assert wait_for(pty, emulator, "finished"), emulator.cells()[0]
    return emulator


@pytest.fixture(scope="module")
def stock() -> Emulator:
    return run("stock")


def test_diffed_screen_is_the_stock_screen_in_fewer_bytes(stock: Emulator) -> None:
    diff = run("diff")
    assert diff.cells() == stock.cells()
    assert diff.bytes < stock.bytes / 2


def test_last_picture_arrives_when_frames_were_dropped(tmp_path: Path) -> None:
    """160 steps while nobody reads: more than a pseudo-terminal holds, so that frames must be dropped."""
    report = tmp_path / "dropped"
    env = {"SHAPES_STEPS": "160", "SHAPES_REPORT": str(report)}
    stalled = run("diff", 60, 2.5, env)
    assert int(report.read_text()) > 10
    assert stalled.cells() == run("stock", 60, env=env).cells()


def test_resize_repaints_everything(stock: Emulator) -> None:
    emulator = Emulator(SIZE)
    with Pty(command("diff"), SIZE) as pty:
        assert wait_for(pty, emulator, "finished")
        pty.resize((60, 20))
        pty.pump(0.5, emulator.feed)
        emulator.screen.reset()  # as a terminal that loses all when it is resized
        pty.resize(SIZE)
        pty.pump(0.7, emulator.feed)
    assert emulator.cells() == stock.cells()


def test_suspended_and_resumed(stock: Emulator) -> None:
    """Another program writes on the terminal while the app is suspended."""
    emulator = Emulator(SIZE)
    with Pty(command("diff"), SIZE) as pty:
        assert wait_for(pty, emulator, "finished")
        pty.send(b"z")
        pty.pump(1.0, emulator.feed)
    assert not emulator.shows("junk of another program")
    assert emulator.cells() == stock.cells()

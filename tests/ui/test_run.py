"""The whole program on a pseudo-terminal, fed by the fake engine."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.ui_emulator import Emulator
from benchmarks.ui_pty import Pty

SIZE = (120, 40)
LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"
COMMAND = [sys.executable, "-m", "tests.ui.fake_client"]


def wait_for(pty: Pty, emulator: Emulator, text: str, seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and pty.alive:
        emulator.feed(pty.read(0.1))
        if emulator.shows(text):
            return True
    return False


def test_second_picture_costs_few_bytes_and_q_leaves() -> None:
    emulator = Emulator(SIZE)
    with Pty(COMMAND, SIZE) as pty:
        assert wait_for(pty, emulator, "web-1")
        pty.pump(2.0, emulator.feed)
        before = emulator.bytes
        pty.pump(4.0, emulator.feed)
        assert 0 < emulator.bytes - before < 4 * 4_000
        pty.send(b"q")
        end = time.monotonic() + 5
        while pty.alive and time.monotonic() < end:
            pty.read(0.1)
        assert not pty.alive


def test_a_demo_with_an_end_leaves_by_itself_and_prints_what_it_saw(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vpi_tui", "demo", "--duration", "2"]
    drawn = b""
    with Pty(command, SIZE, {"XDG_STATE_HOME": str(tmp_path)}) as pty:
        end = time.monotonic() + 300  # the kernels may have to be compiled first
        while pty.alive and time.monotonic() < end:
            drawn += pty.read(0.1)
        assert not pty.alive
    report = drawn[drawn.rindex(LEAVES_ALTERNATE_SCREEN) :]
    assert b"Virtual switches" in report
    assert b"web-01" in report


def test_broken_theme_of_the_user_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nextends: slate\nstyles:\n  text: purpel\n")
    emulator = Emulator(SIZE)
    with Pty([*COMMAND, str(tmp_path)], SIZE) as pty:
        assert wait_for(pty, emulator, "mine.yaml:4")


def test_no_color_and_ascii() -> None:
    emulator = Emulator(SIZE)
    with Pty([*COMMAND, "--ascii"], SIZE, {"NO_COLOR": "1"}) as pty:
        assert wait_for(pty, emulator, "web-1")
        pty.pump(0.5, emulator.feed)
    shown = "".join(char.data for row in emulator.screen.buffer.values() for char in row.values())
    colors = {
        c for row in emulator.screen.buffer.values() for char in row.values() for c in (char.fg, char.bg)
    }
    assert shown.isascii()
    assert colors == {"default"}

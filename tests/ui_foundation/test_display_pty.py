"""The diffing display against the stock one, on a real pseudo-terminal read by a terminal emulator."""

from __future__ import annotations

import re
import sys
import time

import pyte
import pytest

from benchmarks.ui_pty import Pty

SIZE = (80, 40)
_NOT_FOR_PYTE = re.compile(rb"\x1b\[[?><=][0-9;]*[a-zA-Z$]+")


class Emulator:
    """A terminal of a given size that counts what it was sent."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = 0
        self._tail = b""

    def feed(self, data: bytes) -> None:
        self.bytes += len(data)
        data = self._tail + data
        cut = data.rfind(b"\x1b", -24)  # a sequence may be cut in two by the read
        self._tail = data[cut:] if cut >= 0 else b""
        self.stream.feed(_NOT_FOR_PYTE.sub(b"", data[:cut] if cut >= 0 else data))

    def flush(self) -> None:
        self.stream.feed(_NOT_FOR_PYTE.sub(b"", self._tail))
        self._tail = b""

    def cells(self) -> list[list[object]]:
        self.flush()
        width, height = self.screen.columns, self.screen.lines
        return [[self.screen.buffer[y][x] for x in range(width)] for y in range(height)]

    def shows(self, text: str) -> bool:
        self.flush()
        return any(text in shown for shown in self.screen.display)


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


def run(mode: str, stall: float = 0.0) -> Emulator:
    """Let the program run to its end; `stall`: seconds during which nobody reads what it draws."""
    emulator = Emulator()
    with Pty(command(mode), SIZE) as pty:
        if stall:
            assert wait_for(pty, emulator, "step")
            time.sleep(stall)
        assert wait_for(pty, emulator, "finished"), "\n".join(emulator.screen.display)
    return emulator


@pytest.fixture(scope="module")
def stock() -> Emulator:
    return run("stock")


def test_diffed_screen_is_the_stock_screen_in_fewer_bytes(stock: Emulator) -> None:
    diff = run("diff")
    assert diff.screen.display == stock.screen.display
    assert diff.cells() == stock.cells()
    assert diff.bytes < stock.bytes / 2


def test_last_picture_arrives_after_a_stall(stock: Emulator) -> None:
    stalled = run("diff", stall=1.0)
    assert stalled.cells() == stock.cells()


def test_resize_repaints_everything(stock: Emulator) -> None:
    emulator = Emulator()
    with Pty(command("diff"), SIZE) as pty:
        assert wait_for(pty, emulator, "finished")
        pty.resize((60, 20))
        pty.pump(0.5, emulator.feed)
        emulator.screen.reset()  # as a terminal that loses all when it is resized
        pty.resize(SIZE)
        pty.pump(0.7, emulator.feed)
    assert emulator.cells() == stock.cells()

"""What a program that draws costs its terminal: bytes, CPU, key latency, slow and stalled lines.

Each measuring starts the program, waits until `ready` is on its screen (or, without it, `warm` seconds), and
presses `screen` to choose what it shows.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyte

from benchmarks.ui_emulator import Emulator, cursor_mark
from benchmarks.ui_pty import Pty

SIZE = (120, 40)
SLOW_LINE = 32_000
"""Bytes a second of the slow line."""
READY_WITHIN = 300.0
"""Seconds; the first start after a change compiles the kernels."""
LOOK_EVERY = 0.05
SETTLED = 3.0
"""Seconds after a change of screen before anything is measured."""


@dataclass(frozen=True, slots=True)
class UiCost:
    """Rates over the measured time; CPU of the drawing process alone, percent of one core."""

    bytes_per_s: float
    cpu_percent: float
    rss_mb: float
    alive: bool


@dataclass(frozen=True, slots=True)
class Stall:
    """backlog: bytes that had gathered while nobody read. recovery: seconds until a key acts again."""

    backlog: int
    recovery: float


def measure(
    cmd: Sequence[str],
    seconds: float = 20,
    warm: float = 5,
    size: tuple[int, int] = SIZE,
    *,
    screen: bytes = b"",
    ready: str = "",
    env: Mapping[str, str] | None = None,
) -> UiCost:
    """Run a program, let it settle, and count what it sends."""
    with Pty(cmd, size, env) as pty:
        _settle(pty, Emulator(size), warm, ready, screen)
        sizes: list[int] = []
        cpu, start = pty.cpu_seconds(), time.monotonic()
        pty.pump(seconds, lambda data: sizes.append(len(data)))
        elapsed = time.monotonic() - start
        used = pty.cpu_seconds() - cpu
        memory = psutil.Process(pty.pid).memory_info().rss if pty.alive else 0
        return UiCost(
            sum(sizes) / elapsed,
            100 * used / elapsed,
            memory / 1e6,
            pty.alive,
        )


def key_latency(
    cmd: Sequence[str],
    keys: bytes = b"jk",
    n: int = 100,
    *,
    warm: float = 5,
    size: tuple[int, int] = SIZE,
    screen: bytes = b"",
    ready: str = "",
    env: Mapping[str, str] | None = None,
) -> tuple[float, float]:
    """(p50, p99) seconds from a key to the first byte of the answer; `keys` are pressed in turn."""
    with Pty(cmd, size, env) as pty:
        _settle(pty, Emulator(size), warm, ready, screen)
        taken = []
        for key in _in_turn(keys, n):
            while pty.read(0.02):
                pass  # wait for a gap, so that the next bytes are the answer
            start = time.perf_counter()
            pty.send(key)
            pty.read(2.0)
            taken.append(time.perf_counter() - start)
            pty.pump(0.02, _ignore)
    return _percentiles(taken)


def throttled_echo(
    cmd: Sequence[str],
    keys: bytes = b"jk",
    n: int = 40,
    *,
    rate: float = SLOW_LINE,
    pause: float = 0.15,
    warm: float = 5,
    size: tuple[int, int] = SIZE,
    seen: Callable[[pyte.Screen], object] = cursor_mark,
    screen: bytes = b"",
    ready: str = "",
    env: Mapping[str, str] | None = None,
) -> tuple[float, float]:
    """(p50, p99) seconds from a key to a change of `seen` on the screen, on a line of `rate` bytes/s.

    A terminal emulator reads the line, so bytes that were under way before the key do not count as its echo.
    """
    emulator = Emulator(size)
    taken = []
    with Pty(cmd, size, env) as pty:
        _settle(pty, emulator, warm, ready, screen)
        for key in _in_turn(keys, n):
            before = seen(emulator.screen)
            start = time.perf_counter()
            pty.send(key)
            while seen(emulator.screen) == before and time.perf_counter() - start < 5:
                pty.pump(0.002, emulator.feed, rate)
            taken.append(time.perf_counter() - start)
            pty.pump(pause, emulator.feed, rate)
    return _percentiles(taken)


def stalled(
    cmd: Sequence[str],
    keys: bytes = b"jk",
    seconds: float = 5,
    *,
    warm: float = 5,
    size: tuple[int, int] = SIZE,
    seen: Callable[[pyte.Screen], object] = cursor_mark,
    screen: bytes = b"",
    ready: str = "",
    env: Mapping[str, str] | None = None,
) -> Stall:
    """Nobody reads for `seconds` while `keys` are pressed, ten a second; then: how soon does a key act?"""
    emulator = Emulator(size)
    with Pty(cmd, size, env) as pty:
        _settle(pty, emulator, warm, ready, screen)
        for key in _in_turn(keys, int(seconds * 10) // 2 * 2):
            pty.send(key)
            time.sleep(0.1)
        start = time.perf_counter()
        sent = emulator.bytes
        pty.pump(0.2, emulator.feed)
        backlog = emulator.bytes - sent
        before = seen(emulator.screen)
        pty.send(keys[:1])
        while seen(emulator.screen) == before and time.perf_counter() - start < 30:
            pty.pump(0.005, emulator.feed)
        return Stall(backlog, time.perf_counter() - start - 0.2)


def table_refresh_cost(rows: int = 100_000, rounds: int = 50) -> float:
    """Milliseconds of CPU (median) from a new source of so many rows to composed lines, at 120×40."""
    return asyncio.run(_table_refresh(rows, rounds))


async def _table_refresh(rows: int, rounds: int) -> float:
    from textual.app import App, ComposeResult

    from vpi_tui.ui.widgets.line_table import Column, LineTable

    class Source:
        def __init__(self, turn: int) -> None:
            self.turn = turn

        def __len__(self) -> int:
            return rows

        def row(self, index: int) -> tuple[str, ...]:
            return tuple(f"{index * 7 + column + self.turn}" for column in range(8))

        def key(self, index: int) -> int:
            return index

        def find(self, key: int) -> int:
            return key

    class Bench(App[None]):
        def compose(self) -> ComposeResult:
            yield LineTable([Column(str(number), f"Column {number}", 8, 1) for number in range(8)])

    app = Bench()
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(LineTable)
        table.move_to(rows // 2)
        taken = []
        for turn in range(rounds):
            start = time.process_time()
            table.set_source(Source(turn))
            await pilot.pause()
            taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def btop_cost(seconds: float = 20, size: tuple[int, int] = SIZE) -> UiCost | None:
    """The same figures for btop at one refresh a second; None when it is not installed."""
    if not shutil.which("btop"):
        return None
    with tempfile.TemporaryDirectory() as home:
        config = Path(home) / "btop" / "btop.conf"
        config.parent.mkdir()
        config.write_text("update_ms = 1000\n")
        return measure(["btop"], seconds, 5, size, env={"XDG_CONFIG_HOME": home})


def wait_for(pty: Pty, terminal: Emulator, text: str, seconds: float) -> bool:
    """Read until the emulated screen shows the text; False when it did not within `seconds`."""
    end = time.monotonic() + seconds
    while pty.alive and time.monotonic() < end:
        pty.pump(LOOK_EVERY, terminal.feed)
        if terminal.shows(text):
            return True
    return False


def _settle(pty: Pty, terminal: Emulator, warm: float, ready: str, screen: bytes) -> None:
    """Until the program shows what is to be measured. Ends the run when it never does."""
    if not ready:
        pty.pump(warm, terminal.feed)
    elif not wait_for(pty, terminal, ready, READY_WITHIN):
        raise SystemExit(f"{ready} was not on the screen within {READY_WITHIN:g} s")
    if screen:
        pty.send(screen)
    pty.pump(SETTLED, terminal.feed)


def _ignore(data: bytes) -> None:
    """A sink for output that is not looked at."""


def _in_turn(keys: bytes, n: int) -> Iterator[bytes]:
    for number in range(n):
        yield keys[number % len(keys) :][:1]


def _percentiles(taken: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

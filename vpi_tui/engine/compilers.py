"""Compiles kernels in processes of their own, side by side, each the loops of some rooms.

The compiled code goes into the cache, from which the engine loads it: two cores are done in half the time,
and what the compiler leaves behind in memory (hundreds of megabytes) goes with its process.
"""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vpi_tui.config.paths import child_environment
from vpi_tui.model.jit import ROOMS

COST = {"stream": 14, "detect": 13, "decode": 12, "flow": 5, "capture": 2, "inventory": 1, "coverage": 1}
"""CPU seconds that a room takes to compile, roughly. Rooms with kernels, all of them (a test compares)."""
MOST_PROCESSES = 4
LOCK = "compiling.lock"
WAIT = 0.2
"""Seconds after which the progress is told again, though nothing was compiled."""


@contextmanager
def one_at_a_time(waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the right to compile into the cache. waiting: told now and then while another process has it.

    Two that start at once would compile the same loops twice. Where no lock can be had, nothing is held.
    """
    try:
        file = os.open(
            Path(os.environ["NUMBA_CACHE_DIR"]) / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except (OSError, KeyError):
        yield
        return
    try:
        while not _locked(file):
            waiting()
            time.sleep(WAIT)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def compile_rooms(what: str, told: Callable[[int], None]) -> None:
    """Compile what an engine of the mode `what` needs, or "all". told: of the count of kernels done.

    A process that fails is no error: what it leaves undone is compiled where it is first called. When `told`
    raises, the processes are ended.
    """
    groups = shares(len(os.sched_getaffinity(0)))
    with ExitStack() as ended:
        running = [_start(what, rooms) for rooms in groups]
        for process in running:
            ended.callback(process.wait)
            ended.callback(process.kill)
        _follow(running, told)
        for process in running:
            process.wait()


def shares(processors: int) -> list[list[str]]:
    """The rooms, dealt out so that all processes take about as long."""
    groups: list[list[str]] = [[] for _ in range(max(1, min(processors, MOST_PROCESSES)))]
    for room in sorted(COST, key=COST.__getitem__, reverse=True):
        min(groups, key=_cost).append(room)
    return groups


def _cost(rooms: Iterable[str]) -> int:
    return sum(COST[room] for room in rooms)


def _start(what: str, rooms: list[str]) -> subprocess.Popen[bytes]:
    """A process that writes one line for each kernel that it has compiled."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "vpi_tui.engine.warmup", what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # plain loops warn of each sum that wraps around
        env=child_environment() | {ROOMS: " ".join(rooms)},
    )


def _follow(running: list[subprocess.Popen[bytes]], told: Callable[[int], None]) -> None:
    """Count lines until all have closed their end."""
    pipes = [process.stdout.fileno() for process in running if process.stdout is not None]
    done = 0
    while pipes:
        for pipe in select.select(pipes, [], [], WAIT)[0]:
            lines = os.read(pipe, 4096)
            done += lines.count(b"\n")
            if not lines:
                pipes.remove(pipe)
        told(done)

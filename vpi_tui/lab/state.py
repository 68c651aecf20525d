"""What is known of a lab between two commands: a lock, and a file that says how far `up` has come."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from vpi_tui.config import paths
from vpi_tui.lab.names import Names
from vpi_tui.lab.plan import Plan, plan_of
from vpi_tui.model.errors import VpiError

Phase = Literal["building", "up"]
PATIENCE = 30.0
"""Seconds to wait for another command of the same lab."""


@dataclass(frozen=True, slots=True)
class State:
    """phase: "building" also when `up` was killed."""

    phase: Phase
    plan: Plan
    since: float
    """Seconds since 1970."""
    spans: tuple[str, ...] = ()
    """Span ports that there are."""


@contextmanager
def locked(names: Names) -> Iterator[int]:
    """One command at a time; the descriptor of the lock. Held also by what a killed command has left running.

    Raises VpiError when another command takes too long.
    """
    fd = _lock(names)
    try:
        yield fd
    finally:
        if not names.folder.exists():
            with suppress(OSError):
                names.lock.unlink()
                paths.RUNTIME.rmdir()
        os.close(fd)


def _lock(names: Names) -> int:
    until = time.monotonic() + PATIENCE
    while True:
        paths.RUNTIME.mkdir(mode=0o755, parents=True, exist_ok=True)
        fd = os.open(names.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _taken(fd) and _still_there(fd, names):
            return fd
        os.close(fd)
        if time.monotonic() > until:
            raise VpiError(
                f"Another command is at work on the lab {names.lab}.", hint="Try again when it has ended."
            )
        time.sleep(0.05)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_there(fd: int, names: Names) -> bool:
    """The one that had the lock before may have removed the file meanwhile."""
    try:
        return os.path.samestat(os.fstat(fd), names.lock.stat())
    except FileNotFoundError:
        return False


def write(names: Names, state: State) -> None:
    """Put in place at once: half a file is never read."""
    text = json.dumps(
        {
            "phase": state.phase,
            "since": state.since,
            "spans": state.spans,
            "plan": state.plan.to_json(),
        }
    )
    names.folder.mkdir(mode=0o755, exist_ok=True)
    fresh = names.folder / "state.new"
    fresh.write_text(text)
    fresh.rename(names.folder / "state.json")


def read(names: Names) -> State | None:
    """None when there is no lab, or nothing readable of it."""
    try:
        found = json.loads((names.folder / "state.json").read_text())
        plan = plan_of(found["plan"])
        phase: Phase = "up" if found["phase"] == "up" else "building"
        return State(phase, plan, float(found["since"]), tuple(map(str, found["spans"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def standing(names: Names) -> State:
    """The lab that is up. Raises VpiError when there is none."""
    state = read(names)
    if state is None or state.phase != "up":
        raise VpiError("No lab is up.", hint="Start one with `sudo vpi-tui lab up`.")
    return state

"""Network namespaces: entering one, and who lives in them (setns(2), namespaces(7))."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from vpi_tui.model.errors import VpiError

NAMED: Final = Path("/run/netns")
CLONE_NEWNET: Final = 0x40000000
T = TypeVar("T")


def inside(namespace: str, call: Callable[[], T]) -> T:
    """Run `call` in a thread that has entered the namespace; its sockets and children stay there."""
    result: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            _enter(namespace)
            result.append(call())
        except BaseException as reason:
            failure.append(reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


def _enter(namespace: str) -> None:
    """Only this thread changes; it must end with its task, as it cannot come back."""
    try:
        fd = os.open(NAMED / namespace, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise VpiError(
            f"There is no namespace {namespace}: {error.strerror}.", hint="See `vpi-tui lab status`."
        ) from error
    try:
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
            reason = os.strerror(ctypes.get_errno())
            raise VpiError(f"The namespace {namespace} cannot be entered: {reason}.", hint="Run it as root.")
    finally:
        os.close(fd)


def named(prefix: str) -> list[str]:
    """Named namespaces whose names begin so."""
    try:
        return sorted(path.name for path in NAMED.iterdir() if path.name.startswith(prefix))
    except OSError:
        return []


def dwellers(namespaces: Iterable[str]) -> dict[str, list[int]]:
    """Processes in each namespace, as `ip netns pids` finds them: one walk over /proc for all."""
    found: dict[str, list[int]] = {name: [] for name in namespaces}
    by_place = {place: name for name in found if (place := _place(NAMED / name)) is not None}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            place = _place(process / "ns/net")
            if place in by_place:
                found[by_place[place]].append(int(process.name))
    return found


def _place(path: Path) -> tuple[int, int] | None:
    """Device and inode: two paths with the same are the same namespace. None when it has gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def same_network(process: int) -> bool:
    """True when the process is in the network namespace of ours."""
    return _place(Path(f"/proc/{process}/ns/net")) == _place(Path("/proc/thread-self/ns/net"))


def daemons(programs: Iterable[str], text: str) -> list[int]:
    """Processes of these programs (names of at most 15 bytes) of whose arguments one contains the text.

    One that has ended, and for which its parent has not asked yet, has no arguments and is none.
    """
    wanted, found = set(programs), []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if (process / "comm").read_text().strip() in wanted:
                said = (process / "cmdline").read_bytes().decode(errors="replace")
                found += [int(process.name)] if said and text in said else []
        except OSError:
            continue
    return found


def end(processes: Iterable[int], patience: float = 1.0) -> None:
    """End processes, first politely; returns when they are gone."""
    waiting = set(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in waiting:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
        until = time.monotonic() + patience
        while waiting and time.monotonic() < until:
            waiting = {process for process in waiting if _runs(process)}
            time.sleep(0.01)
        if not waiting:
            return


def _runs(process: int) -> bool:
    """False also for one that has ended and waits for its parent to notice."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")

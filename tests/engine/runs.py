"""Real engines for the tests: processes of their own, and the plain end of a socket to play a bad ui."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from vpi_tui.config import paths
from vpi_tui.engine.child import EngineClient
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.codec import encode, ui_side
from vpi_tui.feed.messages import Command, EngineMessage
from vpi_tui.model.snapshot import Snapshot

PATIENCE = 300.0
"""Seconds; the kernels may have to be compiled first."""
ENGINE = (sys.executable, "-m", "vpi_tui.engine")
M = TypeVar("M")


def order(mode: Any = "demo", **more: Any) -> EngineSpec:
    """An order with the bundled packs that keeps nothing."""
    fields = {"rules_dir": str(paths.rules_dir()), "cache_dir": str(paths.prepare_numba_cache())}
    return EngineSpec(mode, **{**fields, **more})


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true value of the condition; fails when none comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds:g} s in vain")


@contextlib.contextmanager
def engine(spec: EngineSpec) -> Iterator[EngineClient]:
    client = EngineClient(spec)
    try:
        yield client
    finally:
        client.close()


def reached(client: EngineClient, *states: str) -> Snapshot:
    """The first snapshot in one of these states. Fails when the engine ends before."""

    def look() -> Snapshot | None:
        snapshot = client.latest()
        assert client.alive() or client.finished(), client.failure()
        return snapshot if snapshot is not None and snapshot.state in states else None

    found: Snapshot = until(look)
    return found


def answer(client: EngineClient, command: Command, kind: type[M]) -> M:
    """Send a command and wait for the first message of this type."""
    client.send(command)
    found: list[M] = []

    def look() -> bool:
        found.extend(m for m in client.take_messages() if isinstance(m, kind))
        return bool(found)

    until(look)
    return found[0]


class BareUi:
    """An engine process with a socket that only does what the test says."""

    def __init__(self, spec: EngineSpec) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*ENGINE, str(theirs.fileno()), msgspec.json.encode(spec).decode()],
                pass_fds=(theirs.fileno(),),
                stderr=subprocess.PIPE,
            )
        self.socket.settimeout(PATIENCE)
        self._decoder = ui_side()
        self.messages: list[EngineMessage] = []

    def send(self, *commands: Any) -> None:
        self.socket.sendall(b"".join(encode(command) for command in commands))

    def read_until(self, condition: Callable[[EngineMessage], Any]) -> EngineMessage:
        """Read on to the first message for which the condition holds; all are kept."""
        while True:
            data = self.socket.recv(1 << 20)
            assert data, "the engine ended first"
            fresh = self._decoder.feed(data)
            self.messages += fresh
            if found := next((message for message in fresh if condition(message)), None):
                return found

    def close(self) -> None:
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            assert self.process.stderr is not None
            self.process.stderr.close()

"""Starts the engine as a process of its own and speaks with it over the feed.

This module is imported by the ui's process: it must not import numpy, numba or any stage.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import IO

import msgspec

from vpi_tui.config.paths import child_environment
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.client import FeedConnection
from vpi_tui.feed.messages import Command, EngineMessage, Stop
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Snapshot

EXIT_WAIT = 3.0
"""Seconds that an engine has to end by itself before it is killed."""
LAST_WORDS = 4096
"""Bytes at the end of its standard error in which its last words are looked for."""


class EngineClient:
    """One engine process and the connection to it. `restart` starts another one in its place.

    announce: called with the process id of each engine started (tests and benchmarks use it).
    """

    def __init__(self, spec: EngineSpec, announce: Callable[[int], None] | None = None) -> None:
        self._spec = spec
        self._announce = announce
        # A copy, because the ui takes the terminal as its own standard input afterwards.
        self._stdin = os.dup(0) if "-" in spec.files else -1
        self._start()

    def _start(self) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        ours, theirs = socket.socketpair()
        try:
            order = msgspec.json.encode(self._spec).decode()
        except UnicodeEncodeError as error:
            ours.close()
            theirs.close()
            raise ConfigError(
                f"{error.object!r} is not UTF-8.", hint="Give it another name, or make a link to it."
            ) from None
        with theirs:
            self._process = subprocess.Popen(
                # -P: nothing is imported from the directory that the operator happens to be in.
                [sys.executable, "-P", "-m", "vpi_tui.engine", str(theirs.fileno()), order],
                stdin=self._stdin if self._stdin >= 0 else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env=self._environment(),
            )
        self._why = ""
        self._feed = FeedConnection(ours)
        if self._announce is not None:
            self._announce(self._process.pid)

    def _environment(self) -> dict[str, str]:
        cache = {"NUMBA_CACHE_DIR": self._spec.cache_dir} if self._spec.cache_dir else {}
        return child_environment() | cache

    @property
    def pid(self) -> int:
        return self._process.pid

    def hang_up(self) -> None:
        """Have the engine begin its log's file anew, by the signal that logrotate sends."""
        self._process.send_signal(signal.SIGHUP)

    def latest(self) -> Snapshot | None:
        return self._feed.latest()

    def take_alerts(self) -> tuple[list[Alert], int]:
        return self._feed.take_alerts()

    def take_messages(self) -> list[EngineMessage]:
        return self._feed.take_messages()

    def send(self, command: Command) -> None:
        self._feed.send(command)

    def alive(self) -> bool:
        return self._feed.alive()

    def finished(self) -> bool:
        """True when the engine ended in order, having said why."""
        return not self._feed.alive() and self._feed.in_order

    def failure(self) -> str:
        """Why the engine is gone, in words; "" while it lives or when it ended in order."""
        if self._feed.alive() or self._feed.in_order:
            return ""
        self._why = self._why or self._feed.failure() or self._post_mortem()
        return self._why

    def restart(self) -> None:
        """End what is left of the old engine and start a new one with the same order."""
        self._end()
        self._start()

    def close(self) -> None:
        """Ask the engine to end, wait a little, then kill it."""
        self._end()
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def _end(self) -> None:
        if self._feed.alive():
            self._feed.send(Stop())
        self._feed.close()
        if self._wait(EXIT_WAIT) is None:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _wait(self, seconds: float) -> int | None:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def _post_mortem(self) -> str:
        """Why a process ended that took no leave."""
        code = self._wait(0.5)
        if code is None:
            return "The engine closed the connection without a word."
        if code < 0:
            memory = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
            return f"The engine was killed by signal {-code} ({_signal_name(-code)}){memory}."
        said = self._last_words()
        return f"The engine failed: {said}" if said else f"The engine ended without a word (exit {code})."

    def _last_words(self) -> str:
        """Last line that the engine wrote to its standard error."""
        if self._stderr.closed:
            return ""
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - LAST_WORDS))
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"

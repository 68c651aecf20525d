"""A program under a pseudo-terminal: feed it keys, read what it draws, as fast or as slowly as wished."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

Sink = Callable[[bytes], None]

_ANSWERS = (
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[6n", b"\x1b[1;1R"),
    (b"\x1b[c", b"\x1b[?62;c"),
)
"""What programs ask a terminal at start: synchronised output, cursor position, device attributes."""


class Pty:
    """size: (columns, rows). Use as a context manager: leaving it ends the program, at last by SIGKILL."""

    def __init__(
        self, cmd: Sequence[str], size: tuple[int, int] = (120, 40), env: Mapping[str, str] | None = None
    ) -> None:
        full = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        full |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        full |= env or {}
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self._set_size(0, size)
            try:
                os.execvpe(cmd[0], list(cmd), full)
            finally:
                os._exit(127)
        self._set_size(self.fd, size)
        self.alive = True

    @staticmethod
    def _set_size(fd: int, size: tuple[int, int]) -> None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def resize(self, size: tuple[int, int]) -> None:
        self._set_size(self.fd, size)

    def send(self, keys: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.fd, keys)

    def read(self, timeout: float, limit: int = 1 << 16) -> bytes:
        """What came within `timeout` seconds, at most `limit` bytes; b"" for nothing or at the end."""
        ready, _, _ = select.select([self.fd], [], [], max(timeout, 0))
        if not ready:
            return b""
        try:
            data = os.read(self.fd, limit)
        except OSError:
            data = b""
        self.alive = bool(data)
        for question, answer in _ANSWERS:
            if question in data:
                self.send(answer)
        return data

    def pump(self, seconds: float, sink: Sink, rate: float = 0) -> None:
        """Read for so long. rate: most bytes a second that the line carries; 0 = no limit."""
        end = time.monotonic() + seconds
        while self.alive and (left := end - time.monotonic()) > 0:
            data = self.read(left, 512 if rate else 1 << 16)
            if data:
                sink(data)
                if rate:
                    time.sleep(len(data) / rate)

    def cpu_seconds(self) -> float:
        """CPU time of the program itself, all its threads, none of its children; in ns steps."""
        try:
            return time.clock_gettime((~self.pid) << 3 | 2)
        except OSError:
            return 0.0

    def close(self) -> None:
        for number, patience in ((signal.SIGTERM, 0.5), (signal.SIGKILL, 2.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            if self._reaped(patience):
                break
        os.close(self.fd)

    def _reaped(self, patience: float) -> bool:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self.read(0.02)
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                    continue
            return True
        return False

    def __enter__(self) -> Pty:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

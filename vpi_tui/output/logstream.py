"""A log that somebody reads as it comes: at a FIFO, or at a socket of the file system. Nobody is waited for.

What the reader does not take yet waits, within a bound; what comes behind that is counted as lost. When he
goes, he is looked for again every few seconds, and begins with a whole line.
"""

from __future__ import annotations

import errno
import os
import select
import shlex
import socket
import stat
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vpi_tui.model.errors import VpiError
from vpi_tui.output import roots_way
from vpi_tui.output.logfile import MOST_WAITING, RETRY, unwritable

_AT_ONCE: Final = 1 << 16
"""Bytes that are handed over at a time: what a pipe holds."""
_LAST_WAIT: Final = 1.0
"""Seconds that the reader has at the end."""
_START: Final = "Start its reader."
_NEXT: Final = {
    errno.EACCES: "Let the sensor's user (--user) write it.",
    errno.ENOTSOCK: f"Move it away. {_START}",
    errno.EINVAL: "Move it away, make the pipe (mkfifo) and start its reader.",
}
"""What to do, by what is wrong."""
_WAY: Final = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PLACE: Final = os.O_PATH | os.O_CLOEXEC
Connect = Callable[[], int]
"""Gives a descriptor that never waits. Raises OSError."""


class LogStream:
    """Lines to a reader. It is what LogFile is to a file; `reopen` looks for him anew."""

    def __init__(
        self, path: Path, clock: Callable[[], float], connect: Connect, found: int | OSError
    ) -> None:
        """clock: seconds. found: the reader, or why there is none yet."""
        self.path = path
        self.lost = 0
        """Lines that nobody got, or not whole."""
        self.alarm = ""
        """What is wrong now, a sentence; "" = nothing."""
        self._clock = clock
        self._connect = connect
        self._waiting: deque[bytes] = deque()
        self._weight = 0
        """Bytes of those."""
        self._rest = b""
        """Of what was handed over last, what was not taken: it may begin in the middle of a line."""
        self._is_cut = False
        self._fd = -1
        self._retry_at = 0.0
        if isinstance(found, OSError):
            self._give_up(found)
        else:
            self._fd = found

    def write(self, line: bytes) -> None:
        """A whole line; it is handed over with `flush`, or sooner when many wait."""
        if self._weight + len(line) > MOST_WAITING:
            self.flush()
        if self._weight + len(line) > MOST_WAITING:
            self.lost += 1
            too_slow = f"{self.path} is read too slowly: events are lost. Ask for fewer types."
            self.alarm = self.alarm or too_slow
            return
        self._waiting.append(line)
        self._weight += len(line)

    def flush(self) -> None:
        if not (self._waiting or self._rest) or (self._fd < 0 and not self._tried_again()):
            return
        try:
            while self._rest or self._waiting:
                self._hand_over()
        except BlockingIOError:
            return
        except OSError as error:
            self._give_up(error)
            return
        self.alarm = ""

    def reopen(self) -> None:
        """A pipe that is still the one of this name is kept: to its reader it would have ended."""
        if not self._is_there():
            self._leave()
            self._retry_at = 0.0
        self.flush()

    def close(self) -> None:
        end = self._clock() + _LAST_WAIT
        self.flush()
        while self._fd >= 0 and (self._rest or self._waiting) and (left := end - self._clock()) > 0:
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            if not poll.poll(1000 * left):
                break
            self.flush()
        self._leave()
        self.lost += len(self._waiting) + self._rest.count(b"\n")
        self._waiting.clear()
        self._weight, self._rest = 0, b""

    def _hand_over(self) -> None:
        """Some of it. Raises OSError."""
        if not self._rest:
            self._rest = self._next()
        done = os.write(self._fd, self._rest)
        self._is_cut = self._rest[done - 1 : done] != b"\n"
        self._rest = self._rest[done:]

    def _next(self) -> bytes:
        lines, size = [], 0
        while self._waiting and size < _AT_ONCE:
            lines.append(self._waiting.popleft())
            size += len(lines[-1])
        self._weight -= size
        return b"".join(lines)

    def _give_up(self, error: OSError) -> None:
        self._leave()
        self._retry_at = self._clock() + RETRY
        self.alarm = (
            f"Nobody reads {self.path} ({error.strerror or error}): events are lost once"
            f" {MOST_WAITING >> 20} MiB of them wait. {_NEXT.get(error.errno or 0, _START)}"
        )

    def _leave(self) -> None:
        """Whoever comes next begins with a whole line."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._rest and self._is_cut:
            self.lost += 1
            self._rest = self._rest.partition(b"\n")[2]
        self._is_cut = False

    def _is_there(self) -> bool:
        try:
            return self._fd >= 0 and os.path.samestat(os.fstat(self._fd), self.path.stat())
        except OSError:
            return False

    def _tried_again(self) -> bool:
        if self._clock() < self._retry_at:
            return False
        try:
            self._fd = self._connect()
        except OSError as error:
            self._give_up(error)
            return False
        self.alarm = ""
        return True


def is_fifo(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def to_fifo(path: Path, clock: Callable[[], float], owner: tuple[int, int] | None) -> LogStream:
    """owner: of LogFile. Raises VpiError when nobody reads it."""
    try:
        fd = _open_fifo(path) if owner is None else _checked_fifo(roots_way.there(path, _WAY))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise unwritable(path, error) from error
        hint = f"Start its reader first, such as: cat {shlex.quote(str(path))}"
        raise VpiError(f"{path} is a pipe that nobody reads.", hint=hint) from error
    return LogStream(path, clock, lambda: _open_fifo(path), fd)


def to_socket(path: Path, clock: Callable[[], float], owner: tuple[int, int] | None) -> LogStream:
    """Nobody needs to listen yet, as with Suricata. owner: of LogFile.

    Raises VpiError for what root must not follow.
    """
    found: int | OSError
    try:
        found = _connect(path) if owner is None else _connected(roots_way.there(path, _PLACE))
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:
            raise unwritable(path, error) from error
        found = error
    return LogStream(path, clock, lambda: _connect(path), found)


def _open_fifo(path: Path) -> int:
    return _checked_fifo(os.open(path, _WAY))


def _checked_fifo(fd: int) -> int:
    """A file that has taken its place would be written over from its beginning."""
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "it is no pipe")


def _connect(path: Path) -> int:
    return _connected(os.open(path, _PLACE))


def _connected(place: int) -> int:
    """To the socket that lies there; by name it could be another by now, and could have 107 bytes at most."""
    try:
        if not stat.S_ISSOCK(os.fstat(place).st_mode):
            raise OSError(errno.ENOTSOCK, "it is no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
            made.setblocking(False)
            made.connect(f"/proc/self/fd/{place}")
            return made.detach()
    finally:
        os.close(place)

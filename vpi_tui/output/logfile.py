"""A log file that rotates, reopens when told to, and never stops its owner.

When the disk is full or the file cannot be written, lines are counted as lost, the file keeps whole lines
only, and it is tried again every few seconds.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from vpi_tui.model.errors import VpiError
from vpi_tui.output import roots_way

MOST_WAITING: Final = 4 << 20
"""Bytes of lines that wait to be written; more are not waited with until somebody flushes."""
RETRY: Final = 5.0
"""Seconds between two tries of a file that cannot be written."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """max_bytes, seconds: when to begin a new file, 0 = never; keep: most old files, 0 = all."""

    max_bytes: int = 0
    seconds: float = 0.0
    keep: int = 0


_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MEMORY: Final = 1
"""The kernel's number for /dev/null and its like, the only devices that take what they are given at once."""


class LogFile:
    """Lines appended to `path`. clock: seconds since 1970. owner: user and group that the process will be;
    file and directory are theirs when they are made here, or they could not be rotated or opened again.

    Raises VpiError when it cannot be opened at first; nothing later on.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        rotation: Rotation | None = None,
        owner: tuple[int, int] | None = None,
    ) -> None:
        self.path = path
        self.lost = 0
        """Lines that could not be written."""
        self.alarm = ""
        """What is wrong now, a sentence; "" = nothing."""
        self._rotation = rotation or Rotation()
        self._clock = clock
        self._waiting: list[bytes] = []
        self._weight = 0
        """Bytes of those."""
        self._fd = -1
        self._size = 0
        self._began = 0.0
        self._retry_at = 0.0
        try:
            if owner is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._take(_opened(path))
            else:
                self._take(_opened_for(path, owner))
        except OSError as error:
            raise unwritable(path, error) from error

    def write(self, line: bytes) -> None:
        """A whole line; it is in the file after `flush`, or sooner when many wait."""
        self._waiting.append(line)
        self._weight += len(line)
        if self._weight > MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        lines, self._waiting, self._weight = self._waiting, [], 0
        if not lines:
            return
        if self._fd < 0 and not self._tried_again():
            self.lost += len(lines)
            return
        data = b"".join(lines)
        if self._is_due(len(data)):
            self._rotate()
        try:
            self._append(data)
        except OSError as error:
            self.lost += len(lines)
            self._give_up(error)

    def reopen(self) -> None:
        """Begin the file anew at its path, as after it was moved away."""
        self.flush()
        self._close()
        self._retry_at = 0.0
        self._tried_again()

    def close(self) -> None:
        self.flush()
        self._close()

    def _take(self, fd: int) -> None:
        """Go on with this one."""
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._began = self._clock()
        self.alarm = ""

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> None:
        """All of it or nothing. Raises OSError."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError:
            if done:
                os.ftruncate(self._fd, self._size)  # half a line would spoil the file for its readers
            raise
        self._size += done

    def _give_up(self, error: OSError) -> None:
        self._close()
        self._retry_at = self._clock() + RETRY
        self.alarm = (
            f"{self.path} cannot be written ({error.strerror}): events are lost until it can."
            " Make room, or name another file."
        )

    def _tried_again(self) -> bool:
        if self._clock() < self._retry_at:
            return False
        try:
            self._take(_opened(self.path))
        except OSError as error:
            self._give_up(error)
            return False
        return True

    def _is_due(self, coming: int) -> bool:
        rule = self._rotation
        too_large = bool(rule.max_bytes) and self._size > 0 and self._size + coming > rule.max_bytes
        too_old = bool(rule.seconds) and self._clock() - self._began >= rule.seconds
        return too_large or (too_old and self._size > 0)

    def _rotate(self) -> None:
        """The file so far gets the time behind its name. What cannot be moved is written on."""
        try:
            self.path.rename(self._free_name())
            self._close()
            self._take(_opened(self.path))
            self._prune()
        except OSError as error:
            self._began = self._clock()
            self.alarm = (
                f"{self.path} cannot be rotated ({error.strerror}): it goes on growing."
                " Whoever the sensor runs as (--user) has to be allowed to write its directory."
            )
            if self._fd < 0:
                self._give_up(error)

    def _free_name(self) -> Path:
        stamp = f"{datetime.fromtimestamp(self._clock(), UTC):%Y%m%d-%H%M%S}"
        name, number = self.path.with_name(f"{self.path.name}.{stamp}"), 1
        while name.exists():
            name, number = self.path.with_name(f"{self.path.name}.{stamp}.{number:04}"), number + 1
        return name

    def _prune(self) -> None:
        if not self._rotation.keep:
            return
        old = sorted(one for one in self.path.parent.iterdir() if one.name.startswith(f"{self.path.name}.2"))
        for one in old[: -self._rotation.keep]:
            one.unlink()


def unwritable(path: Path, error: OSError) -> VpiError:
    """For a log that cannot be opened at the start."""
    return VpiError(
        f"{path} cannot be written: {error.strerror}.", hint="Fix that, or name another file (`--eve`)."
    )


def _opened(path: Path) -> int:
    """A descriptor to append with. Raises OSError, also for what is no file of lines.

    Never waits: a FIFO would, for somebody who reads it.
    """
    return _checked(os.open(path, _FLAGS, 0o640))


def _checked(fd: int) -> int:
    about = os.fstat(fd)
    if stat.S_ISREG(about.st_mode) or (stat.S_ISCHR(about.st_mode) and os.major(about.st_rdev) == _MEMORY):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "it is no file, but a pipe, a terminal or another device")


def _opened_for(path: Path, owner: tuple[int, int]) -> int:
    """Likewise by root, for them: file and directory are theirs when they are made here; what is there
    already stays whose it is.

    They may have been here before, and may have put a link to anything in its place: nothing is given away by
    its name, and nothing that was not made here.
    """
    with roots_way.opened(path.parent, owner) as directory:
        with suppress(FileExistsError):
            roots_way.give(os.open(path.name, _FLAGS | os.O_EXCL, 0o640, dir_fd=directory), owner)
        return _checked(roots_way.entry(path.name, _FLAGS, directory))

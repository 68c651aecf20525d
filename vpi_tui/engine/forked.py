"""A piece of work in a child that has all of our modules and kernels, and whose memory goes with it."""

from __future__ import annotations

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from typing import BinaryIO, Final

NICE: Final = 10
"""The packets of a machine with one processor go first."""


def fork(work: Callable[[], object], *, keep: int = 2, nice: int = 0) -> int:
    """Process id of the child; its exit status is 0 when the work was done.

    keep: a file that it leaves open beside the standard ones. Raises OSError.
    """
    pid = os.fork()
    if pid == 0:
        _be_child(work, keep, nice)
    return pid


def _be_child(work: Callable[[], object], keep: int, nice: int) -> None:
    """Never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.nice(nice)
        # Whoever watches us must see it when we die, and not wait for the child.
        os.closerange(3, keep)
        os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
        work()
        code = 0
    except Exception as error:
        traceback.print_exception(error)
    finally:
        os._exit(code)


def unnamed(what: str) -> BinaryIO:
    """A file in memory. Raises OSError."""
    return os.fdopen(os.memfd_create(what, os.MFD_CLOEXEC), "w+b")


class Apart:
    """A child that goes on beside us and leaves what it has found in a file in memory.

    what: the name of that file, for whoever lists open ones. Raises OSError when the system grants no process
    or memory for it.
    """

    def __init__(self, what: str, work: Callable[[BinaryIO], object]) -> None:
        self.file = unnamed(what)
        try:
            self._pid = fork(lambda: self._do(work), keep=self.file.fileno(), nice=NICE)
        except OSError:
            self.file.close()
            raise

    def _do(self, work: Callable[[BinaryIO], object]) -> None:
        work(self.file)
        self.file.flush()

    def status(self) -> int | None:
        """None = it goes on. Else how it ended, as of os.waitpid: 0 = the file holds all, and is rewound."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return None
        self._pid = 0
        self.file.seek(0)
        return status

    def let_go(self) -> None:
        """It goes on, and nobody asks how that went."""
        self.file.close()

    def close(self) -> None:
        """End it, if it still goes on."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        self.file.close()

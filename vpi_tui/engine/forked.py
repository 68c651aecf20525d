"""A piece of work in a child that has all of our modules and kernels, and whose memory goes with it."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


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

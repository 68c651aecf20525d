"""Runs a slow probe in a thread of its own, so that no daemon that hangs ever stops the engine's loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vpi_tui.inventory.counts import Counting
from vpi_tui.inventory.picture import Picture, Probe
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError

STEP = 0.25
"""Seconds between two questions to the probe whether something changed."""
PATIENCE = 10.0
"""Seconds after which one reading is said to hang."""
CLOSE_WAIT = 1.0


class Aside:
    """A probe of which `changed` and `read` give at once what the thread got last.

    make: makes the probe, in the thread. at_start: what the thread does first (it gives up rights).
    """

    def __init__(
        self, name: str, make: Callable[[], Probe], at_start: Callable[[], None] = lambda: None
    ) -> None:
        self.name = name
        self._make, self._at_start = make, at_start
        self._probe: Probe | None = None
        self._lock = threading.Lock()
        self._result: Picture | Exception = Picture()
        self._fresh = self._hangs = False
        self._busy_since: float | None = None
        self._first, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"probe {name}", daemon=True)
        self._thread.start()

    # The engine's side --------------------------------------------------------------------------

    def wait_first(self, seconds: float) -> bool:
        """Wait until the first reading is done, well or not; False when it takes longer."""
        return self._first.wait(seconds)

    def changed(self, now: float) -> bool:  # noqa: ARG002 (as Probe has it)
        """True after each reading, and once when one takes too long. The clock is the thread's own."""
        with self._lock:
            late = self._busy_since is not None and time.monotonic() - self._busy_since > PATIENCE
            began = late and not self._hangs
            self._hangs = late
            return self._fresh or began

    def read(self) -> Picture:
        """What the thread read last. Raises what it raised, and VpiError while it hangs."""
        with self._lock:
            self._fresh = False
            if self._hangs:
                raise VpiError(f"No answer for {PATIENCE:.0f} seconds; what it said before is shown.")
            if isinstance(self._result, Exception):
                raise self._result
            return self._result

    def counts(self) -> tuple[TrueCount, ...]:
        """What the probe counted, if it counts at all."""
        return self._probe.counts() if isinstance(self._probe, Counting) else ()

    def close(self) -> None:
        """A thread that hangs is left behind: it is a daemon, and ends with the process."""
        self._stop.set()
        self._thread.join(CLOSE_WAIT)

    # The thread's side --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._at_start()
            self._begin()
            probe = self._probe = self._make()
        except Exception as error:
            self._end(error)
            self._first.set()
            return
        try:
            while not self._stop.is_set():
                self._look(probe)
                self._first.set()
                self._stop.wait(STEP)
        finally:
            probe.close()

    def _look(self, probe: Probe) -> None:
        try:
            self._begin()
            if probe.changed(time.monotonic()):
                self._end(probe.read())
            else:
                self._end(None)
        except Exception as error:
            self._end(error)

    def _begin(self) -> None:
        with self._lock:
            self._busy_since = time.monotonic()

    def _end(self, result: Picture | Exception | None) -> None:
        """None: nothing new; a reading that hung has ended all the same."""
        with self._lock:
            self._busy_since = None
            if result is not None:
                self._result = result
            self._fresh |= result is not None or self._hangs

"""When to ask a manager again: soon after a link has come or gone, and now and then in any case."""

from __future__ import annotations

from vpi_tui.inventory import netlink

EVERY = 15.0
"""Seconds between two readings while nothing happens."""
HURRY = 1.0
"""Seconds between two readings after a link changed: managers know a guest a little later than the kernel."""
HURRY_FOR = 5.0


class Pace:
    """`due` is cheap and never blocks. now: seconds of any steady clock."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._last = self._hurry_until = float("-inf")
        try:
            self._notices: netlink.LinkNotices | None = netlink.LinkNotices()
        except OSError:
            self._notices = None  # no netlink here: it goes by time alone

    def due(self, now: float) -> bool:
        """True when it is time to read; the caller then does."""
        if self._notices is not None and self._notices.take()[0]:
            self._hurry_until = now + HURRY_FOR
        wait = min(HURRY, self._every) if now <= self._hurry_until else self._every
        if now < self._last + wait:
            return False
        self._last = now
        return True

    def close(self) -> None:
        if self._notices is not None:
            self._notices.close()

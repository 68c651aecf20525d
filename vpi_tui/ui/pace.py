"""How often the picture is renewed: as the operator wishes, less often while the line cannot follow."""

from __future__ import annotations

from vpi_tui.ui.state import SLOWEST

PATIENCE = 3
"""Ticks in a row with frames that the line could not take, after which it goes slower."""
RECOVERY = 20
"""Ticks without one, after which it goes faster again."""


class Pace:
    """Ticked once a second with the frames dropped so far. Pure: no clock."""

    def __init__(self, wanted: float) -> None:
        self.wanted = wanted
        """Seconds between two pictures that the operator asked for."""
        self.interval = wanted
        self._dropped = 0
        self._behind = self._fine = 0

    def wish(self, seconds: float) -> None:
        self.wanted = self.interval = seconds
        self._behind = self._fine = 0

    def tick(self, dropped: int) -> float:
        """dropped: frames ever dropped. The interval from now on."""
        late = dropped > self._dropped
        self._dropped = dropped
        self._behind, self._fine = (self._behind + 1, 0) if late else (0, self._fine + 1)
        if self._behind >= PATIENCE:
            self._behind = 0
            self.interval = min(max(self.interval * 2, 1.0), SLOWEST)
        elif self._fine >= RECOVERY and self.interval > self.wanted:
            self._fine = 0
            self.interval = max(self.interval / 2, self.wanted)
        return self.interval

"""How full the memory is that stages may take."""

from __future__ import annotations


class Pressure:
    """Of the fullest of them, in percent: now, and the most since the start."""

    def __init__(self) -> None:
        self._now = self._most = 0.0

    def look(self, *filled: float) -> None:
        """filled: of each stage, 0 to 1."""
        self._now = 100 * max(filled)
        self._most = max(self._most, self._now)

    def stats(self) -> dict[str, float]:
        return {"memcap.pressure": float(int(self._now)), "memcap.pressure_max": float(int(self._most))}

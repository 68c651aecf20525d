"""The engine's own process: CPU, memory, age."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STATM = Path("/proc/self/statm")


class Vitals:
    """Figures of this process since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def stats(self) -> dict[str, float]:
        return {
            "engine.cpu_seconds": time.process_time(),
            "engine.rss_bytes": _resident(),
            "engine.uptime_seconds": time.monotonic() - self._began,
            "engine.pid": float(os.getpid()),
        }


def _resident() -> float:
    """Resident bytes; 0 where /proc does not tell (proc(5), statm)."""
    try:
        return float(int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError):
        return 0.0

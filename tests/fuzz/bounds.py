"""How long an input may take: a hundred times what it does, as fuzzers make the code slower."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 1.0
SECONDS_A_BYTE: Final = 200e-6


def timely(one_input: Callable[[bytes], None], data: bytes, said: int) -> float:
    """Run it; fails when it takes too much CPU for an input of so many bytes. Seconds by the wall.

    The clock of CPU is slow to ask, so it is asked only of an input that took too long by the wall. That is
    run again: the machine may have been busy, or a kernel loaded.
    """
    began = time.perf_counter()
    one_input(data)
    spent = time.perf_counter() - began
    most = SECONDS + SECONDS_A_BYTE * said
    if spent > most:
        used = cpu_seconds(one_input, data)
        assert used < most, f"it takes {used:.1f} s of CPU"
    return spent


def cpu_seconds(one_input: Callable[[bytes], None], data: bytes) -> float:
    """What one more run of it takes."""
    began = time.process_time()
    one_input(data)
    return time.process_time() - began

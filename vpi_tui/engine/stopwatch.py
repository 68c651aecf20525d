"""CPU seconds by stage, for the Engine screen and the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the CPU time of the calling thread under a name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        start = time.thread_time()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.thread_time() - start

    def stats(self) -> dict[str, float]:
        return {f"stage.{name}.seconds": spent for name, spent in self.seconds.items()}

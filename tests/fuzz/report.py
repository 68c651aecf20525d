"""What a fuzzer has to tell of one target; several runs of it add up."""

from __future__ import annotations

import resource
from pathlib import Path

import msgspec


class Report(msgspec.Struct):
    """seconds: of CPU. grown: inputs that were said over and over; most_kept: bytes kept after that."""

    target: str
    seconds: float = 0.0
    executions: int = 0
    crashes: int = 0
    slowest_ms: float = 0.0
    peak_mb: float = 0.0
    grown: int = 0
    most_kept: int = 0
    last_crash: str = ""

    @classmethod
    def read(cls, folder: Path) -> Report:
        """What was told before; nothing yet counts as zero."""
        try:
            return msgspec.json.decode((folder / "report.json").read_bytes(), type=cls)
        except FileNotFoundError:
            return cls(folder.name)

    def write(self, folder: Path) -> None:
        """The file is always whole."""
        fresh = folder / "report.json.new"
        fresh.write_bytes(msgspec.json.encode(self))
        fresh.replace(folder / "report.json")

    def plus(self, later: Report) -> Report:
        """Both runs; the peak is also this process's."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Report(
            self.target,
            self.seconds + later.seconds,
            self.executions + later.executions,
            self.crashes + later.crashes,
            max(self.slowest_ms, later.slowest_ms),
            max(self.peak_mb, later.peak_mb, peak),
            self.grown + later.grown,
            max(self.most_kept, later.most_kept),
            later.last_crash or self.last_crash,
        )

"""CPU seconds and peak memory of a command, children included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """cpu: user + system seconds. peak: bytes of resident memory at most."""

    cpu: float
    peak: int
    code: int


def run(command: Sequence[str], **options: object) -> Cost:
    """Run a command to its end with its output thrown away."""
    process = subprocess.Popen(
        list(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,  # type: ignore[call-overload]
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, process.returncode)


def best(command: Sequence[str], times: int = 3) -> Cost:
    """The cheapest of several runs: noise only ever adds. Stops the program when one fails."""
    costs = [run(command) for _ in range(times)]
    for cost in costs:
        if cost.code:
            sys.exit(f"{' '.join(command)} ended with exit code {cost.code}")
    return min(costs, key=lambda c: c.cpu)

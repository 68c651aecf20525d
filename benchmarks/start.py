"""CPU of the first things that a user sees: the version, the help, the first picture.

python -m benchmarks.start [--times 5]
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.cost import best
from benchmarks.ui_emulator import Emulator
from benchmarks.ui_harness import SIZE, wait_for
from benchmarks.ui_pty import Pty

PROGRAM = (sys.executable, "-m", "vpi_tui")
FIRST_PAINT = "Overview"
RUNNING = "Top talkers"


def first_paint(times: int) -> tuple[float, float, float]:
    """Best of each: CPU s of the ui at its first picture, wall s of that, wall s until packets are shown."""
    runs = []
    for _ in range(times):
        with Pty([*PROGRAM, "demo"], SIZE) as pty:
            began = time.monotonic()
            terminal = Emulator(SIZE)
            if not wait_for(pty, terminal, FIRST_PAINT, 60):
                sys.exit("the dashboard drew nothing within a minute")
            painted, cpu = time.monotonic() - began, pty.cpu_seconds()
            wait_for(pty, terminal, RUNNING, 240)
            runs.append((cpu, painted, time.monotonic() - began))
    cpus, paints, flows = zip(*runs, strict=True)
    return min(cpus), min(paints), min(flows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    cpu, painted, flowing = first_paint(times)
    rows = [
        (f"`vpi-tui {flag}`", f"{best([*PROGRAM, flag], times).cpu:.2f}", "")
        for flag in ("--version", "--help")
    ]
    rows.append(("first picture of the demo (the ui's process)", f"{cpu:.2f}", f"{painted:.2f}"))
    rows.append(("packets on the screen", "", f"{flowing:.2f}"))
    print("| best of " + str(times) + " | CPU s | wall s |\n|---|---|---|")
    for name, spent, wall in rows:
        print(f"| {name} | {spent} | {wall} |")


if __name__ == "__main__":
    main()

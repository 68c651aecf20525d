"""The dashboard on its terminal: bytes, CPU, key to screen, slow and stalled lines; btop beside it.

    python -m benchmarks.ui CAPTURE [--seconds 10]

The demo at 120x40, one screen after the other; then the keyboard while the engine replays CAPTURE over and
over as fast as it goes. The ui's process is measured alone; the engine is another.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ui_harness import (
    SIZE,
    UiCost,
    btop_cost,
    key_latency,
    measure,
    stalled,
    table_refresh_cost,
    throttled_echo,
)

SCREENS = {"1": "Overview", "2": "Switches", "3": "Flows", "4": "Alerts", "5": "Rules", "9": "Engine"}
PROGRAM = (sys.executable, "-m", "vpi_tui")
READY = "Top talkers"
"""On the screen once packets flow."""
OFTEN = 0.25
"""Seconds between pictures in the row of four refreshes a second."""
ROUNDS = 400
"""Times that the capture is replayed, so that it outlasts the measuring."""
ON_FLOWS = b"3"
KEYS = 300
"""Keys pressed, so that p99 is more than the worst of them."""


def demo(refresh: float = 1.0) -> list[str]:
    return [*PROGRAM, "demo", "--refresh", str(refresh)]


def saturated(capture: Path) -> list[str]:
    return [*PROGRAM, "replay", "--speed", "max", *([str(capture)] * ROUNDS)]


def screens(seconds: float) -> list[tuple[str, UiCost]]:
    """What each screen costs, btop last, in one run."""
    rows = [
        (f"{name} (1 refresh a second)", measure(demo(), seconds, screen=key.encode(), ready=READY))
        for key, name in SCREENS.items()
    ]
    rows.append(("Overview (4 refreshes a second)", measure(demo(OFTEN), seconds, ready=READY)))
    btop = btop_cost(seconds)
    if btop is not None:
        rows.append(("btop (1 refresh a second)", btop))
    return rows


def screens_table(rows: Sequence[tuple[str, UiCost]]) -> str:
    name, last = rows[-1]
    base = last.bytes_per_s if name.startswith("btop") else 0.0
    lines = ["| 120x40 | bytes/s | over btop | CPU of the ui | memory |", "|---|---|---|---|---|"]
    for name, cost in rows:
        share = f"{cost.bytes_per_s / base:.2f}" if base else "btop is not installed"
        lines.append(
            f"| {name} | {cost.bytes_per_s:,.0f} | {share} | {cost.cpu_percent:.1f} %"
            f" | {cost.rss_mb:.0f} MB |"
        )
    return "\n".join(lines)


def keyboard_table(capture: Path) -> str:
    busy = saturated(capture)
    p50, p99 = key_latency(busy, n=KEYS, ready=READY, screen=ON_FLOWS)
    slow50, slow99 = throttled_echo(demo(), ready=READY, screen=ON_FLOWS)
    stall = stalled(demo(), ready=READY, screen=ON_FLOWS)
    lines = [
        "| keyboard | p50 | p99 |",
        "|---|---|---|",
        f"| key to first byte, engine saturated by a replay at full speed | {ms(p50)} | {ms(p99)} |",
        f"| key to screen on a line of 32 kB/s | {ms(slow50)} | {ms(slow99)} |",
        "",
        f"After a line that stalled for 5 s (50 keys pressed): {stall.backlog:,} bytes had gathered, and the"
        f" next key acted after {ms(stall.recovery)}.",
        "",
        f"A table of 100,000 rows with new contents: {table_refresh_cost():.1f} ms of CPU to composed lines.",
    ]
    return "\n".join(lines)


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("capture", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    print(f"{SIZE[0]} columns by {SIZE[1]} lines, {options.seconds:g} s a row.\n")
    print(screens_table(screens(options.seconds)))
    print()
    print(keyboard_table(options.capture))


if __name__ == "__main__":
    main()

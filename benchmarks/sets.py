"""Loading a set of rules for the first time and again from the cache, and the memory of a scan with it.

    python -m benchmarks.sets CAPTURE --rules DIR … [--counts 8000,25000] [--times 1]

Rules are chosen as for `growth`. Each row is two processes, one after the other, with a cache that is empty
before the first; of several pairs the best. CPU s of parsing and compiling, or of taking them from the
cache, a child that compiles included; the most memory that was resident until the end of the scan, of the
process or of that child.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growth import every, pool

COUNTS = (8_000, 25_000)
CHILD = "--one"


@dataclass(frozen=True)
class Start:
    """One start. alerts: by rule, to see that it makes no difference where the rules come from."""

    rules: int
    refused: int
    load: float
    peak: int
    alerts: dict[str, int]


def start(rules: Path, cache: Path, capture: Path) -> Start:
    """Load and scan, in this process."""
    from vpi_tui.config.paths import prepare_numba_cache

    prepare_numba_cache()
    import resource

    from vpi_tui.engine.rulebook import RuleBook
    from vpi_tui.engine.scan import run_scan
    from vpi_tui.engine.spec import EngineSpec
    from vpi_tui.engine.warmup import warm

    spec = EngineSpec("replay", files=(str(capture),), speed=0.0, rules=(str(rules),), rule_cache=str(cache))
    warm("replay", lambda *_: None)
    began = sum(os.times()[:4])
    book = RuleBook.load(spec)
    loaded = sum(os.times()[:4])
    result = run_scan(spec, None, lambda *_: None, rules=book)
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return Start(
        book.loaded,
        len(book.refused),
        loaded - began,
        max(resource.getrusage(one).ru_maxrss for one in who) * 1024,
        result.of_rules(),
    )


def pair(rules: Path, capture: Path) -> tuple[Start, Start, int]:
    """With an empty cache, then with what that left there; and how many bytes that are."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "benchmarks.sets", str(capture), CHILD, str(rules), cache]
        first, second = (
            Start(**json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
            for _ in range(2)
        )
        return first, second, sum(path.stat().st_size for path in Path(cache).iterdir())


def row(rules: Path, capture: Path, times: int) -> str:
    pairs = [pair(rules, capture) for _ in range(times)]
    first = min((one[0] for one in pairs), key=lambda start: start.load)
    second = min((one[1] for one in pairs), key=lambda start: start.load)
    same = all(one.alerts == first.alerts for cold, warm, _ in pairs for one in (cold, warm))
    return (
        f"| {first.rules:,} | {first.refused:,} | {first.load:.2f} | {second.load:.2f} | "
        f"{pairs[0][2] / 1e6:.0f} | {first.peak / 1e6:.0f} | {second.peak / 1e6:.0f} | "
        f"{sum(first.alerts.values()):,} {'both times' if same else 'NOT THE SAME'} |"
    )


def table(rows: Iterable[str]) -> str:
    head = (
        "| rules | refused | first load, CPU s | from the cache, CPU s | entry MB | peak MB first | "
        "peak MB from the cache | alerts |"
    )
    return "\n".join([head, "|---" * 8 + "|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("capture", type=Path)
    parser.add_argument("--rules", nargs="*", type=Path, default=[])
    parser.add_argument("--counts", type=lambda text: tuple(map(int, text.split(","))), default=COUNTS)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument(CHILD, type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        rules, cache = options.one
        print(json.dumps(vars(start(rules, cache, options.capture))))
        return
    if not options.rules:
        parser.error("which rules? --rules DIR …")
    found = pool(options.rules, max(options.counts))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in options.counts:
            path = Path(folder, f"{count}.rules")
            path.write_bytes("\n".join(every(found, count)).encode("utf-8", "surrogateescape"))
            rows.append(row(path, options.capture, options.times))
    print(table(rows))


if __name__ == "__main__":
    main()

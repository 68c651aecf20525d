"""What a packet costs in each stage, and how that grows with the number of rules.

    python -m benchmarks.growth CAPTURE --rules DIR … [--counts 0,100,1000,8000,25000] [--times 3]

Rules are taken from the files of DIR, evenly, each sid once; where those that are switched on are too few,
commented-out ones with a content join (those without one are off because they meet every packet). Each row is
a process of its own, the best of several. Nothing is written. CPU ns a packet; memory is the most that was
resident.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vpi_tui.detect.rules.lexer import rules_in

COUNTS = (0, 100, 1_000, 8_000, 25_000)
STAGES = ("capture", "decode", "flow", "attribute", "stream", "app_layer", "detect")
_SID = re.compile(r"\bsid\s*:\s*(\d+)")
CHILD = "--one"


@dataclass(frozen=True)
class Row:
    """What one scan cost. stages: seconds; cpu: of the whole scan, start and rules taken off."""

    rules: int
    packets: int
    stages: dict[str, float]
    cpu: float
    load: float
    peak: int


def pool(folders: Iterable[Path], wanted: int) -> list[str]:
    """At least so many rules, if there are as many: those switched on first, each sid once."""
    switched_on: dict[str, str] = {}
    commented: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.rules")) if folder.is_dir() else [folder]:
            for rule in rules_in(path.read_text("utf-8", "surrogateescape"), with_disabled=True):
                if sid := _SID.search(rule.text):
                    (switched_on if rule.enabled else commented).setdefault(sid[1], rule.text)
    spare = [text for sid, text in commented.items() if sid not in switched_on and "content:" in text]
    short = max(0, wanted - len(switched_on))
    return list(switched_on.values()) + every(spare, short)


def every(rules: Sequence[str], count: int) -> list[str]:
    """So many of the rules, evenly spread."""
    count = min(count, len(rules))
    return [rules[number * len(rules) // count] for number in range(count)]


def scan(rules: Path, capture: Path) -> Row:
    """One scan, in this process."""
    from vpi_tui.config.paths import prepare_numba_cache

    prepare_numba_cache()
    import resource

    from vpi_tui.engine.rulebook import RuleBook
    from vpi_tui.engine.scan import run_scan
    from vpi_tui.engine.spec import EngineSpec
    from vpi_tui.engine.warmup import warm

    spec = EngineSpec("replay", files=(str(capture),), speed=0.0, rules=(str(rules),))
    warm("replay", lambda *_: None)
    began = time.process_time()
    book = RuleBook.load(spec)
    loaded = time.process_time()
    result = run_scan(spec, None, lambda *_: None, rules=book)
    return Row(
        len(book.ruleset.signatures),
        result.packets,
        {name: result.stats[f"stage.{name}.seconds"] for name in STAGES},
        time.process_time() - loaded,
        loaded - began,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def measure(rules: Path, capture: Path, times: int) -> Row:
    """The cheapest of several scans, each in a process of its own: noise only ever adds."""
    command = [sys.executable, "-m", "benchmarks.growth", str(capture), CHILD, str(rules)]
    outputs = (subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout for _ in range(times))
    return min((Row(**json.loads(output)) for output in outputs), key=lambda row: row.cpu)


def table(rows: Iterable[Row]) -> str:
    lines = [
        f"| rules | {' | '.join(STAGES)} | all | load s | peak MB |",
        "|---" * (len(STAGES) + 4) + "|",
    ]
    for row in rows:
        stages = " | ".join(f"{row.stages[name] / row.packets * 1e9:,.0f}" for name in STAGES)
        whole = row.cpu / row.packets * 1e9
        lines.append(f"| {row.rules:,} | {stages} | {whole:,.0f} | {row.load:.2f} | {row.peak / 1e6:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("capture", type=Path)
    parser.add_argument("--rules", nargs="*", type=Path, default=[])
    parser.add_argument("--counts", type=lambda text: tuple(map(int, text.split(","))), default=COUNTS)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument(CHILD, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(vars(scan(options.one, options.capture))))
        return
    if not options.rules:
        parser.error("which rules? --rules DIR …")
    found = pool(options.rules, max(options.counts))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in options.counts:
            path = Path(folder, f"{count}.rules")
            chosen = "\n".join(every(found, count))
            path.write_bytes(b"# rules\n" + chosen.encode("utf-8", "surrogateescape"))
            rows.append(measure(path, options.capture, options.times))
    print("CPU ns a packet by stage.\n")
    print(table(rows))


if __name__ == "__main__":
    main()

"""Fuzzing: so many seconds of CPU for each parser and each language, and what came of it.

    python -m benchmarks.fuzz [TARGET ...] [--seconds 600] [--folder DIR] [--captures DIR] [--table]

Without a TARGET all take their turns, a slice each until each has had its seconds, at the lowest priority.
What was found stays in DIR: a later run goes on where this one stopped, and --table only tells what there is.
What a target has had in all stands in fuzzed.json beside this file, so that runs on several machines add up.
The first run records seeds: what the tests of the parsers say, and what flows in --captures say. A target
that has broken a promise rests until its inputs in DIR/TARGET/broken do no harm; then its time begins anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from tests.fuzz.report import Report
from tests.fuzz.target import Target
from tests.fuzz.targets import by_name

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / ".fuzz"
SUMS: Final = Path(__file__).with_name("fuzzed.json")
MOST_FOUND: Final = 600
"""Seeds of one target."""
ENVIRONMENT: Final = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "0"}
HEAD: Final = (
    "target", "CPU s", "executions", "inputs kept", "broken promises", "slowest ms", "peak MB", "kept kB",
)  # fmt: skip


def record(folder: Path, captures: Sequence[Path]) -> None:
    """Seeds of all parsers, once."""
    seeds = folder / "seeds"
    if seeds.exists():
        return
    command = [sys.executable, "-m", "tests.fuzz.record"]
    fresh = folder / "seeds.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _quietly([*command, str(fresh)], folder / "record.log")
    files = sorted(file for place in captures for file in place.rglob("*.pcap*") if file.is_file())
    if files:
        _quietly([*command, str(fresh), *map(str, files)], folder / "record-captures.log")
    fresh.rename(seeds)


def _quietly(command: list[str], log: Path, environment: dict[str, str] | None = None) -> int:
    with log.open("ab") as out:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=out, stderr=out, check=False)
    return done.returncode


def turn(target: Target, folder: Path, seconds: float) -> None:
    """One slice of a target; nothing is left of its time when it has broken a promise again."""
    place = folder / target.name
    corpus = place / "corpus"
    if target.recorded and not corpus.exists():
        corpus.mkdir(parents=True)
        for seed in sorted((folder / "seeds" / target.name).glob("*"))[:MOST_FOUND]:
            shutil.copy(seed, corpus)
    place.mkdir(parents=True, exist_ok=True)
    before = Report.read(place)
    print(f"{target.name}: {before.seconds:.0f} s so far ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "tests.fuzz.worker", target.name, str(place), str(seconds)]
    code = _quietly(command, place / "log", ENVIRONMENT)
    if code:
        print(f"{target.name}: {_why(place, code)}", file=sys.stderr, flush=True)


def _why(place: Path, code: int) -> str:
    lines = (place / "log").read_text(errors="replace").splitlines()
    errors = [line for line in lines if "Error" in line and not line.startswith(("INFO", "#"))]
    return f"ended with {code}: {errors[-1] if errors else 'see its log'}; {place}/log has the rest"


def is_broken(place: Path) -> bool:
    return any(any(place.glob(name)) for name in ("broken/*", "broken-grown/*", "stopped-*"))


def rounds(
    targets: Iterable[Target], folder: Path, seconds: float, most: float
) -> Iterator[list[tuple[Target, float]]]:
    """Who gets how much of the next round, each at most so many seconds, until nobody needs more."""
    targets, tried = list(targets), set[str]()
    while True:
        due = []
        for target in targets:
            place = folder / target.name
            broken = is_broken(place)
            left = seconds if broken else seconds - Report.read(place).seconds
            if left > 1 and not (broken and target.name in tried):
                due.append((target, min(left, most)))
            tried.add(target.name)
        if not due:
            return
        yield due


def recall(targets: Iterable[Target], folder: Path, sums: Path) -> None:
    """Targets that were not fuzzed in this folder go on from the sums."""
    if not sums.exists():
        return
    known = msgspec.json.decode(sums.read_bytes(), type=dict[str, Report])
    for target in targets:
        place = folder / target.name
        if target.name in known and not (place / "report.json").exists():
            place.mkdir(parents=True, exist_ok=True)
            known[target.name].write(place)


def keep(targets: Iterable[Target], folder: Path, sums: Path) -> None:
    """Write the sums anew; of targets that were not fuzzed in this folder they stay."""
    known = msgspec.json.decode(sums.read_bytes(), type=dict[str, Report]) if sums.exists() else {}
    for target in targets:
        if (folder / target.name / "report.json").exists():
            known[target.name] = Report.read(folder / target.name)
    lines = [f'"{name}":{msgspec.json.encode(known[name]).decode()}' for name in sorted(known)]
    sums.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def table(targets: Iterable[Target], folder: Path) -> str:
    told = [(folder / target.name, Report.read(folder / target.name)) for target in targets]
    told = [(place, report) for place, report in told if report.executions]
    seconds = [report.seconds for _, report in told]
    rows = [
        f"{len(told)} targets, {sum(seconds):,.0f} s of CPU in all, {min(seconds, default=0):.0f} to"
        f" {max(seconds, default=0):.0f} s each.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---" * len(HEAD) + "|",
    ]
    for place, report in told:
        found = len(list((place / "corpus").glob("*")))
        inputs = f"{found:,}" if found else ""  # none here: what was fuzzed elsewhere
        kept = f"{report.most_kept / 1e3:,.0f}" if report.grown else ""
        rows.append(
            f"| {report.target} | {report.seconds:.0f} | {report.executions:,} | {inputs}"
            f" | {report.crashes} | {report.slowest_ms:.0f} | {report.peak_mb:.0f} | {kept} |"
        )
    return "\n".join(rows)


def main() -> int:
    known = by_name()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(known))
    parser.add_argument("--seconds", type=float, default=600.0, help="of CPU for each")
    parser.add_argument("--slice", type=float, default=100.0, help="seconds of one turn")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--captures", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--table", action="store_true", help="run nothing, tell what earlier runs found")
    options = parser.parse_args()
    if unknown := set(options.targets) - known.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.targets or known]
    if options.table:
        recall(chosen, options.folder, SUMS)
    else:
        fuzz(chosen, options)
    print(table(chosen, options.folder))
    return int(any(is_broken(options.folder / one.name) for one in chosen))


def fuzz(chosen: Sequence[Target], options: argparse.Namespace) -> None:
    options.folder.mkdir(parents=True, exist_ok=True)
    recall(chosen, options.folder, SUMS)
    record(options.folder, options.captures)
    for due in rounds(chosen, options.folder, options.seconds, options.slice):
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(lambda one: turn(one[0], options.folder, one[1]), due))
        keep(chosen, options.folder, SUMS)


if __name__ == "__main__":
    sys.exit(main())

"""All benchmarks, one after the other: what is measured is printed and kept in benchmarks/README.md.

    python -m benchmarks [NAME ...] [--capture FILE] [--rules DIR ...] [--expected FILE --captures DIR]

NAME: one of those listed below; without one, all of them run (about ten minutes). --capture: the capture for
`scan`, `growth`, `sets` and `ui`; without it the demo's own traffic is used. --rules: rule sets for `scan`,
`growth`, `sets` and `live`. --expected and --captures, which may be repeated, go to `parity` with the first
rule set. Sections that did not run stay as they were.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPORT = Path(__file__).with_name("README.md")
CAPTURE = "{capture}"
"""Stands for the capture's path in a command."""
RULES = "{rules}"
"""Stands for the paths of rule sets, none or several."""
HEAD = """# What it costs

Written by `make bench` (`python -m benchmarks`); each section names the command that gave it, the machine and
the day. Compare within a section: its rows were measured in one run. CPU seconds are user + system of the
program, children included.
"""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One script whose standard output is its section. goal: what the figures have to be, and why."""

    name: str
    title: str
    goal: str
    command: tuple[str, ...]
    root: bool = False
    needs_rules: bool = False
    takes: tuple[str, ...] = ()
    """Options that it is handed, and cannot run without."""


BENCHMARKS = (
    Benchmark(
        "start",
        "Start",
        "`--version` within 0.25 s CPU; first paint of the demo within 1.0 s CPU once kernels are compiled.",
        ("-m", "benchmarks.start"),
    ),
    Benchmark(
        "scan",
        "A capture from end to end",
        "CPU over tcpdump: without rules 0.15, with the packs 0.25, with 8,000 rules 0.35, with 15,000 0.5."
        " Alerts are written, flow events not.",
        ("-m", "benchmarks.scan", CAPTURE, "--rules", RULES),
    ),
    Benchmark(
        "growth",
        "From no rule to 25,000",
        "25,000 rules: parsed and compiled within 12 s, at most 400 MB; a packet's cost grows far slower than"
        " their number.",
        ("-m", "benchmarks.growth", CAPTURE, "--rules", RULES),
        needs_rules=True,
    ),
    Benchmark(
        "sets",
        "Loading rules, and loading them again",
        "25,000 rules: parsed and compiled within 12 s CPU the first time, within 1.5 s from the cache, at"
        " most 400 MB; the same alerts.",
        ("-m", "benchmarks.sets", CAPTURE, "--rules", RULES),
        needs_rules=True,
    ),
    Benchmark(
        "lists",
        "Lists of a million indicators",
        "Within 3 s CPU and 200 MB the first time, within 0.5 s from the cache.",
        ("-m", "benchmarks.lists"),
    ),
    Benchmark(
        "flows",
        "A million flows at a time",
        "At most 200 MB.",
        ("-m", "benchmarks.flows"),
    ),
    Benchmark(
        "matrix",
        "Who speaks to whom, and who may",
        "500 guests: the pairs of a snapshot within 10 ms CPU, while they are shown; a new flow is judged"
        " within 1 µs, also when all break the policy.",
        ("-m", "benchmarks.matrix", "--flows", "100000"),
    ),
    Benchmark(
        "toggle",
        "Switching one rule of 25,000",
        "Acts within 100 ms; no packet lost.",
        ("-m", "benchmarks.toggle"),
    ),
    Benchmark(
        "parity",
        "Alerts compared with Suricata 4.1.10",
        "Of the pairs of capture and rule that it alerts on, at least 97 % found; at most 2 % extra pairs;"
        " counts equal in 90 %; each difference explained.",
        ("-m", "benchmarks.parity"),
        takes=("rules", "expected", "captures"),
    ),
    Benchmark(
        "live",
        "Live on a veth pair",
        "Highest packet rate without a drop: at least 0.9 of tcpdump's.",
        ("-m", "benchmarks.live", "--rules", RULES),
        root=True,
    ),
    Benchmark(
        "inventory",
        "Following 64 ports and 500 guests",
        "A refresh of the inventory within 50 ms CPU.",
        ("-m", "benchmarks.inventory"),
        root=True,
    ),
    Benchmark(
        "fuzz",
        "Fuzzing",
        "Ten minutes of CPU for each target and no promise broken: nothing is raised; an input takes at most"
        " a second and 0.2 ms a byte; a parser says that it keeps less than 4 MB however long it is fed, and"
        " takes no more than 16 MB with all its buffers made. This is what `make fuzz` has found so"
        " far; the sums stay in fuzzed.json.",
        ("-m", "benchmarks.fuzz", "--table"),
    ),
    Benchmark(
        "ui",
        "The dashboard on its terminal",
        "Bytes at most a third of btop's; CPU of the ui at most 2 % of a core (4 % at four refreshes); key to"
        " screen p50 / p99 within 10 / 30 ms with the engine saturated; a key echoed in 100 ms at 32 kB/s;"
        " a table of 100,000 flows refreshed within 15 ms.",
        ("-m", "benchmarks.ui", CAPTURE),
    ),
    Benchmark(
        "host",
        "The dashboard of a host with 64 ports and 500 guests",
        "Bytes, and CPU of the ui, as above: at most 2 % of a core, also with the Matrix open, which then"
        " holds 4,096 pairs that all change each second.",
        ("-m", "benchmarks.ui_host"),
        root=True,
    ),
)


def machine() -> str:
    """Processor, cores, Python; nothing that names the machine."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    name = model[1] if model else platform.machine()
    return f"{os.cpu_count()} cores ({name}), Python {platform.python_version()}"


def section(benchmark: Benchmark, output: str) -> str:
    words = ["python", *benchmark.command, *(f"--{name} {name.upper()}" for name in benchmark.takes)]
    shown = " ".join(words).replace(CAPTURE, "CAPTURE").replace(RULES, "DIR ...")
    day = datetime.now(UTC).date().isoformat()
    return (
        f"## {benchmark.title}\n\n<!-- {benchmark.name} -->\n{benchmark.goal}\n\n{output.strip()}\n\n"
        f"`{shown}`, {machine()}, {day}.\n"
    )


def sections_of(report: str) -> dict[str, str]:
    """Sections of an earlier report by the name of their benchmark."""
    found = {}
    for part in re.split(r"(?m)^(?=## )", report)[1:]:
        name = re.search(r"<!-- (\w+) -->", part)
        if name:
            found[name[1]] = part
    return found


def handed(benchmark: Benchmark, options: argparse.Namespace) -> list[str]:
    """What it takes of the options, as arguments; of rule sets the first."""
    given = {name: getattr(options, name)[: 1 if name == "rules" else None] for name in benchmark.takes}
    return [part for name, paths in given.items() for path in paths for part in (f"--{name}", str(path))]


def run(benchmark: Benchmark, capture: Path, options: argparse.Namespace) -> str | None:
    """The section, or None when it failed or cannot run here, which is said."""
    if benchmark.root and os.geteuid():
        print(f"{benchmark.name}: left out, it needs root", file=sys.stderr)
        return None
    needed = (*benchmark.takes, *(("rules",) if benchmark.needs_rules else ()))
    if missing := [name for name in needed if not getattr(options, name)]:
        print(f"{benchmark.name}: left out, it needs --{' --'.join(missing)}", file=sys.stderr)
        return None
    command = [part.replace(CAPTURE, str(capture)) for part in benchmark.command if part != RULES]
    command += options.rules if RULES in benchmark.command else handed(benchmark, options)
    print(f"{benchmark.name}: {benchmark.title} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout, flush=True)
    return section(benchmark, done.stdout) if done.returncode == 0 else None


def demo_capture(folder: Path) -> Path:
    """One round of the demo as a file."""
    path = folder / "demo.pcap"
    demo = [sys.executable, "-m", "vpi_tui.capture.demo", str(path)]
    subprocess.run(demo, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return path


def main(argv: Sequence[str]) -> int:
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--rules", nargs="+", type=os.path.abspath, default=[], metavar="DIR")
    for name in ("expected", "captures"):
        parser.add_argument(f"--{name}", type=os.path.abspath, action="append", default=[])
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    kept = sections_of(REPORT.read_text()) if REPORT.exists() else {}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        capture = options.capture.absolute() if options.capture else demo_capture(Path(folder))
        for benchmark in BENCHMARKS:
            if options.names and benchmark.name not in options.names:
                continue
            text = run(benchmark, capture, options)
            failed |= text is None
            kept |= {benchmark.name: text} if text else {}
            REPORT.write_text(HEAD + "".join(f"\n{kept[name].strip()}\n" for name in names if name in kept))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

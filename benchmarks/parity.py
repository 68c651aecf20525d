"""How far the alerts agree with those that another engine raised on the same captures with the same rules.

    python -m benchmarks.parity --rules DIR --expected FILE --captures DIR [--differences FILE] [--only TEXT]

--expected and --captures may be repeated, in pairs. FILE is JSON: capture name -> "gid:sid" -> number of
alerts. Every rule of DIR is enabled, the commented-out ones too. Rules about the engine's own events (sids
2200000 to 2299999) are left out: their conditions differ from version to version. A pair is a capture and a
rule that alerts on it. Why counts differ is in parity_reasons.py. The rules are loaded once; each capture is
scanned by a child of its own, so that none sees what another left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.parity_reasons import REASONS, Kind, Reason, reason_for
from vpi_tui.config import paths

paths.prepare_numba_cache()

from vpi_tui.engine.rulebook import RuleBook  # noqa: E402 (the compiler's cache has its place first)
from vpi_tui.engine.scan import run_scan  # noqa: E402
from vpi_tui.engine.spec import EngineSpec  # noqa: E402
from vpi_tui.engine.warmup import warm  # noqa: E402

ENGINE_EVENTS = range(2_200_000, 2_300_000)
COMMENTED = re.compile(r"^#+ ?(?=alert )", re.MULTILINE)
Alerts = Mapping[str, int]
"""Rule, as "gid:sid", to number of alerts."""


class Difference(NamedTuple):
    """Alerts of one rule on one capture."""

    capture: str
    rule: str
    ours: int
    theirs: int


@dataclass
class Score:
    """Pairs of capture and rule: what the other engine has, what of it we have, and what only we have."""

    wanted: int = 0
    found: int = 0
    equal: int = 0
    extra: int = 0
    differences: list[Difference] = field(default_factory=list)

    def add(self, capture: str, theirs: Alerts, ours: Alerts) -> None:
        for rule in sorted(theirs.keys() | ours.keys()):
            self._add(Difference(capture, rule, ours.get(rule, 0), theirs.get(rule, 0)))

    def _add(self, pair: Difference) -> None:
        self.wanted += bool(pair.theirs)
        self.found += bool(pair.theirs and pair.ours)
        self.equal += bool(pair.theirs and pair.theirs == pair.ours)
        self.extra += not pair.theirs
        if pair.theirs != pair.ours:
            self.differences.append(pair)

    def without(self, kinds: Container[Kind], reasons: Sequence[Reason] = REASONS) -> Score:
        """The same with the differences left out that have a reason of these kinds, not an inferred one."""
        left, score = [], Score(self.wanted, self.found, self.equal, self.extra)
        for pair in self.differences:
            reason = reason_for(pair.capture, pair.rule, reasons)
            if reason is None or reason.inferred or reason.kind not in kinds:
                left.append(pair)
                continue
            score.wanted -= bool(pair.theirs)
            score.found -= bool(pair.theirs and pair.ours)
            score.extra -= not pair.theirs
        score.differences = left
        return score


def counted(alerts: Mapping[str, int]) -> dict[str, int]:
    return {rule: n for rule, n in alerts.items() if int(rule.partition(":")[2]) not in ENGINE_EVENTS}


def all_enabled(rules: Path, folder: Path) -> Path:
    """A copy of the rule set in which no rule is commented out."""
    copy = folder / "rules"
    copy.mkdir()
    for path in sorted(rules.iterdir()):
        if path.suffix in {".rules", ".config"}:
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            text = COMMENTED.sub("", text) if path.suffix == ".rules" else text
            (copy / path.name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return copy


def in_child(spec: EngineSpec, rules: RuleBook) -> dict[str, int]:
    """Alerts by rule of one capture, scanned by a fork of this process. Raises ValueError when it fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            result = run_scan(spec, None, lambda *_: None, rules=rules)
            os.write(writing, json.dumps(result.of_rules()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return {rule: int(n) for rule, n in json.loads(answer).items()}


def captures(options: argparse.Namespace) -> Iterator[tuple[Path, Alerts]]:
    for file, folder in zip(options.expected, options.captures, strict=True):
        for name, alerts in json.loads(file.read_text()).items():
            if options.only in name:
                yield folder / name, alerts


def compare(options: argparse.Namespace, rules: RuleBook, make_spec: EngineSpec) -> Score:
    score = Score()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        chosen = list(captures(options))
        scans = [pool.submit(in_child, _for_file(make_spec, path), rules) for path, _ in chosen]
        for (path, theirs), scan in zip(chosen, scans, strict=True):
            try:
                ours = scan.result()
            except ValueError:
                print(f"{path.name}: the scan failed", file=sys.stderr)
                ours = {}
            score.add(path.name, counted(theirs), counted(ours))
    return score


def _for_file(spec: EngineSpec, path: Path) -> EngineSpec:
    return EngineSpec("replay", files=(str(path),), speed=0.0, rules=spec.rules, checksums="none")


def table(score: Score) -> str:
    rows = (
        ("all", score),
        ("without what the other build cannot see", score.without({"lacks"})),
        ("and without what Suricata 8 does otherwise", score.without({"lacks", "newer"})),
    )
    head = ("| pairs | of the other engine | found | extra | equal counts |", "|---|---|---|---|---|")
    return "\n".join([*head, *(_row(title, counted) for title, counted in rows)])


def _row(title: str, score: Score) -> str:
    def share(count: int) -> str:
        return f"{count:,} ({count / max(1, score.wanted):.1%})"

    cells = (title, f"{score.wanted:,}", share(score.found), share(score.extra), share(score.equal))
    return f"| {' | '.join(cells)} |"


KINDS: Mapping[Kind | None, str] = {
    "lacks": "the other build lacks it",
    "newer": "Suricata 8 does otherwise",
    "ours": "ours",
    None: "**not explained**",
}


def explained(score: Score, messages: Mapping[str, str], reasons: Sequence[Reason] = REASONS) -> str:
    """A row for each rule and reason: captures, alerts in all of them, and why they differ."""
    groups: dict[tuple[str, Reason | None], list[Difference]] = defaultdict(list)
    for pair in score.differences:
        groups[pair.rule, reason_for(pair.capture, pair.rule, reasons)].append(pair)
    rows = [
        f"| {rule} | {messages.get(rule, '')} | {len(pairs)} | {sum(p.ours for p in pairs):,} "
        f"| {sum(p.theirs for p in pairs):,} | {KINDS[reason.kind if reason else None]}"
        f"{f': {reason.said}' if reason else ''} |"
        for (rule, reason), pairs in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]
    head = ("| rule | message | captures | alerts here | there | why |", "|---|---|---|---|---|---|")
    return "\n".join([*head, *rows])


def main(argv: Sequence[str]) -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rules", type=Path, required=True)
    args.add_argument("--expected", type=Path, action="append", required=True)
    args.add_argument("--captures", type=Path, action="append", required=True)
    args.add_argument("--only", default="", help="only captures with this text in their name")
    args.add_argument("--differences", type=Path, help="write every difference here, one a line")
    options = args.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        spec = EngineSpec("replay", rules=(str(all_enabled(options.rules, Path(folder))),))
        book = RuleBook.load(spec)
        warm("replay", lambda *_: None)
        score = compare(options, book, spec)
    messages: dict[str, str] = defaultdict(str)
    messages |= {f"{s.gid}:{s.sid}": s.msg.replace("|", "\\|") for s in book.signatures}
    print(f"{book.loaded:,} rules loaded, {len(book.refused):,} refused.\n")
    print(table(score))
    print(f"\n{explained(score, messages)}")
    if options.differences:
        lines = (
            f"{p.capture} {p.rule}: {p.ours} alerts, the other engine {p.theirs}\n" for p in score.differences
        )
        options.differences.write_text("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])

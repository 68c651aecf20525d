"""One case: what to run, and what the events must be.

pcap: input.pcap                    # default: the only capture in the directory
args: [-k none, --set stream.midstream=true]
checks:
  - filter:
      count: 1                      # or at-least
      match:
        event_type: alert
        alert.signature_id: 1
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vpi_tui.config.document import Mapping, Node, read_document
from vpi_tui.config.paths import child_environment
from vpi_tui.model.errors import ConfigError

CASE_FILE: Final = "test.yaml"
CAPTURES: Final = frozenset((".pcap", ".pcapng", ".cap"))
RULES: Final = frozenset((".rules", ".yaml"))
TIMEOUT: Final = 600.0
"""Seconds for one case; the first may have to wait for the compiler."""


@dataclass(frozen=True, slots=True)
class Check:
    """So many events must have all of these fields; path with dots -> value."""

    match: dict[str, Any]
    count: int
    at_least: bool

    def problem(self, events: Sequence[dict[str, Any]]) -> str:
        """What is wrong, "" = nothing."""
        found = sum(all(_holds(event, path, value) for path, value in self.match.items()) for event in events)
        if found == self.count or (self.at_least and found >= self.count):
            return ""
        what = ", ".join(f"{path}: {value}" for path, value in self.match.items())
        return f"{found:,} events and not {'at least ' * self.at_least}{self.count:,} with {what}"


@dataclass(frozen=True, slots=True)
class Case:
    capture: Path
    rules: tuple[Path, ...]
    args: tuple[str, ...]
    checks: tuple[Check, ...]

    def problems(self, folder: Path) -> list[str]:
        """Scan, and compare. folder: where the events go."""
        words = ["-r", str(self.capture), "-l", str(folder), *self.args]
        words += [word for path in self.rules for word in ("-S", str(path))]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "vpi_tui", "scan", *words],
                check=False, capture_output=True, text=True, timeout=TIMEOUT, env=child_environment(),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [f"the scan took longer than {TIMEOUT:g} s"]
        if done.returncode:
            return [f"the scan failed: {done.stderr.strip()[-500:]}"]
        events = [json.loads(line) for line in (folder / "eve.json").read_text().splitlines()]
        return [problem for check in self.checks if (problem := check.problem(events))]


def read_case(directory: Path) -> Case:
    """Raises ConfigError for what is no case."""
    path = directory / CASE_FILE
    root = read_document(path)
    found = root.mapping(CASE_FILE) if root is not None else Mapping({}, {}, str(path))
    checks = found.get("checks")
    return Case(
        capture=_capture(directory, found),
        rules=tuple(sorted(p for p in directory.iterdir() if p.suffix in RULES and p.name != CASE_FILE)),
        args=_args(found.get("args")),
        checks=tuple(_check(node) for node in (checks.items() if checks is not None else [])),
    )


def _capture(directory: Path, found: Mapping) -> Path:
    named = found.get("pcap")
    if named is not None:
        return directory / named.text("pcap")
    captures = sorted(path for path in directory.iterdir() if path.suffix in CAPTURES)
    if len(captures) != 1:
        raise ConfigError(f"{directory} holds {len(captures)} captures.", hint="Name one with `pcap:`.")
    return captures[0]


def _args(node: Node | None) -> tuple[str, ...]:
    """Flags for the scanner, each as the shell would split it; $ENVIRONMENT is not looked up."""
    words = [
        word for one in (node.items() if node is not None else []) for word in shlex.split(one.text("args"))
    ]
    return tuple(words)


def _check(node: Node) -> Check:
    entry = node.mapping("a check").get("filter")
    if entry is None:
        raise node.error("a check needs a filter; other kinds of check are not known.")
    found = entry.mapping("filter")
    match = found.get("match")
    count, least = found.get("count"), found.get("at-least")
    number = count or least
    if match is None or number is None or not isinstance(number.value, int):
        raise entry.error("a filter needs match, and count or at-least.")
    wanted = {path: one.value for path, one in match.mapping("match").entries.items()}
    return Check(wanted, number.value, count is None)


def _holds(event: Any, path: str, value: Any) -> bool:
    here = event
    for part in path.split("."):
        if isinstance(here, list) and part.isdigit():
            here = here[int(part)] if int(part) < len(here) else None
        elif isinstance(here, dict):
            here = here.get(part)
        else:
            return False
    if isinstance(value, list):  # a node of the YAML tree: compare its plain values
        return bool(here == [one.value for one in value])
    return bool(here == value)

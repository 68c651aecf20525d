"""The policy and the baseline of a running sensor: read, judged by, learned, told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import vpi_tui.capture.demo
from vpi_tui.config.policy_file import parse_policy, policy_text, read_policy
from vpi_tui.detect.behaviour.segmentation import Segmentation
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Notice, PolicyProposal
from vpi_tui.flow.pairs import PairTable
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.matrix import Segmentation as State
from vpi_tui.model.policy import Policy
from vpi_tui.view.humanize import counted

MOST_TEXT = 2 << 20
"""Bytes of a policy that is shown beside a learned one."""
JUDGED = "Flows that live are judged now, new ones as they come."
DEMO_POLICY: Final = Path(vpi_tui.capture.demo.__file__).with_name("policy.yaml")


class Segments:
    """Raises ConfigError when the policy of the order cannot be read."""

    def __init__(self, spec: EngineSpec, judge: Segmentation, table: FlowTable, pairs: PairTable) -> None:
        self.judge = judge
        self._table = table
        self._pairs = pairs
        self._mode = spec.mode
        self._file = spec.policy or (str(DEMO_POLICY) if spec.mode == "demo" else "")
        self._text = ""
        judge.attach(table.records)
        if self._file:
            self._read()

    def _read(self) -> bool:
        """False = nothing in it is new."""
        path = Path(self._file)
        policy = read_policy(path)
        before, self._text = self._text, path.read_text(encoding="utf-8-sig", errors="replace")[:MOST_TEXT]
        if self.judge.policy is not None and self._text == before:
            return False
        self._use(policy)
        return True

    def _use(self, policy: Policy) -> None:
        self.judge.use(policy)
        self.judge.judge_living()

    def attributed(self) -> None:
        """All flows were placed anew: what was nobody's may be learned now."""
        if self.judge.baseline.learning:
            self.judge.baseline.learn(self._table.used())

    # What commands ask for --------------------------------------------------------------------

    def reload(self) -> Notice | None:
        """Read the file again; None = there is none, or nothing in it is new."""
        if not self._file:
            return None
        try:
            changed = self._read()
        except (ConfigError, OSError) as error:
            return Notice("error", f"The policy stays as it is: {error}")
        if not changed:
            return None
        return Notice("information", f"Policy reloaded: {self._told_lines} of {self._file}. {JUDGED}")

    def use(self, path: str, text: str) -> Notice:
        """Judge by this text, which stands, or will stand, in the file."""
        policy, errors = parse_policy(text, path)
        if errors:
            return Notice("error", f"The policy stays as it is: {errors[0]}")
        self._file, self._text = path, text[:MOST_TEXT]
        self._use(policy)
        return Notice("information", f"Policy {path} is in force: {self._told_lines}. {JUDGED}")

    def learn(self, on: bool, now_ns: int) -> Notice:
        """Begin a baseline anew, or end it."""
        baseline = self.judge.baseline
        if on:
            baseline.start(now_ns, self._table.used())
            self._pairs.baseline_ns = 0
            return Notice("information", "Learning who speaks to whom. b ends it; the longer, the better.")
        if not baseline.learning:
            return Notice("warning", "Nothing is being learned.")
        baseline.learn(self._table.used())
        baseline.stop(now_ns)
        self._pairs.baseline_ns = baseline.until_ns
        lost = f" {baseline.lost:,} more did not fit." if baseline.lost else ""
        kinds = counted(len(baseline), "kind")
        return Notice(
            "information", f"Baseline learned: {kinds} of connection.{lost} y makes a policy of it."
        )

    def proposal(self) -> PolicyProposal:
        """The policy that allows what was learned, beside the one in force."""
        baseline = self.judge.baseline
        mine = "" if self._file == str(DEMO_POLICY) else self._file
        if not len(baseline):
            return PolicyProposal("", mine, self._text)
        policy = baseline.policy(self.judge.topology, self._file)
        until = "still learning" if baseline.learning else f"until {_moment(baseline.until_ns)}"
        comments = (
            f"Learned by vpi-tui ({self._mode}) from {counted(len(baseline), 'kind')} of connection:",
            f"since {_moment(baseline.since_ns)}, {until}.",
            "Spans of ports stand for many that were seen; narrow them where you know better.",
        )
        return PolicyProposal(policy_text(policy, comments), mine, self._text)

    # Figures ----------------------------------------------------------------------------------

    @property
    def _lines(self) -> int:
        return len(self.judge.policy.lines) if self.judge.policy else 0

    @property
    def _told_lines(self) -> str:
        return f"{self._lines} line{'s' * (self._lines != 1)}"

    def state(self) -> State:
        baseline = self.judge.baseline
        return State(
            learning_since_ns=baseline.since_ns if baseline.learning else 0,
            learned_until_ns=baseline.until_ns,
            learned=len(baseline),
            policy=self._file,
            lines=self._lines,
            violations=self.judge.violations,
        )


def _moment(ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ns // 1_000_000_000))

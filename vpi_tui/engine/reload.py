"""Takes the rules of their files in place of those that run, between two batches, and tells what changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vpi_tui.detect.match.identity import Identity, numbers_of
from vpi_tui.engine.garbage import settle
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.recompile import Compiled, Recompiler
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Notice

KEPT = "The rules stay as they are: the reload failed."
NAMED = 3
"""Sids told of each kind of change."""

Severity = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """One reload that is over. book: the new rules; None = the old ones stay."""

    severity: Severity
    text: str
    book: RuleBook | None = None


class Reloader:
    """At most one reload at a time."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._running: Recompiler | None = None
        self._began = 0.0
        self.longest_step = 0.0
        """Seconds: the longest that one call of `step` held up the packets, since the last start."""

    @property
    def busy(self) -> bool:
        return self._running is not None

    @property
    def progress(self) -> str:
        """ "" = nothing goes on."""
        return "reading and compiling" if self._running is not None else ""

    def start(self) -> Notice | None:
        """Begin to load; a notice when that cannot be."""
        if self._running is not None:
            return Notice("information", f"The rules are being reloaded already: {self.progress}.")
        self._began, self.longest_step = time.monotonic(), 0.0
        try:
            self._running = Recompiler(self._spec)
        except OSError as error:
            return Notice("error", f"{KEPT} The system grants no process for it: {error.strerror}.")
        return None

    def step(self, pipeline: Pipeline) -> Reloaded | None:
        """To be called between two batches: a little of what is to be done."""
        if self._running is None:
            return None
        began = time.monotonic()
        try:
            done = self._step(self._running, pipeline)
        finally:
            self.longest_step = max(self.longest_step, time.monotonic() - began)
        return done and self._told(done)

    def close(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    def _step(self, running: Recompiler, pipeline: Pipeline) -> Reloaded | None:
        compiled = running.step()
        if compiled is None:
            return None
        done = self._switch(compiled, pipeline)
        self.close()
        return done

    def _switch(self, compiled: Compiled, pipeline: Pipeline) -> Reloaded:
        if compiled.rules is None:
            return Reloaded("error", f"{KEPT} {compiled.reason}")
        before = pipeline.rules
        book = before.succeeded_by(compiled.rules.loaded, compiled.rules.ruleset)
        pipeline.switch_rules(book)
        settle()  # as after the start: a collection need not walk all rules
        changes = changed_rules(before.identity, book.identity)
        refused = f", {len(book.refused):,} refused" if book.refused else ""
        severity: Severity = "warning" if len(book.refused) > len(before.refused) else "information"
        text = f"Rules reloaded: {changes}; {book.loaded:,} loaded{refused}."
        return Reloaded(severity, text, book)

    def _told(self, done: Reloaded) -> Reloaded:
        """With what it cost."""
        taken, held_up = time.monotonic() - self._began, 1000 * self.longest_step
        text = f"{done.text} It took {taken:.1f} s and held packets up for {held_up:.0f} ms at most."
        return replace(done, text=text)


def changed_rules(before: Identity, now: Identity) -> str:
    """What is added, removed and changed, in words.

    Changed are also rules of the same text whose variables or thresholds are others.
    """
    old, new = before.keys(), now.keys()
    was = numbers_of(new, old)
    stays = np.flatnonzero(was >= 0)
    kinds = {
        "added": (now, np.flatnonzero(was < 0)),
        "removed": (before, np.flatnonzero(numbers_of(old, new) < 0)),
        "changed": (now, stays[now.mark[stays] != before.mark[was[stays]]]),
    }
    told = [
        f"{numbers.size:,} {word}{_named([whose.key(n) for n in numbers[: NAMED + 1].tolist()])}"
        for word, (whose, numbers) in kinds.items()
        if numbers.size
    ]
    return ", ".join(told) or "nothing changed"


def _named(keys: list[tuple[int, int]]) -> str:
    if len(keys) > NAMED:
        return ""
    return f" (sid {', '.join(str(sid) if gid == 1 else f'{gid}:{sid}' for gid, sid in keys)})"

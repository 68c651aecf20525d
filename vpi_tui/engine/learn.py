"""Learning a policy without a dashboard: the stages without rules, for some time or to the end of files."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from vpi_tui.detect.rules.loader import LoadResult
from vpi_tui.detect.rules.state import RuleSwitches
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource, open_source
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.startup import become
from vpi_tui.engine.warmup import warm
from vpi_tui.view.humanize import counted

READ_WAIT = 0.2
TICK = 1.0
NS = 1_000_000_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Learned:
    """text: YAML. kinds: of connection; 0 = nothing was seen."""

    text: str
    kinds: int
    guests: int
    notices: tuple[str, ...] = ()


def learn(spec: EngineSpec, progress: Progress) -> Learned:
    """Live for `spec.duration` seconds, or until it is told to end; of files as much time of their packets,
    0 = all. Raises VpiError."""
    spec = replace(spec, policy="")
    rules = RuleBook(LoadResult(), RuleSwitches(None))
    source = open_source(spec)
    warm(spec.mode, progress)
    pipeline = Pipeline(spec, rules, source)
    become(spec)
    try:
        source.start()
        pipeline.segments.learn(True, 1)
        with _told_to_end() as ended:
            _watch(spec, pipeline, source, progress, ended)
        segments, baseline = pipeline.segments, pipeline.segments.judge.baseline
        baseline.since_ns = pipeline.first_ns or 1
        segments.learn(False, pipeline.packet_ns or 1)
        topology = pipeline.names.topology
        notices = (*topology.notices, *source.notices)
        text = segments.proposal().text
        if source.error is not None:
            notices = (*notices, str(source.error))
        return Learned(text, len(baseline), len(topology.guests), notices)
    finally:
        source.close()


def _watch(
    spec: EngineSpec, pipeline: Pipeline, source: EngineSource, progress: Progress, ended: list[int]
) -> None:
    began, next_tick = time.monotonic(), 0.0
    while not source.finished and not ended:
        pipeline.follow_source()
        batch = source.read(READ_WAIT)
        if batch is not None:
            pipeline.process(batch)
        now = time.monotonic()
        seen = (pipeline.packet_ns - pipeline.first_ns) / NS if spec.mode == "replay" else now - began
        if spec.duration and seen >= spec.duration:
            return
        if now >= next_tick:
            next_tick = now + TICK
            pipeline.tick()
            kinds = len(pipeline.segments.judge.baseline)
            progress(f"{counted(kinds, 'kind')} of connection", int(seen), int(spec.duration))


@contextmanager
def _told_to_end() -> Iterator[list[int]]:
    """A list that is no longer empty once somebody says to end: what was learned is then still written."""
    got: list[int] = []
    ends = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda n, _frame: got.append(n)) for number in ends}
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

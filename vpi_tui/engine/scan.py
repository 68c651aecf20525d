"""Capture files in, events out, as fast as it goes: no feed, no second process."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from vpi_tui.engine.checksums import NOTICE
from vpi_tui.engine.garbage import settle
from vpi_tui.engine.keeping import ValueKeeper
from vpi_tui.engine.log import EventLog, categories_of, logged
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources.replay import ReplayFeed
from vpi_tui.engine.spec import EngineSpec, LogSpec
from vpi_tui.engine.transactions import NOTHING_LOGGED
from vpi_tui.engine.warmup import warm
from vpi_tui.model.errors import CaptureError, VpiError
from vpi_tui.model.event import Alert
from vpi_tui.output.writer import EveWriter

READ_WAIT = 0.5
EXPIRE_EVERY = 64
"""Batches between two looks at silent flows."""
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class ScanResult:
    """What a scan saw. errors: files that could not be read, or not to their end."""

    packets: int = 0
    bytes: int = 0
    flows: int = 0
    alerts: int = 0
    by_rule: Counter[tuple[int, int, int, str]] = field(default_factory=Counter)
    """(priority, gid, sid, msg) to alerts."""
    rules_loaded: int = 0
    rules_refused: int = 0
    seconds: float = 0.0
    """Wall time from the first rule to the last packet."""
    errors: list[VpiError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    stats: dict[str, float] = field(default_factory=dict)

    def of_rules(self) -> dict[str, int]:
        """ "gid:sid" to alerts, in order of the rules."""
        return {
            f"{gid}:{sid}": n for (_, gid, sid, _), n in sorted(self.by_rule.items(), key=lambda i: i[0][1:3])
        }


def run_scan(
    spec: EngineSpec,
    eve: BinaryIO | None,
    progress: Progress,
    log: LogSpec | None = None,
    rules: RuleBook | None = None,
) -> ScanResult:
    """Scan the files of the order. Raises VpiError when not even the first can be opened.

    eve: where events go, None = nowhere. log: which events, all unless said. progress: told what is done, and
    how far it is in bytes. rules: those of the order, when they are loaded already.
    """
    began = time.monotonic()
    rules = rules or RuleBook.load(spec)
    source = ReplayFeed(spec)
    warm("replay", progress)
    plan = log or LogSpec()
    wanted = logged(plan.types) if eve is not None else NOTHING_LOGGED
    pipeline = Pipeline(spec, rules, source, talkers=False, logged=wanted)
    result = ScanResult(rules_loaded=rules.loaded, rules_refused=len(rules.refused))
    if lacking := rules.lacking(spec.rules):
        result.notices.append(lacking)
    events = EventLog(plan, pipeline, EveWriter(eve), categories_of(spec)) if eve is not None else None
    keeper = ValueKeeper(time.monotonic, writes=False)
    keeper.follow(pipeline.matcher.decider.lasting_sets.values())
    result.notices += keeper.notices
    settle()  # as the engine does: a collection need not walk all rules
    try:
        _read_all(pipeline, source, progress, lambda alerts: _report(alerts, result, events))
        if events is not None:
            events.stats(pipeline.packet_ns, time.monotonic() - began)
            events.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        result.errors.append(VpiError(f"Events cannot be written: {error.strerror}. The scan ended there."))
    finally:
        gc.unfreeze()
        source.close()
    result.errors += source.errors
    if source.order:
        result.notices.append(source.order)
    if pipeline.checksums is not None and pipeline.checksums.wrong:
        result.notices.append(NOTICE)
    result.packets = pipeline.packets
    result.stats = pipeline.stats()
    result.bytes = int(result.stats["decoder.bytes"])
    result.flows = int(result.stats["flow.total"])
    result.seconds = time.monotonic() - began
    return result


def _read_all(
    pipeline: Pipeline, source: ReplayFeed, progress: Progress, report: Callable[[list[Alert]], None]
) -> None:
    batches = 0
    while not source.finished:
        try:
            with pipeline.stopwatch.measure("capture"):
                batch = source.read(READ_WAIT)
        except CaptureError as error:
            source.errors.append(error)
            break
        if batch is None:
            continue
        report(pipeline.process(batch))
        batches += 1
        if batches % EXPIRE_EVERY == 0:
            pipeline.expire()
        progress(f"{pipeline.packets:,} packets", *source.capture.position())
    report(pipeline.finish())
    pipeline.end_all_flows()


def _report(alerts: list[Alert], result: ScanResult, events: EventLog | None) -> None:
    for alert in alerts:
        result.alerts += 1
        result.by_rule[alert.priority, alert.gid, alert.sid, alert.msg] += 1
    if events is not None:
        events.alerts(alerts)

"""The engine's own health as rows: name, figure, verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from vpi_tui.model.snapshot import Snapshot
from vpi_tui.view import humanize
from vpi_tui.view.escape import safe

LATE = 1.0
"""Seconds by which a live engine may be behind the wire; beyond that it does not keep up."""
_TOO_SLOW = "The engine does not keep up: switch rules off, log fewer events, or watch fewer ports."
Verdict = Literal["", "good", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line. hint: what to do about it; "" = nothing."""

    name: str
    value: str
    verdict: Verdict = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Time of one stage of the pipeline. share: of all stages, 0..1, since the last look."""

    name: str
    seconds: float
    share: float


class StageClock:
    """Shares of the stages between two looks: what costs time now, not since the start."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def stages(self, stats: dict[str, float]) -> list[Stage]:
        now = {
            name.removeprefix("stage.").removesuffix(".seconds"): value
            for name, value in stats.items()
            if name.startswith("stage.") and name.endswith(".seconds")
        }
        spent = {name: max(0.0, value - self._last.get(name, 0.0)) for name, value in now.items()}
        self._last = now
        whole = sum(spent.values()) or 1.0
        rows = [Stage(safe(name, 24), now[name], spent[name] / whole) for name in now]
        return sorted(rows, key=lambda stage: -stage.seconds)


def sections(snapshot: Snapshot) -> tuple[Section, ...]:
    return (
        Section("Capture", _figures(snapshot, _CAPTURE)),
        Section("Tables", _figures(snapshot, _TABLES)),
        Section("Process", _figures(snapshot, _PROCESS)),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """How one statistic is told."""

    path: str
    name: str
    tell: Callable[[float], str]
    judge: Callable[[Snapshot, float], tuple[Verdict, str]] = lambda _snapshot, _value: ("", "")
    whole: str = ""
    """Path of what this is a share of."""
    live_only: bool = False
    """A file and the demo offer no packets and drop none; nothing is said of that."""
    if_any: bool = False
    """Nothing is said of zero."""


def _figures(snapshot: Snapshot, known: tuple[_Known, ...]) -> tuple[Figure, ...]:
    out = []
    for item in known:
        value = snapshot.stats.get(item.path)
        silent = item.if_any or (item.live_only and snapshot.mode != "live")
        if value is None or (silent and not value):
            continue
        verdict, hint = item.judge(snapshot, value)
        whole = snapshot.stats.get(item.whole, 0.0)
        share = f" ({humanize.percent(value / whole)})" if whole and value else ""
        out.append(Figure(item.name, item.tell(value) + share, verdict, hint))
    return tuple(out)


def problems(snapshot: Snapshot | None, life: str, failure: str, silent_for: float) -> list[Figure]:
    """What the operator should mend, gravest first; each with what to do. [] = all is well.

    silent_for: seconds since the engine should have published a picture; 0 = it is on time.
    """
    found: list[Figure] = []
    if life == "failed":
        reason = failure or (snapshot.state_text if snapshot else "")
        found.append(
            Figure(
                "The engine is gone:",
                safe(reason, 300) or "no reason given",
                "error",
                "r starts another one.",
            )
        )
    elif silent_for:
        silence = humanize.duration(silent_for)
        found.append(
            Figure("The engine has been silent for", silence, "error", "It is overloaded or stopped.")
        )
    if snapshot is not None:
        judged = [figure for section in sections(snapshot) for figure in section.figures]
        found += [figure for figure in judged if figure.verdict == "error"]
        found += [figure for figure in judged if figure.verdict == "warning"]
    return found


def drop_share(snapshot: Snapshot) -> float:
    """Share of the packets offered that the kernel dropped, 0..1."""
    offered = snapshot.stats.get("capture.kernel_packets", 0.0)
    return snapshot.stats.get("capture.kernel_drops", 0.0) / offered if offered else 0.0


def _judge_drops(snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    if not value:
        return "good", ""
    hint = "Not all packets were seen: switch rules off, or watch fewer ports."
    return ("error" if drop_share(snapshot) > 0.01 else "warning"), hint


def _judge_twice(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    if value < 1.05:
        return "good", ""
    return "warning", "Some traffic comes by two ways (a mirror and its switch?); it is counted once."


def _judge_lost(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    return (
        ("warning", "This terminal was too slow for all alerts; all are in the log.")
        if value
        else ("good", "")
    )


def _judge_evicted(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    return ("warning", "The flow table is full; give it more memory.") if value else ("good", "")


def _judge_fill(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    if value < 0.5:
        return "good", ""
    return ("error" if value > 0.9 else "warning"), _TOO_SLOW


def _judge_cut(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    return ("warning", "Some rules were too costly and given up on.") if value else ("good", "")


def _judge_lag(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    return ("warning", _TOO_SLOW) if value > LATE else ("good", "")


def _judge_avoided(_snapshot: Snapshot, value: float) -> tuple[Verdict, str]:
    return (
        ("warning", "What some hosts say is too dear to parse; notices say which.") if value else ("good", "")
    )


_CAPTURE = (
    _Known("capture.kernel_packets", "packets offered", humanize.count, live_only=True),
    _Known(
        "capture.kernel_drops",
        "dropped by the kernel",
        humanize.count,
        _judge_drops,
        whole="capture.kernel_packets",
        live_only=True,
    ),
    _Known("capture.ring_fill", "ring filled", humanize.percent, _judge_fill),
    _Known("decoder.pkts", "packets decoded", humanize.count),
    _Known("decoder.bytes", "bytes decoded", humanize.size),
    _Known("decoder.invalid", "malformed packets", humanize.count, whole="decoder.pkts"),
    _Known("coverage.duplicate_factor", "each frame seen", lambda value: f"{value:.2f} times", _judge_twice),
    _Known("capture.doubled_copies", "copies left out", humanize.count, if_any=True),
    _Known("capture.routed_copies", "seen again, left out", humanize.count, if_any=True),
    _Known("capture.lag_seconds", "behind the wire", humanize.duration, _judge_lag),
    _Known("detect.alert", "alerts raised", humanize.count),
    _Known("feed.alerts_dropped", "alerts not shown", humanize.count, _judge_lost),
)
_TABLES = (
    _Known("flow.active", "flows alive", humanize.count),
    _Known("flow.total", "flows seen", humanize.count),
    _Known("flow.memuse", "flow memory", humanize.size),
    _Known("flow.evicted", "flows evicted", humanize.count, _judge_evicted),
    _Known("tcp.sessions", "streams followed", humanize.count),
    _Known("tcp.memuse", "stream memory", humanize.size),
    _Known("tcp.reassembly_gap", "gaps in streams", humanize.count),
    _Known("app_layer.avoided", "connections not parsed", humanize.count, _judge_avoided, if_any=True),
    _Known("record.memuse", "evidence kept", humanize.size),
    _Known("detect.rules", "rules at work", humanize.count),
    _Known("detect.memuse", "rule memory", humanize.size),
    _Known("detect.budget_exhausted", "checks cut short", humanize.count, _judge_cut),
)
_PROCESS = (
    _Known("engine.cpu_share", "CPU now", humanize.percent),
    _Known("engine.cpu_seconds", "CPU used", humanize.duration),
    _Known("engine.rss_bytes", "memory", humanize.size),
    _Known("engine.uptime_seconds", "running for", humanize.duration),
    _Known("engine.batches", "batches", humanize.count),
    _Known("engine.queue", "queue", humanize.count),
    _Known("engine.pid", "process", lambda value: f"{value:.0f}"),
)
_TOLD = {item.path for group in (_CAPTURE, _TABLES, _PROCESS) for item in group}


class CpuClock:
    """CPU of the engine now, from two looks at its counter."""

    def __init__(self) -> None:
        self._last = (0, 0.0)

    def apply(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with engine.cpu_share laid into its stats (1.0 = one core)."""
        used = snapshot.stats.get("engine.cpu_seconds")
        if used is None:
            return snapshot
        then, before = self._last
        self._last = (snapshot.taken_ns, used)
        if not then or snapshot.taken_ns <= then:
            return snapshot
        share = max(0.0, (used - before) / ((snapshot.taken_ns - then) / 1e9))
        return replace(snapshot, stats={**snapshot.stats, "engine.cpu_share": share})


def other_stats(snapshot: Snapshot) -> tuple[Figure, ...]:
    """Statistics that have no line of their own, under their EVE paths."""
    rest = sorted(p for p in snapshot.stats if p not in _TOLD and not p.startswith("stage."))
    return tuple(Figure(safe(path, 40), _plain(snapshot.stats[path])) for path in rest[:200])


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"

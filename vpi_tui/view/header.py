"""The header: what an operator looks at first, in fields of a fixed width, so that nothing jumps.

A field has a rank; where the line is too short the fields of the highest rank are left out, whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from vpi_tui.model.snapshot import Counters, Severities, Snapshot
from vpi_tui.view import humanize
from vpi_tui.view.cells import SEVERITY_STYLES
from vpi_tui.view.coverage import percent_text, totals
from vpi_tui.view.engine import LATE
from vpi_tui.view.escape import ELLIPSIS, safe
from vpi_tui.view.history import History, Rates

Span = tuple[str, str]

_MODES = {"live": "LIVE", "replay": "REPLAY", "demo": "DEMO"}
NEEDED = 2
"""The highest rank that the titles of screens are cut for."""
_GAP: Span = ("  ", "header.label")


@dataclass(frozen=True, slots=True)
class Field:
    """spans: (text, theme style). rank: 0 = never left out. right: stands at the right edge."""

    spans: tuple[Span, ...]
    rank: int = 0
    right: bool = False
    least: int = 0
    """Cells that it can be cut to; 0 = it is whole or not there."""

    @property
    def width(self) -> int:
        return sum(len(text) for text, _ in self.spans)


@dataclass(frozen=True, slots=True)
class Condition:
    """What the snapshot itself does not say. Seconds; 0 = not so. held: alerts that wait while frozen."""

    life: str
    frozen_for: float = 0.0
    frozen: bool = False
    held: int = 0
    silent_for: float = 0.0
    speed: str = ""


def fields(
    snapshot: Snapshot | None,
    history: History,
    condition: Condition,
    alerts: Severities,
    marks: Sequence[str],
    clock: str,
) -> list[Field]:
    """The fields of the first line, left to right."""
    over = condition.life in ("finished", "failed")
    rates = Rates() if over else history.rates("")
    return [
        Field((("vpi-tui", "header.brand"),), 4),
        _mode(snapshot, condition),
        *_frozen(condition),
        Field((("sensor ", "header.label"), (_source(snapshot), "header.value")), 5, least=14),
        Field(((humanize.packet_rate(rates.pkts).rjust(9), "header.value"),), 1),
        Field(((humanize.bit_rate(rates.bytes).rjust(9), "header.value"),), 1),
        *_inside(snapshot),
        _drops(snapshot),
        *_behind(snapshot),
        _alerts(alerts, marks),
        Field(((clock, "header.value"),), 2, right=True),
    ]


def fit(shown: Sequence[Field], width: int) -> tuple[list[Span], list[Span]]:
    """Left and right part of a line of `width` cells."""
    kept = list(shown)
    while kept and (over := sum(field.width + 2 for field in kept) - width) > 0:
        place = next((i for i, f in enumerate(kept) if f.least and f.width - over >= f.least), None)
        if place is not None:
            kept[place] = _cut(kept[place], over)
            break
        worst = max(range(len(kept)), key=lambda i: (kept[i].rank, i))
        if kept[worst].rank == 0:
            break
        del kept[worst]
    return _joined(f for f in kept if not f.right), _joined(f for f in kept if f.right)


def _cut(field: Field, cells: int) -> Field:
    text, style = field.spans[-1]
    return replace(field, spans=(*field.spans[:-1], (text[: len(text) - cells - 1] + ELLIPSIS, style)))


def _joined(shown: Iterable[Field]) -> list[Span]:
    spans: list[Span] = []
    for field in shown:
        spans += [*((_GAP,) if spans else ((" ", "header.label"),)), *field.spans]
    return [*spans, (" ", "header.label")]


def _mode(snapshot: Snapshot | None, condition: Condition) -> Field:
    mode = snapshot.mode if snapshot else ""
    word = _MODES.get(mode, "vpi")
    spans: list[Span] = [(word, f"header.{mode}" if mode in _MODES else "header.brand")]
    if condition.life != "running":
        bad = condition.life == "failed"
        spans.append((f" {condition.life}", "error" if bad else "warning"))
    elif condition.speed:
        spans.append((f" {condition.speed}", "header.label"))
    return Field(tuple(spans))


def _frozen(condition: Condition) -> list[Field]:
    out = []
    if condition.frozen:
        out.append(Field(((f" FROZEN {_whole(condition.frozen_for):<6} ", "header.frozen"),)))
        if condition.held:
            out.append(Field(((f"+{humanize.count(condition.held)} alerts", "warning"),), 3))
    if condition.silent_for:
        out.append(Field(((f"no news for {_whole(condition.silent_for)}", "warning"),), 1))
    return out


def _whole(seconds: float) -> str:
    """A span that ticks in whole seconds."""
    return f"{int(seconds)} s" if seconds < 60 else humanize.duration(int(seconds))


def _source(snapshot: Snapshot | None) -> str:
    return safe(snapshot.source, 60) or "-" if snapshot else "-"


def _drops(snapshot: Snapshot | None) -> Field:
    drops = snapshot.stats.get("capture.kernel_drops", 0.0) if snapshot else 0.0
    style = "error" if drops else "header.value"
    return Field((("drops ", "header.label"), (humanize.count(drops).ljust(5), style)), 1)


def _behind(snapshot: Snapshot | None) -> list[Field]:
    """Nothing while a live engine looks at packets as they come."""
    lag = snapshot.stats.get("capture.lag_seconds", 0.0) if snapshot else 0.0
    return [Field(((f"{_whole(lag)} behind", "warning"),), 1)] if lag > LATE else []


def _alerts(alerts: Severities, marks: Sequence[str]) -> Field:
    spans: list[Span] = []
    for mark, style, count in zip(marks, SEVERITY_STYLES, alerts, strict=True):
        text = f"{mark} {humanize.count(count)}"
        spans += [(text, style if count else "header.label"), (" " * (7 - len(text)), "header.label")]
    return Field(tuple(spans), right=True)


def verdicts(snapshot: Snapshot | None, marks: Mapping[str, str], *, narrow: bool) -> list[Field]:
    """Fields of the second line, at the right: can the silence be trusted? narrow: without labels."""
    if snapshot is None or snapshot.state == "starting":
        return []
    coverage = snapshot.total.coverage
    style = f"coverage.{coverage}" if coverage in marks else "coverage.unknown"
    mark = marks.get(coverage, marks["unknown"])
    label = () if narrow else (("coverage ", "header.label"),)
    told = f"{mark} {_share_seen(snapshot, safe(coverage, 8), narrow=narrow)}"
    rules = _rules_in_short(snapshot) if narrow else _rules(snapshot)
    return [Field((*label, (told, style)), 1, right=True), rules]


def _inside(snapshot: Snapshot | None) -> list[Field]:
    """The share of bytes that no sensor on the wire could have seen."""
    counters = snapshot.total.counters if snapshot else Counters()
    if not counters.bytes_in:
        return []
    share = humanize.percent(min(counters.inside_bytes / counters.bytes_in, 1.0)).rjust(4)
    return [Field((("inside ", "header.label"), (share, "header.value")), 6)]


def _share_seen(snapshot: Snapshot, word: str, *, narrow: bool) -> str:
    """As wide with 100 % as with 7 %, so that nothing jumps; the word alone where nobody counts."""
    percent = totals(snapshot.coverage).percent
    if percent is None:
        return word
    share = f"{percent_text(percent):>5}"
    return f"{share} seen" if narrow else f"{word} {share}"


def _rules(snapshot: Snapshot) -> Field:
    refused = f" {humanize.count(snapshot.rules_refused)} refused" if snapshot.rules_refused else ""
    on = f"{snapshot.rules_enabled}/{snapshot.rules_loaded}"
    spans = (("rules ", "header.label"), (on, "header.value"), (refused, "warning"))
    return Field(spans, 2, right=True)


def _rules_in_short(snapshot: Snapshot) -> Field:
    """`42/45 on`; with `!` when some were refused."""
    on, loaded = snapshot.rules_enabled, snapshot.rules_loaded
    figure = f"{on}/{loaded}" if loaded < 1000 else humanize.count(on)
    sign = "!" if snapshot.rules_refused else " "
    return Field(
        ((figure, "header.value"), (f" on{sign}", "warning" if sign == "!" else "header.label")), 2, True
    )

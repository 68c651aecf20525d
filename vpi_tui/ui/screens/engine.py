"""Engine: its own health. Can the silence on the other screens be trusted?"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from textual.app import ComposeResult

from vpi_tui import __version__
from vpi_tui.ui.screens.base import Page
from vpi_tui.ui.state import Session
from vpi_tui.ui.widgets.board import Block, Board, Gauge
from vpi_tui.ui.widgets.panel import Panel
from vpi_tui.ui.widgets.reader import Entry, Reader
from vpi_tui.view import humanize
from vpi_tui.view.engine import CpuClock, Figure, Stage, StageClock, Verdict, other_stats, problems, sections
from vpi_tui.view.escape import safe

_MOST_PROBLEMS = 4
_NOTICES = 8
_STYLES: dict[Verdict, str] = {"": "number", "good": "number", "warning": "warning", "error": "error"}
_PACKAGES = ("textual", "numba", "numpy", "scapy")


class EnginePage(Page):
    DEFAULT_CSS = """
    EnginePage { layout: vertical; }
    EnginePage > #engine-verdict { height: 3; }
    EnginePage > #engine-board { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._verdict, self._board = Reader(), Board()
        self._stages = StageClock()
        self._cpu = CpuClock()
        self._seen = -1
        self._blocks: tuple[Block, ...] = ()

    def compose(self) -> ComposeResult:
        yield Panel(self._verdict, title="Engine", id="engine-verdict")
        yield Panel(self._board, title="Figures", id="engine-board")

    def on_mount(self) -> None:
        self._verdict.can_focus = False

    def on_resize(self) -> None:
        for panel in self.query(Panel):
            panel.set_ruled(self.size.width < 100)

    def show(self, session: Session) -> None:
        self._show_verdict(session)
        snapshot = session.snapshot
        if snapshot is None:
            self._board.set_blocks([Block("Figures", (Gauge("none yet: the engine is starting", ""),))])
            return
        if snapshot.seq != self._seen:  # shares are of what happened between two pictures
            self._seen = snapshot.seq
            measured = self._cpu.apply(snapshot)
            blocks = [self._section(section.title, section.figures) for section in sections(measured)]
            blocks.append(_stages(self._stages.stages(snapshot.stats)))
            others = other_stats(measured)
            self._blocks = (*blocks, _versions(), *_others(others))
        self._board.set_blocks(self._blocks)

    def _section(self, title: str, figures: tuple[Figure, ...]) -> Block:
        return Block(title, tuple(self._gauge(figure) for figure in figures))

    def _gauge(self, figure: Figure) -> Gauge:
        return Gauge(figure.name, figure.value, self._mark(figure.verdict), _STYLES[figure.verdict])

    def _mark(self, verdict: Verdict) -> str:
        high, medium, _ = self.look.glyphs.severity
        return {"error": high, "warning": medium}.get(verdict, "")

    def _show_verdict(self, session: Session) -> None:
        bad = problems(session.snapshot, session.life, session.failure, session.silent_for)
        entries: list[Entry] = [
            (
                "",
                (
                    (f"{self._mark(f.verdict)} ", f.verdict),
                    (f"{f.name} {f.value}".strip(), f.verdict),
                    (f"  {f.hint}", "text"),
                ),
            )
            for f in bad[:_MOST_PROBLEMS]
        ]
        if not bad:
            all_seen = f"{self.look.glyphs.on} All packets offered are seen, and the engine keeps up."
            waits = "The engine has not seen a packet yet." if session.snapshot is None else all_seen
            entries = [("", ((waits, "good" if session.snapshot else "muted"),))]
        notices = [*session.notes][-_NOTICES:]
        tall = self.size.height >= 24
        panel = self.query_one("#engine-verdict", Panel)
        narrow = panel.has_class("-rule")
        zone = humanize.zone_name(session.now_ns, session.zone)
        for note in reversed(notices if tall else notices[-1:]):
            when = humanize.clock(int(note.when * humanize.NS), session.zone)
            when = f"{when} {zone}" if narrow else when
            style = f"notice.{note.severity}"
            entries.append(("", ((f"{when}  ", "time"), (safe(note.text, 300), style))))
        state = _state(session) + ("" if narrow else f", times in {zone}")
        panel.set_title(_title(session), [(state, "muted")])
        self._verdict.set_entries(entries)
        lines = self._verdict.height_for(self.size.width - (0 if narrow else 2))
        panel.styles.height = min(lines, 10 if tall else 4) + (1 if narrow else 2)


def _title(session: Session) -> str:
    snapshot = session.snapshot
    if snapshot is None or not snapshot.source:
        return "Engine"
    source = safe(snapshot.source, 60)
    return source if source.startswith(snapshot.mode) else f"{snapshot.mode}: {source}"


def _state(session: Session) -> str:
    text = safe(session.snapshot.state_text, 100).rstrip(".") if session.snapshot else ""
    return f"{session.life}{f': {text}' if text else ''}"


def _stages(stages: list[Stage]) -> Block:
    gauges = [
        Gauge(
            stage.name,
            f"{humanize.percent(stage.share)} {humanize.duration(stage.seconds):>8}",
            share=stage.share,
        )
        for stage in stages
    ]
    return Block("Time by stage: now, since start", tuple(gauges) or (Gauge("nothing measured yet", ""),))


def _others(figures: Sequence[Figure]) -> list[Block]:
    """Counters without a line of their own, by the first part of their paths."""
    parts: dict[str, list[Gauge]] = {}
    for figure in figures:
        part, _, name = figure.name.partition(".")
        parts.setdefault(part, []).append(Gauge(name.replace("_", " ") or part, figure.value))
    return [Block(f"Counters: {part}", tuple(gauges)) for part, gauges in parts.items()]


@cache
def _versions() -> Block:
    found = [Gauge("vpi-tui", __version__), Gauge("Python", platform.python_version())]
    for package in _PACKAGES:
        try:
            found.append(Gauge(package, version(package)))
        except PackageNotFoundError:
            continue
    return Block("Versions", (*found, Gauge("kernel", safe(platform.release(), 30))))

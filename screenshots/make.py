"""Draws every screen from the demo into this directory, as SVG and PNG: `make screenshots`.

The demo's seed and clock are fixed, and the engine runs in this process and is stepped second by second: the
same program gives the same pictures. Only the Engine screen is drawn beside a real engine process, because it
shows what that costs; its figures are measured, and so differ from run to run.
"""

from __future__ import annotations

import asyncio
import html
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.config import paths
from vpi_tui.engine.child import EngineClient
from vpi_tui.engine.commands import obey
from vpi_tui.engine.coverage import open_coverage
from vpi_tui.engine.log import NoLog
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.publisher import Publisher
from vpi_tui.engine.questions import alert_detail, flow_detail
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources.demo import StagedFeed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import (
    AlertDetail,
    Command,
    EngineMessage,
    FlowDetail,
    RuleDetail,
    RuleRow,
    RulesMessage,
    Watch,
)
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Snapshot
from vpi_tui.ui.app import VpiApp
from vpi_tui.ui.state import EngineLink, Session
from vpi_tui.ui.theme import load_themes, theme_dirs

T = TypeVar("T", AlertDetail, RuleDetail, RuleRow)
HERE = Path(__file__).resolve().parent
START_NS = 1_764_064_800 * 10**9
"""2025-11-25 10:00 UTC"""
SECONDS = 140
"""Two rounds of the demo but for their last seconds: all that is staged has happened, and graphs are full."""
TEXT = re.compile(
    r'(?P<before><text [^>]*?)x="(?P<x>[\d.]+)"(?P<middle>[^>]*?) textLength="(?P<length>[\d.]+)"[^>]*>'
    r"(?P<shown>[^<]+)</text>"
)
BRAILLE = re.compile("[\u2800-\u28ff]")
NARROW, WIDE = (80, 24), (120, 40)
PROCESS_SPEED = 10.0
PATIENCE = 300.0
"""Seconds; the first start compiles the kernels."""


@dataclass(frozen=True, slots=True)
class Shot:
    """keys: pressed one after another once the dashboard is there."""

    name: str
    keys: Sequence[str] = ()
    size: tuple[int, int] = WIDE
    theme: str = "slate"
    ascii_only: bool = False
    own_process: bool = False
    """Drawn from a real engine process."""


SHOTS = (
    Shot("overview"),
    Shot("overview-80x24", size=NARROW),
    Shot("switches", ("2",)),
    Shot("flows", ("3",)),
    Shot("flows-grouped", ("3", "g")),
    Shot("flow", ("3", "a", "enter")),
    Shot("alerts", ("4",)),
    Shot("alerts-80x24", ("4",), NARROW),
    Shot("alert", ("4", "slash", *"union", "enter", "enter")),
    Shot("alert-80x24", ("4", "slash", *"union", "enter", "enter"), NARROW),
    Shot("rules", ("5", "right")),
    Shot("rules-80x24", ("5", "right"), NARROW),
    Shot("rule", ("5", "right", "down", "enter")),
    Shot("switches-80x24", ("2",), NARROW),
    Shot("matrix", ("6",)),
    Shot("matrix-80x24", ("6",), NARROW),
    Shot("matrix-grid-80x24", ("6", "v"), NARROW),
    Shot("matrix-ascii", ("6",), theme="mono", ascii_only=True),
    Shot("coverage", ("7",)),
    Shot("coverage-80x24", ("7",), NARROW),
    Shot("port", ("7", "enter")),
    Shot("coverage-daylight", ("7",), theme="daylight"),
    Shot("coverage-ascii", ("7",), NARROW, "mono", ascii_only=True),
    Shot("policy", ("6", "b", "b", "y")),
    Shot("engine", ("9",), own_process=True),
    Shot("help", ("4", "question_mark")),
    Shot("overview-daylight", theme="daylight"),
    Shot("overview-ascii", size=NARROW, theme="mono", ascii_only=True),
)


class Clock:
    """Nanoseconds that pass only when somebody says so."""

    now = 0

    def __call__(self) -> int:
        return self.now


class SteppedEngine:
    """The real stages behind the ui's end of the feed, without a process and without a clock of their own."""

    def __init__(self) -> None:
        self.spec = EngineSpec("demo", demo_start_ns=START_NS, rules_dir=str(paths.rules_dir()))
        self._clock = Clock()
        demo = DemoSource(
            seed=self.spec.seed, start_ns=START_NS, clock=self._clock, wait=lambda _seconds: None
        )
        demo.open()
        self.source = StagedFeed(demo)
        self.rules = RuleBook.load(self.spec)
        self.pipeline = Pipeline(self.spec, self.rules, self.source)
        self._publisher = Publisher(self.spec)
        self._publisher.attach(self.pipeline, self.rules, self.source)
        self._coverage = self._publisher.coverage = open_coverage(self.spec, self.source, self.pipeline)
        self._watch = Watch()
        self._latest: Snapshot | None = None
        self._alerts: list[Alert] = []
        self._messages: list[EngineMessage] = []
        self.feed = self  # what commands reply to

    def advance(self) -> None:
        """One second of the demo."""
        self._clock.now += 10**9
        self._coverage.poll(self._clock.now / 1e9)
        while (batch := self.source.read(0.0)) is not None:
            self._alerts += self.pipeline.process(batch)
        self.pipeline.tick()
        self._publish()

    def _publish(self) -> None:
        shown = self._publisher.snapshot("running", "", self._watch, 0, NoLog())
        self._latest = replace(shown, taken_ns=shown.packet_ns)

    # What commands need -----------------------------------------------------------------------

    def reply(self, message: EngineMessage) -> None:
        self._messages.append(without_places(message))

    def publish_soon(self) -> None:
        self._publish()

    def watch(self, command: Watch) -> None:
        self._watch = command
        if self._latest is not None:
            self._publish()

    def alert_detail(self, number: int) -> AlertDetail:
        return alert_detail(self.pipeline, number)

    def flow_detail(self, flow_id: int) -> FlowDetail:
        return flow_detail(self.pipeline, flow_id)

    # The ui's end -----------------------------------------------------------------------------

    def latest(self) -> Snapshot | None:
        return self._latest

    def take_alerts(self) -> tuple[list[Alert], int]:
        taken, self._alerts = self._alerts, []
        return taken, 0

    def take_messages(self) -> list[EngineMessage]:
        taken, self._messages = self._messages, []
        return taken

    def send(self, command: Command) -> None:
        worker: Any = self
        obey(worker, command)

    def alive(self) -> bool:
        return True

    def finished(self) -> bool:
        return False

    def failure(self) -> str:
        return ""

    def restart(self) -> None:
        """Nothing ends here."""

    def close(self) -> None:
        self.source.close()


def without_places(message: EngineMessage) -> EngineMessage:
    """Where the rules lie on this machine is nobody's business."""
    if isinstance(message, AlertDetail | RuleDetail):
        return placeless(message)
    if isinstance(message, RulesMessage):
        return msgspec.structs.replace(message, rules=tuple(placeless(row) for row in message.rules))
    return message


def placeless(told: T) -> T:
    """The message or row with the origin of its rule counted from the project's root."""
    origin = told.origin.replace(str(paths.rules_dir()), "rules")
    return msgspec.structs.replace(told, origin=origin)


def process_engine(session_of: Callable[[EngineLink], Session]) -> tuple[EngineClient, Session]:
    """A real engine process and a session that has followed it, for the screen that shows what it costs."""
    spec = EngineSpec(
        "demo",
        demo_start_ns=START_NS,
        speed=PROCESS_SPEED,
        rules_dir=str(paths.rules_dir()),
        cache_dir=str(paths.prepare_numba_cache()),
    )
    client = EngineClient(spec)
    session = session_of(client)
    end = time.monotonic() + PATIENCE
    while client.alive() and time.monotonic() < end:
        session.poll()
        shown = session.snapshot
        if shown is not None and shown.packet_ns - START_NS >= SECONDS * 10**9:
            return client, session
        time.sleep(0.05)
    client.close()
    raise SystemExit(f"the engine did not come to second {SECONDS} of the demo: {client.failure()}")


async def draw(shot: Shot, engine: EngineLink, session: Session) -> str:
    themes = load_themes(theme_dirs())
    app = VpiApp(engine, themes=themes, theme=themes[shot.theme], ascii_only=shot.ascii_only, session=session)
    async with app.run_test(size=shot.size) as pilot:
        for key in shot.keys:
            await pilot.press(key)
            await settle(app, pilot)
        await settle(app, pilot)
        return app.export_screenshot(title="vpi-tui demo")


async def settle(app: VpiApp, pilot: Any) -> None:
    """Until what was asked for is there: answers of the engine, dissections."""
    for _ in range(3):
        await pilot.pause()
        app._poll()
        dissecting = [worker for worker in app.workers if worker.group == "dissect"]
        if dissecting:
            await app.workers.wait_for_complete(dissecting)
    await pilot.pause()


def placed(text: re.Match[str]) -> str:
    """Braille comes from a font of another width: each of its characters is put at its cell's place."""
    shown = html.unescape(text["shown"])
    if not BRAILLE.search(shown):
        return text[0]
    start, step = float(text["x"]), float(text["length"]) / len(shown)
    return "".join(
        f'{text["before"]}x="{start + step * number:.2f}"{text["middle"]}>{html.escape(char)}</text>'
        for number, char in enumerate(shown)
        if not char.isspace()
    )


def write_png(svg: str, path: Path) -> bool:
    """False when there is no rsvg-convert. It knows no web font: the font is spelled out."""
    tool = shutil.which("rsvg-convert")
    if tool is None:
        return False
    spaced = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    spaced = spaced.replace("Fira Code,monospace", "DejaVu Sans Mono").replace(
        "font-family: Fira Code", "font-family: DejaVu Sans Mono"
    )
    spaced = spaced.replace("font-size: 20px", "font-size: 20.265px")
    spaced = TEXT.sub(placed, spaced)
    subprocess.run([tool, "-o", str(path)], input=spaced.encode(), check=True)
    return True


async def main() -> int:
    wanted = set(sys.argv[1:])
    engine = SteppedEngine()
    session = Session(engine, zone=UTC, monotonic=lambda: 0.0)
    for second in range(SECONDS):
        engine.advance()
        session.poll()
        if sys.stderr.isatty():
            print(f"\rdemo: second {second + 1} of {SECONDS}", end="", file=sys.stderr)
    drawn = 0
    for shot in SHOTS:
        if wanted and shot.name not in wanted:
            continue
        if shot.own_process:
            client, followed = process_engine(lambda link: Session(link, zone=UTC))
            try:
                svg = await draw(shot, client, followed)
            finally:
                client.close()
        else:
            svg = await draw(shot, engine, session)
        (HERE / f"{shot.name}.svg").write_text(svg, encoding="utf-8")
        if not write_png(svg, HERE / f"{shot.name}.png") and not drawn:
            print("rsvg-convert is not installed (librsvg2-bin): no PNG is made.", file=sys.stderr)
        drawn += 1
        print(f"\r{shot.name:<40}", file=sys.stderr)
    engine.close()
    return 0 if drawn else 2


if __name__ == "__main__":
    begun = time.monotonic()
    code = asyncio.run(main())
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    sys.exit(code)

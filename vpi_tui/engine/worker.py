"""The engine's main loop: obey, read, process, publish."""

from __future__ import annotations

import math
import time

import msgspec

from vpi_tui.detect.applayer.costs import Pair
from vpi_tui.engine.addresses import address_text
from vpi_tui.engine.budget import AVOIDED_NS, ParseBudget, RuleBudget
from vpi_tui.engine.commands import obey
from vpi_tui.engine.coverage import open_coverage
from vpi_tui.engine.garbage import settle
from vpi_tui.engine.keeping import ValueKeeper, keeps_values, prepare_data_dir
from vpi_tui.engine.log import FileLog, NoLog, logged, open_log_file
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.publisher import Publisher
from vpi_tui.engine.questions import alert_detail, flow_detail
from vpi_tui.engine.reload import Reloader
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource, open_source
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.startup import become, owner_to_be, prepare_state_dir
from vpi_tui.engine.transactions import NOTHING_LOGGED
from vpi_tui.engine.warmup import seal_cache, warm
from vpi_tui.feed.messages import AlertDetail, FlowDetail, Goodbye, Notice, Watch
from vpi_tui.feed.server import FeedServer
from vpi_tui.model.errors import CaptureError, ConfigError
from vpi_tui.model.event import Alert

READ_WAIT = 0.05
"""Seconds to wait for packets before commands are looked at again."""
MIN_INTERVAL, MAX_INTERVAL = 0.1, 10.0
MAX_SPEED = 1e6
MAX_FLOWS = 500_000
"""Flows in one snapshot: a frame of the feed holds no more."""


class _EndedEarly(Exception):  # noqa: N818 (nothing went wrong)
    """Told to end while still starting."""


class Worker:
    """One engine's life. `run` returns when the ui has left, says stop, or the time is over."""

    def __init__(self, spec: EngineSpec, feed: FeedServer) -> None:
        self.spec = spec
        self.feed = feed
        self._watch = Watch(interval=spec.interval)
        self._publisher = Publisher(spec)
        self._stop = ""
        self._next_tick = 0.0
        self._ends_at = 0.0
        self._began = time.monotonic()
        self._reopens = False
        self.log = NoLog()
        self._reloader = Reloader(spec)
        self._keeper = self._publisher.keeper = ValueKeeper(time.monotonic, writes=keeps_values(spec))
        self._budget = RuleBudget(spec.rule_budget)
        self._parse_budget = ParseBudget(spec.parse_budget)

    def run(self) -> None:
        try:
            self._start()
        except _EndedEarly:
            self.feed.reply(Goodbye(self._stop))
            return
        try:
            while not self._over():
                for command in self.feed.take_commands():
                    obey(self, command)
                if self.source.finished:
                    self.feed.wait(READ_WAIT)
                else:
                    self._read(READ_WAIT)
                    self._over_budget()
                    self._over_parse_budget()
                self._follow_reload()
                self._tick()
            self._wind_up()
        finally:
            self._reloader.close()
            self._keeper.close()
            self.log.close()
            self.source.close()
        self.feed.reply(Goodbye(self._stop))

    def _wind_up(self) -> None:
        """The last picture: with all that was seen, also since the last tick."""
        if not self.source.finished:
            self._hand_out(self.pipeline.finish())
        self.pipeline.tick()
        self._log_flows_left()
        self._keeper.finish()
        broken = self.source.error
        self._publish("failed" if broken else "finished", str(broken) if broken else self._stop)

    # Start ------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Open what needs root, load what only root may read, then give root up."""
        self._say("Opening the source")
        self.source: EngineSource = open_source(self.spec)
        self._say("Loading rules")
        for problem in filter(None, (prepare_state_dir(self.spec), prepare_data_dir(self.spec))):
            self._publisher.note(problem)
        self.rules = RuleBook.load(self.spec)
        self._check_rules()
        file = open_log_file(self.spec.log, owner_to_be(self.spec))
        wanted = logged(self.spec.log.types) if file is not None else NOTHING_LOGGED
        self.pipeline = Pipeline(self.spec, self.rules, self.source, logged=wanted)
        self.pipeline.matcher.decider.judge = self._over_budget
        if self.pipeline.parse_costs is not None:
            self.pipeline.parse_costs.judge = self._over_parse_budget
        if file is not None:
            self.log = FileLog(self.spec, self.pipeline, file)
        self._publisher.attach(self.pipeline, self.rules, self.source)
        self.coverage = self._publisher.coverage = open_coverage(self.spec, self.source, self.pipeline)
        warm(self.spec.mode, self._progress)
        seal_cache()
        become(self.spec)
        self._keeper.follow(self.pipeline.matcher.decider.lasting_sets.values())
        settle()  # rules live as long as we do: a collection that walks all of them stops the loop
        self.source.start()
        if self.spec.duration:
            self._ends_at = time.monotonic() + self.spec.duration
        for text in (*self.rules.notices, *self.source.notices):
            self.feed.reply(Notice("warning", text))
        self._publish("running", "")

    def _check_rules(self) -> None:
        """Refused rules are told, and files without any. An error when all of the named files are refused."""
        refused = self.rules.refused
        if lacking := self.rules.lacking(self.spec.rules):
            self._publisher.note(lacking)
        if not refused:
            return
        first = f"The first: {refused[0]}"
        if self.spec.rules and self.rules.loaded == self.rules.built_in:
            raise ConfigError(
                f"No rule of {', '.join(self.spec.rules)} loads. {first}.",
                hint="`vpi-tui rules check FILE` lists each line and reason.",
            )
        self._publisher.note(f"{len(refused):,} rules do not load. {first}.")

    def _say(self, doing: str) -> None:
        if self._over():
            raise _EndedEarly
        self.feed.publish(self._publisher.starting(doing))

    def _progress(self, doing: str, done: int, total: int) -> None:
        self._say(f"{doing} ({done} of {total})")

    # Loop -------------------------------------------------------------------------------------

    def _over(self) -> bool:
        if self._ends_at and time.monotonic() >= self._ends_at:
            self._stop = self._stop or f"{self.spec.duration:g} seconds are over"
        if self.feed.gone:
            self._stop = self._stop or self.feed.reason or "the ui has left"
        return bool(self._stop)

    def _read(self, wait: float) -> None:
        self.pipeline.follow_source()
        self.coverage.poll(time.monotonic())
        try:
            with self.pipeline.stopwatch.measure("capture"):
                batch = self.source.read(wait)
        except CaptureError as error:
            self.source.fail(error)
            batch = None
        if batch is None:
            self.coverage.idle()
        alerts = self.pipeline.idle() if batch is None else self.pipeline.process(batch)
        if self.source.finished:
            alerts += self.pipeline.finish()
            self._tell_end()
        self._hand_out(alerts)

    def _over_budget(self) -> list[int]:
        """Switch off the rules that eat the machine, and say which and how to get them back."""
        found = self._budget.exceeded_by(self.pipeline.matcher.profile)
        for spent in found:
            signature = self.rules.signatures[spent.rule]
            self.rules.stop_for_budget(spent.rule)
            self._publisher.note(
                f"Rule {signature.gid}:{signature.sid} ({signature.msg}) is switched off: it took "
                f"{spent.percent:.0f} % of the engine's CPU time ({spent.checks:,} evaluations in "
                f"{spent.seconds:.1f} s), --rule-budget allows {self.spec.rule_budget:g} %. "
                "Space on the Rules screen switches it on again."
            )
        return [spent.rule for spent in found]

    def _over_parse_budget(self) -> None:
        """Parse no more what makes the engine fall behind all others' words, and say so."""
        pipeline, budget = self.pipeline, self._parse_budget
        if pipeline.parse_costs is None or pipeline.app_layer is None:
            return
        behind = pipeline.pace.is_behind()
        found = budget.exceeded_by(pipeline.parse_costs, pipeline.names, behind=behind)
        pipeline.app_layer.avoid(budget.avoided(pipeline.names))
        for one in found:
            self._publisher.note(
                f"{_what(one.who)} is not parsed for {AVOIDED_NS // 60_000_000_000} minutes: "
                f"it took {one.percent:.0f} % of the engine's CPU time while that fell behind, "
                f"--parse-budget allows {one.allowed:g} %. Rules about packets and streams see it."
            )

    def _follow_reload(self) -> None:
        done = self._reloader.step(self.pipeline)
        self._publisher.reloading = self._reloader.progress
        if done is None:
            return
        if done.book is not None:
            self.rules = done.book
            self._keeper.follow(self.pipeline.matcher.decider.lasting_sets.values())
            self._keeper.write_soon()
            self._publisher.attach(self.pipeline, self.rules, self.source)
        self.feed.reply(Notice(done.severity, done.text))
        self._next_tick = 0.0

    def _hand_out(self, alerts: list[Alert]) -> None:
        if alerts:
            self.feed.alerts(alerts)
            self.log.alerts(alerts)

    def _log_flows_left(self) -> None:
        """Flows that outlive the watch are logged as they are."""
        if self.spec.log.file:
            self.pipeline.end_all_flows()

    def _tell_end(self) -> None:
        """The source is over: say so at once, and if it broke, why."""
        if self.source.error is not None:
            self.feed.reply(Notice("error", str(self.source.error)))
        self._next_tick = 0.0

    def _tick(self) -> None:
        now = time.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + self._watch.interval
        self.pipeline.tick()
        self._keeper.step()
        if self._reopens:
            self._reopens = False
            self.log.reopen()
        self.log.tick(self.pipeline.now_ns(), now - self._began)
        state, text = self.source.state()
        self._publish(state, text)

    def _publish(self, state: str, text: str) -> None:
        self.feed.publish(
            self._publisher.snapshot(state, text, self._watch, self.feed.outbox.dropped, self.log)
        )

    # What commands ask for --------------------------------------------------------------------

    def watch(self, watch: Watch) -> None:
        """Show this from now on; the next snapshot comes at once."""
        asked = watch.interval if math.isfinite(watch.interval) else self._watch.interval
        interval = min(max(asked, MIN_INTERVAL), MAX_INTERVAL)
        limit = min(max(watch.flow_limit, 0), MAX_FLOWS)
        self._watch = msgspec.structs.replace(watch, flow_limit=limit, interval=interval)
        self._next_tick = 0.0

    def set_speed(self, speed: float, paused: bool) -> None:
        """A speed that makes no sense is answered and changes nothing."""
        if not 0 <= speed <= MAX_SPEED:
            self.feed.reply(Notice("warning", f"A speed of {speed:g} makes no sense."))
            return
        self.source.set_speed(speed, paused)
        self._next_tick = 0.0

    def reload_rules(self) -> None:
        """Read the rule files again, beside the rules that run."""
        if (told := self.pipeline.segments.reload()) is not None:
            self.feed.reply(told)
        if (problem := self._reloader.start()) is not None:
            self.feed.reply(problem)
        self._next_tick = 0.0

    def publish_soon(self) -> None:
        """Something that the ui shows has changed."""
        self._next_tick = 0.0

    def stop(self, why: str) -> None:
        self._stop = why

    def reopen_log(self) -> None:
        """Begin the log's file anew; called from a signal handler, done with the next picture."""
        self._reopens = True

    def alert_detail(self, number: int) -> AlertDetail:
        return alert_detail(self.pipeline, number)

    def flow_detail(self, flow_id: int) -> FlowDetail:
        return flow_detail(self.pipeline, flow_id) if 0 < flow_id < 1 << 64 else FlowDetail(flow_id, None)


def _what(who: Pair | str) -> str:
    if isinstance(who, str):
        return f"What {who} begins to say to others"
    client, server = (address_text(int.from_bytes(a[:8]), int.from_bytes(a[8:])) for a in who[:2])
    return f"What {client} says to {server}"

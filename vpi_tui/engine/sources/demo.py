"""The demo: staged frames, and the topology that they were staged in."""

from __future__ import annotations

from vpi_tui.capture.demo.apart import build_apart
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.coverage.arrangement import Setting
from vpi_tui.coverage.seen import Watched
from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.topology import Topology


class StagedFeed(EngineSource):
    """A demo that was opened by somebody else. All but one of its switches are watched."""

    capture: DemoSource

    def __init__(self, demo: DemoSource) -> None:
        super().__init__(demo, demo.topology())
        watched = Watched(
            frozenset(port.ifindex for port in self.topology.ports),
            frozenset(switch.ifindex for switch in self.topology.switches),
        )
        self._setting = Setting(watched, tuple(switch.name for switch in self.topology.switches))

    def true_counts(self) -> tuple[TrueCount, ...]:
        return self.capture.counts()

    @property
    def whole(self) -> Topology:
        return self.capture.whole()

    def arrangement(self) -> Setting:
        return self._setting


class DemoFeed(StagedFeed):
    """Loops for ever, or once when a duration in packet time is given by speed 0."""

    def __init__(self, spec: EngineSpec) -> None:
        demo = DemoSource(
            seed=spec.seed,
            speed=spec.speed,
            loops=0 if spec.speed else 1,
            start_ns=spec.demo_start_ns or None,
            build=build_apart,
        )
        demo.open()
        super().__init__(demo)
        self.speed = spec.speed

    def start(self) -> None:
        self.capture.open()  # its clock begins to run now

    def set_speed(self, speed: float, paused: bool) -> None:
        self.capture.speed, self.capture.paused = speed, paused
        self.speed, self.paused = speed, paused

    def _running_text(self) -> str:
        return f"Demo at {self.speed:g} times real time." if self.speed != 1 else ""

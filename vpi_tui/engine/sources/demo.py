"""The demo: staged frames, and the topology that they were staged in."""

from __future__ import annotations

from vpi_tui.capture.demo.apart import build_apart
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.spec import EngineSpec


class DemoFeed(EngineSource):
    """Loops for ever, or once when a duration in packet time is given by speed 0."""

    capture: DemoSource

    def __init__(self, spec: EngineSpec) -> None:
        demo = DemoSource(
            seed=spec.seed,
            speed=spec.speed,
            loops=0 if spec.speed else 1,
            start_ns=spec.demo_start_ns or None,
            build=build_apart,
        )
        demo.open()
        super().__init__(demo, demo.topology())
        self.speed = spec.speed

    def start(self) -> None:
        self.capture.open()  # its clock begins to run now

    def set_speed(self, speed: float, paused: bool) -> None:
        self.capture.speed, self.capture.paused = speed, paused
        self.speed, self.paused = speed, paused

    def _running_text(self) -> str:
        return f"Demo at {self.speed:g} times real time." if self.speed != 1 else ""

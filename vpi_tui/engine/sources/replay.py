"""Capture files one after the other, in their own time or as fast as it goes."""

from __future__ import annotations

from pathlib import Path

from vpi_tui.capture.files import FileSource
from vpi_tui.engine.pacing import PacedSource
from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.inventory.static import load_static
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import CaptureError
from vpi_tui.model.topology import Switch, Topology


class ReplayFeed(EngineSource):
    """A broken file does not keep the next from being read; `errors` lists each."""

    capture: PacedSource

    def __init__(self, spec: EngineSpec) -> None:
        self._waiting = list(spec.files)
        self._current = ""
        self._over = False
        self.errors: list[CaptureError] = []
        super().__init__(PacedSource(self._next_file(), spec.speed), _topology(spec))
        self.learns = not spec.inventory
        self.speed = spec.speed

    def _next_file(self) -> FileSource:
        self._current = self._waiting.pop(0)
        source = FileSource(self._current)
        source.open()
        return source

    def read(self, timeout_s: float) -> PacketBatch | None:
        batch = self.capture.read(timeout_s)
        if batch is None and self.capture.exhausted:
            self._turn_over()
        return batch

    def _turn_over(self) -> None:
        """The file is at its end: go on with the next that opens."""
        if self.capture.error is not None:
            self.errors.append(self.capture.error)
        while self._waiting:
            try:
                following = self._next_file()
            except CaptureError as error:
                self.errors.append(error)
                continue
            self.capture.close()
            self.capture = PacedSource(following, self.speed)
            self.capture.set_speed(self.speed, self.paused)
            return
        self._over = True

    @property
    def finished(self) -> bool:
        return self._over or self._failure is not None

    @property
    def error(self) -> CaptureError | None:
        return self._failure or (self.errors[0] if self.errors else None)

    def set_speed(self, speed: float, paused: bool) -> None:
        self.speed, self.paused = speed, paused
        self.capture.set_speed(speed, paused)

    def describe(self) -> str:
        return "standard input" if self._current == "-" else Path(self._current).name


def _topology(spec: EngineSpec) -> Topology:
    if spec.inventory:
        return load_static(Path(spec.inventory))
    names = [Path(f).name if f != "-" else "standard input" for f in spec.files]
    return Topology(
        switches=(Switch(names[0] if len(names) == 1 else f"{len(names)} files", "file", "file"),)
    )

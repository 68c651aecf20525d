"""Capture files one after the other, in their own time or as fast as it goes."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from vpi_tui.capture.files import FileSource, open_fd
from vpi_tui.engine.pacing import PacedSource
from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.inventory.static import load_static
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import CaptureError
from vpi_tui.model.topology import Switch, Topology

BACK_NS = 1_000_000_000
"""So far may a file begin before the end of the one ahead of it: parts of one capture overlap a little."""
OPEN_FILES = 256
"""Files that are held open before their turn; a process may hold no more than some thousand."""


class _Waiting:
    """A file whose turn will come. now: open it at once, because root is given up before its turn."""

    def __init__(self, name: str, *, now: bool) -> None:
        self.name = name
        self._fd: int | None = None
        self._error: CaptureError | None = None
        if now:
            try:
                self._fd = open_fd(name)
            except CaptureError as error:
                self._error = error

    def source(self) -> FileSource:
        """Raises CaptureError."""
        if self._error is not None:
            raise self._error
        source = FileSource(self.name, fd=self._fd)
        source.open()
        return source

    def close(self) -> None:
        """Its turn will not come."""
        if self._fd:  # 0 is standard input, which is not ours
            os.close(self._fd)


class ReplayFeed(EngineSource):
    """A broken file does not keep the next from being read; `errors` lists each."""

    capture: PacedSource

    def __init__(self, spec: EngineSpec) -> None:
        self._waiting = deque(_Waiting(name, now=n < OPEN_FILES) for n, name in enumerate(spec.files))
        self._current = ""
        self._over = False
        self._fresh = True
        """Nothing was read of the current file."""
        self._latest_ns = 0
        self.order = ""
        """Which file was the first out of the order of time; a whole sentence."""
        self.errors: list[CaptureError] = []
        first = self._next_that_opens()
        if first is None:
            raise self.errors[0]
        super().__init__(PacedSource(first, spec.speed), _topology(spec))
        self.learns = not spec.inventory
        self.speed = spec.speed

    def _next_that_opens(self) -> FileSource | None:
        """Those that do not open are listed in `errors`; None when no file is left."""
        while self._waiting:
            file = self._waiting.popleft()
            try:
                source = file.source()
            except CaptureError as error:
                self.errors.append(error)
                continue
            self._current = file.name
            return source
        return None

    @property
    def notices(self) -> list[str]:
        return [str(error) for error in self.errors] + [self.order] * bool(self.order)

    def read(self, timeout_s: float) -> PacketBatch | None:
        batch = super().read(timeout_s)
        if batch is not None and len(batch.ts_ns):
            self._note_order(batch)
        elif self.capture.exhausted:
            self._turn_over()
        return batch

    def ahead(self) -> PacketBatch | None:
        return self.capture.ahead()

    def _note_order(self, batch: PacketBatch) -> None:
        """The time of the engine does not go back, so flows of a file from before it may end too early."""
        if self._fresh and int(batch.ts_ns[0]) < self._latest_ns - BACK_NS and not self.order:
            self.order = (
                f"{self.describe()} begins before the end of the file that was read ahead of it, so its flows"
                " may be cut short: give the files in the order of their time."
            )
        self._fresh = False
        self._latest_ns = max(self._latest_ns, int(batch.ts_ns.max()))

    def _turn_over(self) -> None:
        """The file is at its end: go on with the next that opens."""
        if self.capture.error is not None:
            self.errors.append(self.capture.error)
        following = self._next_that_opens()
        if following is None:
            self._over = True
            return
        self._fresh = True
        self.capture.close()
        self.capture = PacedSource(following, self.speed)
        self.capture.set_speed(self.speed, self.paused)

    @property
    def finished(self) -> bool:
        return self._over or self._failure is not None

    @property
    def error(self) -> CaptureError | None:
        return self._failure or (self.errors[0] if self.errors else None)

    def close(self) -> None:
        super().close()
        while self._waiting:
            self._waiting.popleft().close()

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

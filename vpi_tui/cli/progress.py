"""A line on a terminal that says how far something is. Nothing is written when it is no terminal."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import TextIO

BAR = 24
INTERVAL = 0.1
"""Seconds between two redrawn lines, so that a slow line does not fill."""


class ProgressLine:
    """show(what, done, total) redraws one line; leaving the context wipes it. A total of 0 = not known."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._next = 0.0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def show(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._shown or (now < self._next and done < total):
            return
        self._next = now + INTERVAL
        width = shutil.get_terminal_size().columns
        self._stream.write(f"\r{progress_text(what, done, total)[: width - 1]}\x1b[K")
        self._stream.flush()


def progress_text(what: str, done: int, total: int) -> str:
    """`[######......] 50 % what`; without a total, the count alone."""
    if total <= 0:
        return f"{done:,} {what}"
    share = min(done / total, 1.0)
    filled = int(share * BAR)
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%} {what}"

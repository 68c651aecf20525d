"""What every place that packets come from can do."""

from __future__ import annotations

from typing import Protocol

from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import CaptureError


class CaptureSource(Protocol):
    """Packets in batches. One thread at a time; a batch is valid until the next `read` or `close`.

    The loop of a reader: `while not source.exhausted: batch = source.read(0.1)`, then look at `error`.
    """

    @property
    def exhausted(self) -> bool:
        """True when no packet will come any more: at the end of a file, and after `close`."""

    @property
    def error(self) -> CaptureError | None:
        """Why the source ended before its end; set only after all that was whole has been read."""

    def open(self) -> None:
        """Get ready to read. Raises CaptureError (PrivilegeError when a capability is missing)."""

    def read(self, timeout_s: float) -> PacketBatch | None:
        """The next packets, at least one; None when none came within `timeout_s` seconds."""

    def close(self) -> None:
        """Give everything back; closing twice is fine."""

    def describe(self) -> str:
        """What is read, for a person: a file name, or names of interfaces."""

    def position(self) -> tuple[int, int]:
        """Bytes done and bytes in all, for a progress bar; a total of 0 = unknown."""

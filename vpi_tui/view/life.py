"""The engine's life in words: what it waits for while it starts, why it ended, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vpi_tui.model.snapshot import Snapshot
from vpi_tui.view import humanize
from vpi_tui.view.escape import safe

_STEP = re.compile(r"(.*?)\s*\((\d{1,9}) of (\d{1,9})\)\s*\Z")
PATIENCE = 4.0
"""Seconds after which the start is explained."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the engine does before its first packet. share: 0..1, None = it does not say."""

    doing: str
    share: float | None
    detail: str
    hint: str


def start(snapshot: Snapshot | None, seconds: float) -> Start:
    """seconds: how long it has been starting."""
    said = snapshot.state_text if snapshot is not None else ""
    found = _STEP.match(said)
    share, detail = None, ""
    if found:
        said, done, whole = found[1], int(found[2]), int(found[3])
        share, detail = (min(done / whole, 1.0), f"{done} of {whole}") if whole else (None, "")
    hint = ""
    if seconds >= PATIENCE:
        hint = f"{humanize.duration(seconds)}. The first start compiles the kernels, later ones do not."
    return Start(safe(said, 200) or "Starting the engine", share, detail, hint)


@dataclass(frozen=True, slots=True)
class Banner:
    """One line that stands while the engine does not run."""

    style: Literal["notice.information", "notice.error"]
    text: str
    keys: tuple[tuple[str, str], ...]


_KEYS = (("r", "restart"), ("q", "quit"))


def reason(snapshot: Snapshot | None, failure: str) -> str:
    """Why the engine failed, without saying again that it did."""
    said = failure or (snapshot.state_text if snapshot is not None else "")
    return safe(said.removeprefix("The engine failed:").strip(), 500) or "it gave no reason."


def banner(life: str, snapshot: Snapshot | None, failure: str) -> Banner | None:
    """None while there is nothing to say."""
    said = snapshot.state_text if snapshot is not None else ""
    if life == "failed":
        return Banner("notice.error", f"The engine failed: {reason(snapshot, failure)}", _KEYS)
    if life != "finished":
        return None
    what = {"replay": "The replay is over", "demo": "The demo is over"}.get(
        snapshot.mode if snapshot is not None else "", "The engine has ended"
    )
    return Banner("notice.information", f"{what}{': ' + safe(said, 300) if said else '.'}", _KEYS)

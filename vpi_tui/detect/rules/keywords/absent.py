"""absent: the sticky buffer is not there."""

from __future__ import annotations

from vpi_tui.detect.applayer.frame_names import PREFIX
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import DECODED, PAYLOAD, Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import Absent


@keyword("absent", value="optional")
def absent(draft: Draft, text: str) -> None:
    """The sticky buffer before it is not there; `or_else`: or what follows holds of it."""
    if draft.buffer in (PAYLOAD, DECODED):
        raise Refused("absent: needs a sticky buffer before it")
    if draft.buffer.startswith(PREFIX):
        raise Refused("absent: is not known of frames")
    if text not in {"", "or_else"}:
        raise Refused(f"absent: takes or_else or nothing, not {text[:40]!r}")
    if any(step.buffer == draft.buffer for step in draft.steps):
        raise Refused(f"absent: must be the first keyword about {draft.buffer}")
    draft.steps.append(Absent(draft.buffer, text == "or_else"))

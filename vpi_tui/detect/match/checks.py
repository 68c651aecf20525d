"""Can a signature be run here? The rule language refuses what it does not know; this is the last gate."""

from __future__ import annotations

from vpi_tui.detect.applayer.names import plain_name
from vpi_tui.detect.applayer.registry import with_buffer
from vpi_tui.detect.match import app_rules
from vpi_tui.detect.match.buffers import BUFFERS
from vpi_tui.detect.match.columns import COLUMN_ID, PROTOCOL_KINDS
from vpi_tui.detect.match.steps import MAX_STEPS
from vpi_tui.model.signature import Signature


def why_unusable(signature: Signature) -> str:
    """The reason in one sentence, "" when it can be run."""
    if signature.header.protocol not in PROTOCOL_KINDS:
        return f"protocol {signature.header.protocol} is not followed yet"
    for test in signature.columns:
        if test.column not in COLUMN_ID and test.column != "direction":
            return f"there is no packet column {test.column}"
    if len(signature.steps) > MAX_STEPS:
        return f"{len(signature.steps)} steps; the limit is {MAX_STEPS}"
    for step in signature.steps:
        name = plain_name(step.buffer)
        if name not in BUFFERS and not with_buffer(name):
            return f"buffer {step.buffer} is not known"
    return app_rules.why_unusable(signature)

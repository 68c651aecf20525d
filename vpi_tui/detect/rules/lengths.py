"""Contents take room: a rule whose bsize, urilen or dsize leaves less than they need could never match. It is
refused, as Suricata does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.names import plain_name
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.model.signature import BufferSize, ByteTest, ColumnTest, Content, IsDataAt, Step

_PAYLOAD: Final = "payload"
_SPARE: Final = 1
"""A limit that is not reached itself (`<4`, `2<>4`) counts there as if it were."""
_STANDING: Final = (BufferSize, ByteTest, IsDataAt)
"""Steps behind which a relative content still counts from the content before them."""


def check_lengths(steps: Sequence[Step], tests: Sequence[ColumnTest]) -> None:
    """Raises Refused when the contents of a buffer, or of the payload, take more than its length may be."""
    for step in steps:
        if isinstance(step, BufferSize) and not step.negated and step.mask is None:
            _check(steps, step.buffer, step.spans)
    for test in tests:
        if test.column == "payload_len" and not test.negated and test.mask is None:
            _check(steps, _PAYLOAD, test.spans)


def _check(steps: Sequence[Step], buffer: str, sizes: Spans) -> None:
    low, high = sizes[-1]
    most = high if low == high else high + _SPARE
    least = _taken(steps, buffer)
    if least > most:
        name = plain_name(buffer)
        raise Refused(f"{name}: what the rule seeks there takes {least} bytes, more than it may have itself")


def _taken(steps: Sequence[Step], buffer: str) -> int:
    """The fewest bytes of a buffer that holds all its contents at the places they ask for."""
    end = least = 0
    for step in steps:
        if step.buffer != buffer or isinstance(step, _STANDING):
            continue
        if not isinstance(step, Content):
            end = 0  # it moves the place, nobody knows where to
        elif not step.negated:
            end = max(_first_place(step, end), 0) + len(step.pattern)
            least = max(least, end)
    return least


def _first_place(content: Content, end: int) -> int:
    """Where it may begin at the earliest. A place that a variable gives may be any."""
    if content.distance is None and content.within is None:
        return content.offset if isinstance(content.offset, int) else 0
    if isinstance(content.distance, str):
        return 0
    return end + (content.distance or 0)

"""stream_size: how much the sides of a TCP connection have sent."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import spans
from vpi_tui.detect.rules.registry import keyword

_LARGEST: Final = 0xFFFFFFFE
"""One more stands for connections that nobody follows: no test holds of these."""
_COLUMNS: Final = {
    "client": ("client_size",),
    "server": ("server_size",),
    "both": ("client_size", "server_size"),
    "either": ("either_size",),
}
_OPERATORS: Final = ("<", "<=", ">", ">=", "=", "!=", "!")


@keyword("stream_size")
def stream_size(draft: Draft, text: str) -> None:
    """Bytes that a side of the connection has sent, SYN and FIN counted: client|server|both|either,<,5."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or parts[0] not in _COLUMNS or parts[1] not in _OPERATORS:
        raise Refused(
            f"stream_size: needs {'|'.join(_COLUMNS)}, one of {' '.join(_OPERATORS)} and a number,"
            f" has {text[:40]!r}"
        )
    wanted = spans("stream_size", parts[1] + parts[2], _LARGEST)
    draft.test("proto", ((6, 6),))
    for column in _COLUMNS[parts[0]]:
        draft.test(column, wanted)

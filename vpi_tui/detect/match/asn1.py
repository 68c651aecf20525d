"""What the asn1 keyword asks of BER (X.690): lengths that overflow readers known to be weak."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.ber import head
from vpi_tui.model.signature import Asn1

MOST_DEPTH: Final = 32
MOST_ELEMENTS: Final = 1024
"""Of one buffer: what stands behind them is not looked at."""
_CONSTRUCTED: Final = 0x20
_BIT_STRING, _REAL = 0x03, 0x09
_MOST_REAL: Final = 256
"""Bytes of a decimal real that the MSASN1 library has room for."""


def asn1_holds(step: Asn1, data: bytes, at: int) -> bool:
    """Does one of the elements from a place on have one of the flaws? Elements that are cut do not count."""
    waiting = [(at, len(data), 0)]
    for _ in range(MOST_ELEMENTS):
        if not waiting:
            return False
        begin, end, depth = waiting.pop()
        found = head(data, begin) if begin < end else None
        if found is None:
            continue
        inside = begin + found.size
        after = inside + found.length
        if after > end:
            continue
        if _has_flaw(step, found.tag, data[inside:after]):
            return True
        waiting.append((after, end, depth))
        if found.tag & _CONSTRUCTED and depth < MOST_DEPTH:
            waiting.append((inside, after, depth + 1))
    return False


def _has_flaw(step: Asn1, tag: int, value: bytes) -> bool:
    if step.oversize_length is not None and len(value) > step.oversize_length:
        return True
    if not value:
        return False
    if step.bitstring_overflow and tag == _BIT_STRING and value[0] > 8 * len(value):
        return True
    return step.double_overflow and tag == _REAL and not value[0] & 0xC0 and len(value) > _MOST_REAL

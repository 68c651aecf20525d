"""Addresses of columns as text."""

from __future__ import annotations

from typing import Final

from vpi_tui.flow import render

_MAPPED: Final = 0xFFFF
"""In front of the 32 bits of an IPv4 address, ::ffff:a.b.c.d."""


def address_text(high: int, low: int) -> str:
    """Address as DecodedBatch holds it, in text; "" for none."""
    if not high and not low:
        return ""
    return render.address_text(high, low, 4 if high == 0 and low >> 32 == _MAPPED else 6)

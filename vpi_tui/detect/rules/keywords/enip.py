"""The keyword about CIP services with a syntax of its own; the others stand in applayer/names.py."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import NumberIn

_PART: Final = 40
"""Bits of class and attribute each, side by side behind the service."""


@keyword("cip_service")
def cip_service(draft: Draft, text: str) -> None:
    """A CIP service, and behind commas its class and attribute."""
    parts = [part.strip() for part in unquote("cip_service", text, needed=False).split(",")]
    if len(parts) > 3:
        raise Refused(f"cip_service: service,class,attribute, not {text[:40]!r}")
    if len(parts) == 3 and parts[2].startswith("!"):
        parts.pop()  # any attribute, as Suricata reads it
    numbers = [
        integer("cip_service", part, 0, 0x7F if n == 0 else 0xFFFFFFFF) for n, part in enumerate(parts)
    ]
    mask = value = 0
    for n, number in enumerate(numbers):
        shift = _PART * (2 - n)
        mask |= ((1 << _PART) - 1) << shift
        value |= number << shift
    draft.steps.append(NumberIn("cip_service", ((value, value),), mask))

"""The keyword about HTTP/2 that names a setting; the others stand in applayer/names.py."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import NumberIn

_SETTINGS: Final = (
    "SETTINGS_HEADER_TABLE_SIZE",
    "SETTINGS_ENABLE_PUSH",
    "SETTINGS_MAX_CONCURRENT_STREAMS",
    "SETTINGS_INITIAL_WINDOW_SIZE",
    "SETTINGS_MAX_FRAME_SIZE",
    "SETTINGS_MAX_HEADER_LIST_SIZE",
)
"""Identifiers 1 to 6 (RFC 9113, 6.5.2)."""
_WORD: Final = re.compile(r"\s*(\w+)\s*(.*)", re.S)
_LARGEST: Final = 0xFFFFFFFF


@keyword("http2.settings")
def http2_settings(draft: Draft, text: str) -> None:
    """A setting that an HTTP/2 peer announces, and how large it is: SETTINGS_ENABLE_PUSH, ...SIZE>1000."""
    found = _WORD.fullmatch(unquote("http2.settings", text, needed=False))
    name = found[1].upper() if found else ""
    if found is None or name not in _SETTINGS:
        raise Refused(f"http2.settings: {text[:40]!r} names none of {', '.join(_SETTINGS)}")
    value = spans("http2.settings", found[2], _LARGEST) if found[2].strip() else ((0, _LARGEST),)
    base = (_SETTINGS.index(name) + 1) << 32
    draft.steps.append(NumberIn("http2.settings", tuple((base + low, base + high) for low, high in value)))

"""Keywords about DNP3 with a syntax of their own; its other ones stand in applayer/names.py."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import flags_in, integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import NumberIn

_NUMBER: Final = re.compile(r"0x[0-9a-f]+|[0-9]+", re.A | re.I)
_INDICATIONS: Final = {
    "device_restart": 0x8000, "device_trouble": 0x4000, "local_control": 0x2000, "need_time": 0x1000,
    "class_3_events": 0x0800, "class_2_events": 0x0400, "class_1_events": 0x0200, "all_stations": 0x0100,
    "reserved_1": 0x0080, "reserved_2": 0x0040, "config_corrupt": 0x0020, "already_executing": 0x0010,
    "event_buffer_overflow": 0x0008, "parameter_error": 0x0004, "object_unknown": 0x0002,
    "no_func_code_support": 0x0001,
}  # fmt: skip
"""IEEE 1815, 4.2.2.6: the first byte above the second."""


@keyword("dnp3_ind", "dnp3.ind")
def dnp3_ind(draft: Draft, text: str) -> None:
    """Internal indications of a DNP3 response: one of those that are listed is set; `+` before: all are.

    A number alone means the same as the names of its bits, as in Suricata 8.
    """
    listed = unquote("dnp3_ind", text, needed=False).strip()
    if _NUMBER.fullmatch(listed):
        bits = integer("dnp3_ind", listed, 0, 0xFFFF)
        draft.steps.append(NumberIn("dnp3_ind", ((1, bits),) if bits else (), bits))
        return
    draft.steps.append(flags_in("dnp3_ind", listed, 0xFFFF, _INDICATIONS, sign="*"))


@keyword("dnp3_obj", "dnp3.obj")
def dnp3_obj(draft: Draft, text: str) -> None:
    """Group and variation of an object in a DNP3 message."""
    parts = unquote("dnp3_obj", text, needed=False).split(",")
    if len(parts) != 2:
        raise Refused(f"dnp3_obj: group,variation, not {text[:40]!r}")
    group, variation = (integer("dnp3_obj", part, 0, 255) for part in parts)
    number = group << 8 | variation
    draft.steps.append(NumberIn("dnp3_obj", ((number, number),)))

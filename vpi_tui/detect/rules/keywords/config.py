"""config: rules that change what is logged or tracked (Suricata's user guide, "Config Rules").

The action `config` raises no alert. What is logged stays as the settings of this sensor say, and a notice
tells so.
"""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.applications import RULE_WORDS

_PARTS: Final = re.compile(
    r"(logging|tracking)\s+disable\s*,\s*type\s+(tx|flow)\s*,\s*scope\s+(tx|packet|flow)\s*"
)
_NO_FLOW: Final = ("tracking", "flow", "packet")


@keyword("config")
def config(draft: Draft, text: str) -> None:
    """What shall not be logged or tracked: logging disable, type tx, scope tx."""
    found = _PARTS.fullmatch(text.strip())
    if found is None:
        raise Refused(
            f"config: needs logging|tracking disable, type tx|flow, scope tx|packet, has {text[:60]!r}"
        )
    if found.groups() == _NO_FLOW and not (draft.hook and draft.header.protocol.lower() not in RULE_WORDS):
        raise Refused(
            "config: tracking disable, type flow, scope packet needs a hook, as in `config ip:pre_flow`"
        )
    draft.notices.append("config: what is logged and tracked stays as the settings say")

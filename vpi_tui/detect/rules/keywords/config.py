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

_PARTS: Final = re.compile(
    r"(logging|tracking)\s+disable\s*,\s*type\s+(tx|flow)\s*,\s*scope\s+(tx|packet|flow)\s*"
)


@keyword("config")
def config(draft: Draft, text: str) -> None:
    """What shall not be logged or tracked: logging disable, type tx, scope tx."""
    if not _PARTS.fullmatch(text.strip()):
        raise Refused(
            f"config: needs logging|tracking disable, type tx|flow, scope tx|packet, has {text[:60]!r}"
        )
    draft.notices.append("config: what is logged and tracked stays as the settings say")

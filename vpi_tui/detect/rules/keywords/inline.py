"""replace, nfq_set_mark: what only an engine does through which the packets pass. The rules alert, as in
Suricata when it only listens."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import pattern, unquote

_MARK: Final = re.compile(r"(0x[0-9a-f]{1,8}|\d{1,10})(/(0x[0-9a-f]{1,8}|\d{1,10}))?", re.I | re.A)


@keyword("replace")
def replace(draft: Draft, text: str) -> None:
    """Bytes in the place of the content before it, as long: a monitor changes nothing."""
    made, size = pattern("replace", unquote("replace", text)), len(draft.last_content("replace").pattern)
    if len(made) != size:
        raise Refused(f"replace: needs {size} bytes, as the content before it, has {len(made)}")
    draft.notices.append("replace: the rule alerts, the packet is not changed")


@keyword("nfq_set_mark")
def nfq_set_mark(draft: Draft, text: str) -> None:
    """A mark for the kernel's queue, 0x2/0xff: a monitor marks nothing."""
    if not _MARK.fullmatch(text.strip()):
        raise Refused(f"nfq_set_mark: needs a mark, with or without a mask behind a /, has {text[:40]!r}")
    draft.notices.append("nfq_set_mark: the rule alerts, the packet is not marked")

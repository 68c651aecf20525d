"""flowvar and pktvar: what expressions have captured (pcre with flow:name or pkt:name)."""

from __future__ import annotations

from typing import Literal

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import pattern, printable, signed, unquote
from vpi_tui.model.signature import VariableHolds


def _variable(word: str, scope: Literal["flow", "pkt"], whose: str) -> None:
    def handler(draft: Draft, text: str) -> None:
        name, comma, quoted = text.partition(",")
        negated, quoted = signed(quoted.strip())
        if not comma or not name.strip():
            raise Refused(f"{word}: needs `name,content`, has {text[:60]!r}")
        wanted = pattern(word, unquote(word, quoted, needed=False))
        draft.captured.append(VariableHolds(scope, printable(name.strip()), wanted, negated))

    handler.__doc__ = f"What an expression has captured of the {whose} holds a content: name,content."
    keyword(word)(handler)


_variable("flowvar", "flow", "flow")
_variable("pktvar", "pkt", "packet")

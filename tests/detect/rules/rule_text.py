"""Short ways to write a rule in a test."""

from __future__ import annotations

import pytest

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.model.signature import Origin, Signature

PARSER = Parser()


def parse(options: str, *, head: str = "alert tcp any any -> any any") -> Signature:
    return PARSER.parse(f"{head} ({options} sid:1;)", Origin("t.rules", 1))


def refused(options: str, *, head: str = "alert tcp any any -> any any") -> str:
    with pytest.raises(Refused) as caught:
        parse(options, head=head)
    return caught.value.reason


Test = tuple[tuple[tuple[int, int], ...], int | None, bool]


def columns(options: str, **keywords: str) -> dict[str, list[Test]]:
    """Column -> its tests as (spans, mask, negated)."""
    made: dict[str, list[Test]] = {}
    for test in parse(options, **keywords).columns:
        made.setdefault(test.column, []).append((test.spans, test.mask, test.negated))
    return made

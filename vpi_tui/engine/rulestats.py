"""Of each rule what the ui shows: alerts, and what it cost."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.detect.match.profile import RuleProfile
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.model.batch import I64
from vpi_tui.model.snapshot import RuleStat

MOST_STATS: Final = 1000
"""Rules that one snapshot tells of."""


def rule_stats(rules: RuleBook, profile: RuleProfile) -> tuple[RuleStat, ...]:
    """Of the rules that raised an alert or were checked; of too many, those with alerts, then the dearest."""
    count = len(rules.signatures)
    hits, last, checks, matches, cpu_ns = (np.zeros(count, np.int64) for _ in range(5))
    for number, (raised, last_ns) in rules.hits.items():
        hits[number], last[number] = raised, last_ns
    own = profile.checks.size  # behaviours stand behind the rules and are not counted
    checks[:own], matches[:own], cpu_ns[:own] = profile.checks, profile.matches, profile.cpu_ns
    told: I64 = np.flatnonzero((hits > 0) | (checks > 0))
    if told.size > MOST_STATS:
        order = np.lexsort((checks[told], cpu_ns[told], hits[told] > 0))
        told = np.sort(told[order[-MOST_STATS:]])
    columns = (column[told].tolist() for column in (hits, last, checks, matches, cpu_ns))
    return tuple(
        RuleStat(*rules.identity.key(number), *values)
        for number, *values in zip(told.tolist(), *columns, strict=True)
    )

"""DNS datagrams in which no rule can find anything, told in compiled loops: their parser is not asked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.kernels_dns import ASKS, ODD, plain_messages
from vpi_tui.detect.applayer.transaction import EVENTS
from vpi_tui.detect.match.app_rules import AppRules
from vpi_tui.detect.match.kernels_scan import Units, scan
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.model.batch import I64, U8

_DNS: Final = "dns"
_QUERY: Final = "dns.query"
_SOUGHT: Final = frozenset({_QUERY, EVENTS})
_ROOM: Final = 4_096
"""Candidates of one batch; when there are more, all its datagrams are parsed."""


class DnsSieve:
    """For rules that look at nothing of DNS but the names of queries, by a pattern, and anomalies."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        sets = {number for number in rules.app.set_of.get((_DNS, _QUERY), ()) if number >= 0}
        self._sets: I64 = np.array(sorted(sets), np.int64)
        """Those of all ways: which one a datagram goes is not known yet."""
        self._seen = np.full(rules.count, -1, np.int64)
        self._out = np.empty((_ROOM, 2), np.int64)

    def remarkable(self, buf: U8, start: I64, size: I64, direction: U8) -> NDArray[np.bool_]:
        """bool[n]: True = the parser has to see the datagram. start, size: int64[n], in buf."""
        verdict, name_end = np.empty(start.size, np.uint8), np.empty(start.size, np.int64)
        names = np.empty(int(size.sum()), np.uint8)
        plain_messages(buf, start, size, direction, verdict, names, name_end)
        found: NDArray[np.bool_] = verdict == ODD
        asked = np.flatnonzero(verdict == ASKS)
        if asked.size and self._sets.size:
            begin = np.concatenate((np.zeros(1, np.int64), name_end[:-1]))
            found[asked[self._sought(names, begin[asked], name_end[asked])]] = True
        return found

    def _sought(self, names: U8, begin: I64, end: I64) -> I64:
        """Numbers of the names about which a rule may be; some are there several times."""
        size, count = begin.size, self._sets.size
        begin, end = np.tile(begin, count), np.tile(end, count)
        units = Units(
            start=begin,
            begin=begin,
            end=end,
            last=end,
            fresh=begin,
            patterns=np.repeat(self._sets, size).astype(np.int32),
            entry=np.zeros(begin.size, np.int32),
            kind=np.zeros(begin.size, np.uint8),
            whole=np.ones(begin.size, np.bool_),
        )
        app = self._rules.app
        self._seen.fill(-1)
        found = int(scan(names, units, app.patterns, app.fast, self._rules.enabled, self._seen, self._out))
        if found > _ROOM:
            return np.arange(size)
        return self._out[:found, 0] % size


def sieves_of(rules: RuleSet) -> dict[str, DnsSieve]:
    """By protocol; none of DNS when some rule looks at more than its sieve does."""
    return {_DNS: DnsSieve(rules)} if _is_enough(rules.app) else {}


def _is_enough(app: AppRules) -> bool:
    looked_at = frozenset().union(*app.buffers.get(_DNS, ()))
    return _DNS not in app.listed and _DNS not in app.frames and looked_at <= _SOUGHT

"""Which alerts are held back: suppressed by address, or by a rate filter that lets the rest pass."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vpi_tui.model.signature import RateFilter, Signature, Suppress

MOST_RATES: Final = 65_536
"""Rates that are kept; the one that began longest ago makes room."""
_SECOND: Final = 1_000_000_000

Address = tuple[int, int]
"""High and low half."""


@dataclass(slots=True)
class _Rate:
    begin_ns: int
    count: int = 1
    silent_since: int = 0
    """The second in which the count was exceeded; 0 = it is not."""


class AlertLimits:
    """Asked once for each alert that would be raised."""

    def __init__(self, special: Mapping[int, Signature]) -> None:
        self._suppress = {n: [_Set(s) for s in s.suppress] for n, s in special.items() if s.suppress}
        # Another action than pass changes nothing here: a monitor alerts on drop and reject as well.
        self._filters = {
            n: s.rate_filter for n, s in special.items() if s.rate_filter and s.rate_filter.silent
        }
        self._rates: OrderedDict[tuple[int, Address | None, Address | None], _Rate] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._suppress or self._filters)

    def allow(self, rule: int, src: Address, dest: Address, now_ns: int) -> bool:
        if any(entry.holds(src, dest) for entry in self._suppress.get(rule, ())):
            return False
        limit = self._filters.get(rule)
        return limit is None or self._below(rule, limit, src, dest, now_ns)

    def take_over(self, before: AlertLimits, numbers: Sequence[int]) -> None:
        """Go on with the rates of an earlier set. numbers: those of its rules here, -1 = gone."""
        self._rates = OrderedDict(
            ((numbers[rule], src, dest), rate)
            for (rule, src, dest), rate in before._rates.items()
            if self._filters.get(numbers[rule]) == before._filters[rule]
        )

    def _below(self, rule: int, limit: RateFilter, src: Address, dest: Address, now_ns: int) -> bool:
        key = (
            rule,
            src if limit.track in ("by_src", "by_both") else None,
            dest if limit.track in ("by_dst", "by_both") else None,
        )
        rate = self._rates.get(key)
        if rate is None:
            if len(self._rates) >= MOST_RATES:
                self._rates.popitem(last=False)
            self._rates[key] = _Rate(now_ns)
            return True
        if rate.silent_since:
            if now_ns // _SECOND - rate.silent_since <= limit.timeout:
                return False
            rate.silent_since = 0  # this one does not count; the window goes on
            return True
        if now_ns - rate.begin_ns > limit.seconds * _SECOND:
            self._rates[key] = _Rate(now_ns)
            return True
        rate.count += 1
        if rate.count > limit.count:
            rate.silent_since = now_ns // _SECOND
            return False
        return True


class _Set:
    """One suppression, ready to be searched."""

    def __init__(self, entry: Suppress) -> None:
        self._track = entry.track
        self._test = entry.ranges.test()

    def holds(self, src: Address, dest: Address) -> bool:
        return (self._track != "by_dst" and self._has(src)) or (self._track != "by_src" and self._has(dest))

    def _has(self, address: Address) -> bool:
        return self._test(address[0] << 64 | address[1])

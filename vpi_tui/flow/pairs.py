"""Who speaks to whom: facts joined by their two ends, in windows of time; and which pairs are new.

An end is a guest, the world, this host, a group, or not known. A tick costs one sort of its facts;
first-seen pairs are kept as two sorted columns, so that a pair is looked up by halving and only a new one is
inserted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.facts import Facts, total_bytes
from vpi_tui.flow.windows import Kind, Windows
from vpi_tui.model.batch import I64, U64
from vpi_tui.model.matrix import PairStat
from vpi_tui.model.places import placed, places_since
from vpi_tui.model.snapshot import Window
from vpi_tui.model.topology import End, Locality

PairRows = NDArray[Any]
"""structured[k] of PAIR_DTYPE."""

PAIR_DTYPE = np.dtype(
    [
        ("key", np.uint64),  # of switch, ends and locality, each exactly
        ("bytes", np.uint64),  # both directions
        ("first_ns", np.int64),  # start of the first of its flows
        ("last_ns", np.int64),
        ("started", np.uint32),  # flows that began
        ("seen", np.uint32),  # most flows that were active in one tick
        ("alerts", np.uint32),
        ("switch", np.int16),
        ("src_guest", np.int16),  # or an End, as the next
        ("dest_guest", np.int16),
        ("locality", np.uint8),
    ],
    align=True,
)
MAX_FIRST_SEEN = 1 << 18
"""Pairs whose first time is remembered: a full mesh of 512 guests."""
SETTLE_NS = 60_000_000_000
"""After the start of the sensor everything is seen for the first time; so long nothing is called new."""
END_NAMES = {end: end.name.lower() for end in End}
_LOCALITIES = tuple(Locality)
_ALERT_WEIGHT = np.uint64(1 << 48)
"""A pair with alerts is not cut off for its few bytes."""


def _key_of(rows: PairRows | Facts) -> U64:
    """One number for each row's switch, ends and locality."""
    ends = pair_ids(rows["src_guest"], rows["dest_guest"])
    switch = rows["switch"].astype(np.uint16).astype(np.uint64)
    return np.asarray(switch << np.uint64(35) | ends << np.uint64(3) | rows["locality"])


def _keyed(rows: PairRows) -> PairRows:
    """Write each row's key of what it is about."""
    rows["key"] = _key_of(rows)
    return rows


def _grouped(key: U64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """An order in which equal keys stand together, and where in it each key begins."""
    order = np.argsort(key)
    ranked = key[order]
    return order, np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))


def pair_ids(src: NDArray[np.int16], dest: NDArray[np.int16]) -> U64:
    """One number for each two ends."""
    high = src.astype(np.uint16).astype(np.uint64)
    return np.asarray(high << np.uint64(16) | dest.astype(np.uint16))


def _ends(pair: U64) -> PairRows:
    """The inverse of `pair_ids`: rows of which nothing else is known."""
    rows = np.zeros(len(pair), PAIR_DTYPE)
    rows["src_guest"] = (pair >> np.uint64(16)).astype(np.uint16).view(np.int16)
    rows["dest_guest"] = (pair & np.uint64(0xFFFF)).astype(np.uint16).view(np.int16)
    return rows


def _moved(rows: PairRows, places: NDArray[np.int16]) -> PairRows:
    """Guests at their new places."""
    rows = rows.copy()
    for name in ("src_guest", "dest_guest"):
        rows[name] = placed(rows[name], places)
    return merged(_keyed(rows))


def of_facts(facts: Facts) -> PairRows:
    """One row for each switch, two ends and locality, without flows inside tunnels: those count once."""
    if facts["inner"].any():
        facts = facts[~facts["inner"]]
    if not len(facts):
        return np.zeros(0, PAIR_DTYPE)
    key = _key_of(facts)
    order, starts = _grouped(key)
    out = np.zeros(len(starts), PAIR_DTYPE)
    first = order[starts]
    out["key"] = key[first]
    for name in ("switch", "src_guest", "dest_guest", "locality"):
        out[name] = facts[name][first]
    out["bytes"] = np.add.reduceat(total_bytes(facts)[order], starts)
    for name, join in (
        ("started", np.add),
        ("seen", np.add),
        ("first_ns", np.minimum),
        ("last_ns", np.maximum),
    ):
        out[name] = join.reduceat(facts[name][order], starts)
    return out


def of_alerts(flows: NDArray[Any]) -> PairRows:
    """One row a pair: an alert for each of these flow records."""
    rows = np.zeros(len(flows), PAIR_DTYPE)
    for name in ("last_ns", "switch", "src_guest", "dest_guest", "locality"):
        rows[name] = flows[name]
    rows["first_ns"] = flows["start_ns"]
    rows["alerts"] = 1
    return merged(_keyed(rows), same_tick=True)


def merged(rows: PairRows, *, same_tick: bool = False) -> PairRows:
    """One row a key. same_tick: flows add up; else the tick that saw most of them counts."""
    if not len(rows):
        return rows
    order, starts = _grouped(rows["key"])
    out: PairRows = rows[order[starts]]
    for name in ("bytes", "started", "alerts"):
        out[name] = np.add.reduceat(rows[name][order], starts)
    out["seen"] = (np.add if same_tick else np.maximum).reduceat(rows["seen"][order], starts)
    out["first_ns"] = np.minimum.reduceat(rows["first_ns"][order], starts)
    out["last_ns"] = np.maximum.reduceat(rows["last_ns"][order], starts)
    return out


def _weight(rows: PairRows) -> U64:
    return np.asarray(rows["bytes"] + np.where(rows["alerts"] > 0, _ALERT_WEIGHT, np.uint64(0)))


PAIRS = Kind(PAIR_DTYPE, merged, _weight, room=8)


@dataclass(slots=True)
class FirstSeen:
    """When each pair was first seen; at most MAX_FIRST_SEEN. Sorted by pair."""

    pair: U64 = field(default_factory=lambda: np.zeros(0, np.uint64))
    first_ns: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    lost: int = 0
    """Pairs for which there was no room: they are never new."""

    def note(self, pair: U64, first_ns: I64) -> None:
        """first_ns: time of the first packet, for each of `pair`; the same pair may come more than once."""
        fresh = ~self._has(pair)
        if not fresh.any():
            return
        pair, first_ns = pair[fresh], first_ns[fresh]
        order = np.lexsort((first_ns, pair))
        pair, first_ns = pair[order], first_ns[order]
        kept = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
        room = MAX_FIRST_SEEN - len(self.pair)
        self.lost += max(0, len(kept) - room)
        kept = kept[:room]
        at = np.searchsorted(self.pair, pair[kept])
        self.pair = np.insert(self.pair, at, pair[kept])
        self.first_ns = np.insert(self.first_ns, at, first_ns[kept])

    def when(self, pair: U64) -> I64:
        """Time of each pair's first packet; 0 = not remembered."""
        at, has = np.searchsorted(self.pair, pair), self._has(pair)
        out = np.zeros(len(pair), np.int64)
        out[has] = self.first_ns[at[has]]
        return out

    def moved(self, places: NDArray[np.int16]) -> FirstSeen:
        """The same with guests at their new places."""
        rows = _ends(self.pair)
        for name in ("src_guest", "dest_guest"):
            rows[name] = placed(rows[name], places)
        out = FirstSeen(lost=self.lost)
        out.note(pair_ids(rows["src_guest"], rows["dest_guest"]), self.first_ns)
        return out

    def _has(self, pair: U64) -> NDArray[np.bool_]:
        at = np.searchsorted(self.pair, pair)
        has = at < len(self.pair)
        has[has] = self.pair[at[has]] == pair[has]
        return np.asarray(has)


class PairTable:
    """Takes facts and alerts as they come; `tick` closes one stretch of time."""

    def __init__(self) -> None:
        self._windows = Windows(PAIRS)
        self._pending: list[PairRows] = []
        self._first = FirstSeen()
        self._start_ns = 0
        self.baseline_ns = 0
        """Pairs that were first seen later are new; 0 = there is no baseline."""
        self._guests: tuple[str, ...] = ()

    def take(self, facts: Facts) -> None:
        """Facts of the tick that goes on."""
        self._pending.append(of_facts(facts))

    def alerted(self, flows: NDArray[Any]) -> None:
        """Flow records that alerts were raised about, one for each alert."""
        if len(flows):
            self._pending.append(of_alerts(flows))

    def tick(self, now_ns: int) -> None:
        """now_ns: packet time."""
        self._start_ns = self._start_ns or now_ns
        pending, self._pending = self._pending, []
        whole = merged(np.concatenate(pending), same_tick=True) if pending else np.zeros(0, PAIR_DTYPE)
        self._first.note(pair_ids(whole["src_guest"], whole["dest_guest"]), whole["first_ns"])
        self._windows.add((whole,), now_ns)

    def follow(self, guests: Sequence[str]) -> None:
        """Names by position, as the topology has them now. Guests whose position changed are found again by
        name; one that is gone from it is not known any more."""
        places = places_since(self._guests, guests)
        self._guests = tuple(guests)
        if places is None:
            return
        self._windows.rewrite(lambda rows: _moved(rows, places))
        self._pending = [_moved(rows, places) for rows in self._pending]
        self._first = self._first.moved(places)

    def rows(self, window: Window) -> PairRows:
        """All pairs of a window, in no order."""
        return self._windows.rows(window)

    def stats(self) -> dict[str, float]:
        return {
            "matrix.pairs": float(len(self._first.pair)),
            "matrix.pairs_dropped": float(self._windows.dropped() + self._first.lost),
        }

    def told(
        self,
        window: Window,
        switches: Sequence[str],
        guests: Sequence[str],
        *,
        scope_switch: int | None = None,
        scope_guest: int | None = None,
        broken: Mapping[tuple[int, int], str] | None = None,
        limit: int = 4096,
    ) -> tuple[PairStat, ...]:
        """The pairs of a window, most bytes first. broken: two ends to the policy's line that they break."""
        rows = self.rows(window)
        if scope_switch is not None:
            rows = rows[rows["switch"] == scope_switch]
        if scope_guest is not None:
            rows = rows[(rows["src_guest"] == scope_guest) | (rows["dest_guest"] == scope_guest)]
        rows = PAIRS.heaviest(rows, limit)
        rows = rows[np.lexsort((rows["key"], -rows["bytes"].astype(np.int64)))]
        first = self._first.when(pair_ids(rows["src_guest"], rows["dest_guest"]))
        after = self.baseline_ns or max(self._windows.since(window), self._start_ns + SETTLE_NS)
        columns = zip(
            *(rows[name].tolist() for name in ("src_guest", "dest_guest", "switch", "locality", "bytes")),
            np.maximum(rows["started"], rows["seen"]).tolist(),
            rows["alerts"].tolist(),
            first.tolist(),
            rows["last_ns"].tolist(),
            (first > after).tolist(),
            strict=True,
        )
        lines = broken or {}
        return tuple(
            PairStat(
                end_name(src, guests), end_name(dest, guests),
                switches[switch] if 0 <= switch < len(switches) else "",
                _LOCALITIES[locality], size, flows, alerts, first_ns, last_ns, new,
                lines.get((src, dest), ""),
            )
            for src, dest, switch, locality, size, flows, alerts, first_ns, last_ns, new in columns
        )  # fmt: skip


def end_name(number: int, guests: Sequence[str]) -> str:
    """Name of a guest by position, or what its End is called."""
    if 0 <= number < len(guests):
        return guests[number]
    return END_NAMES.get(number, "unknown")  # type: ignore[call-overload,no-any-return]

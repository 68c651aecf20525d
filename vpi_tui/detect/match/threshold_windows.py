"""The table of thresholds' windows: made, and moved to another set of rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.kernels_threshold import WAYS, ThresholdRules, ThresholdTable
from vpi_tui.model.batch import I64, U64


def threshold_table(places: int) -> ThresholdTable:
    """An empty one. All of a window lies side by side: which one is met next nobody can know, and so each is
    a page of memory to touch, not one for each column."""
    whole = np.zeros((places, 7), np.uint64)
    begin, counted = whole[:, 5].view(np.int64), whole[:, 6].view(np.int64)
    return ThresholdTable(whole[:, :5], begin, counted, evicted=np.zeros(1, np.int64))


def take_over_windows(
    table: ThresholdTable, rules: ThresholdRules, old: ThresholdTable, old_rules: ThresholdRules,
    numbers: I64, salt: np.uint64,
) -> None:  # fmt: skip
    """Put the windows of `old` into the empty `table`, but for those of rules that are gone or changed.

    numbers: int64[old rules], their numbers now, -1 = gone. salt: of both tables. Of windows that find no
    room in their set the stalest are left out.
    """
    table.evicted[:] = old.evicted
    used = np.flatnonzero(old.key[:, 0])
    before = old.key[used, 0].astype(np.int64) - 1
    now = numbers[before]
    same = now >= 0
    columns: list[tuple[NDArray[Any], NDArray[Any]]] = list(zip(rules, old_rules, strict=True))
    for ours, theirs in columns:
        same &= ours[np.maximum(now, 0)] == theirs[before]
    used, now = used[same], now[same]
    key = old.key[used].copy()
    key[:, 0] = (now + 1).astype(np.uint64)
    sets = (_mixed(key, salt) % np.uint64(table.begin.size // WAYS)).astype(np.int64)
    order = np.lexsort((-old.begin[used], sets))
    first = np.searchsorted(sets[order], sets[order])
    rank = np.arange(order.size) - first
    fits = rank < WAYS
    place = (sets[order] * WAYS + rank)[fits]
    taken = order[fits]
    table.key[place] = key[taken]
    table.begin[place] = old.begin[used[taken]]
    table.counted[place] = old.counted[used[taken]]


def _mixed(key: U64, salt: np.uint64) -> U64:
    """As kernels_threshold places a key: uint64[k, 5] -> uint64[k]."""
    mixed = np.full(len(key), salt, np.uint64)
    for column in range(key.shape[1]):
        mixed ^= key[:, column]
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(33)
    return mixed

"""Sets of integers as spans: the arithmetic behind address and port lists.

`Spans` is sorted, disjoint, inclusive and not adjacent; the empty tuple is the empty set.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
Spans = tuple[Span, ...]


def union(spans: Iterable[Span]) -> Spans:
    """Sorted, merged spans; the input may overlap."""
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            if high > merged[-1][1]:
                merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(spans: Spans, highest: int) -> Spans:
    """All of 0..highest that is not in `spans`."""
    gaps: list[Span] = []
    start = 0
    for low, high in spans:
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= highest:
        gaps.append((start, highest))
    return tuple(gaps)


def subtract(spans: Spans, less: Spans) -> Spans:
    """What is in `spans` and not in `less`."""
    kept: list[Span] = []
    at = 0
    for low, high in spans:
        while at < len(less) and less[at][1] < low:
            at += 1
        start, step = low, at
        while step < len(less) and less[step][0] <= high:
            if less[step][0] > start:
                kept.append((start, less[step][0] - 1))
            start = max(start, less[step][1] + 1)
            step += 1
        if start <= high:
            kept.append((start, high))
    return tuple(kept)

"""Thresholds: counting matches per rule and address, flow or rule, in a table of bounded size.

What each kind does is Suricata's (manual, "Thresholding Keywords"; detect-engine-threshold.c):
time comes from the packets, a window begins with the first match and lasts `seconds` inclusive.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I64, U8, U64
from vpi_tui.model.jit import allocating_kernel, helper

WAYS = 8
LIMIT, THRESHOLD, BOTH, DETECTION_FILTER, BACKOFF = 1, 2, 3, 4, 5
BY_SRC, BY_DST, BY_BOTH, BY_RULE, BY_FLOW = 0, 1, 2, 3, 4


class ThresholdRules(NamedTuple):
    """uint8 / int64 [n]: the threshold of each rule; kind 0 = none."""

    kind: U8
    track: U8
    limit: I64
    """The rule's count."""
    window_ns: I64
    multiplier: I64


class ThresholdTable(NamedTuple):
    """Sets of 8 places; a new key takes a free place of its set, or that of a window that is over, or of the
    one with the fewest matches: invented senders, each of which matches once, push out one another."""

    key: U64
    """uint64[places, 5]: rule + 1 and up to two addresses; 0 = free."""
    begin: I64
    """int64[places]: ns, time of the first match in the window."""
    counted: I64
    evicted: I64
    """int64[1]: windows that were still open when their place was taken."""


@helper
def _mix(value):
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@helper
def _is_open(table, place, now, windows):
    return now <= table.begin[place] + windows[np.int64(table.key[place, 0]) - 1]


@helper
def _goes_before(table, place, other, now, windows):
    """Of two places that are taken, is the first one to be given up rather than the other?"""
    is_open = _is_open(table, place, now, windows)
    if is_open != _is_open(table, other, now, windows):
        return not is_open
    if table.counted[place] != table.counted[other]:
        return table.counted[place] < table.counted[other]
    return table.begin[place] < table.begin[other]


@helper
def _place(table, key, now, windows, salt):
    """(place, is it new) for a key."""
    mixed = salt
    for k in range(5):
        mixed = _mix(mixed ^ key[k])
    sets = table.begin.size // WAYS
    home = np.int64(mixed % np.uint64(sets)) * WAYS
    spare = home
    for place in range(home, home + WAYS):
        if table.key[place, 0] == 0:
            spare = place
            break
        same = True
        for k in range(5):
            if table.key[place, k] != key[k]:
                same = False
                break
        if same:
            return place, False
        if _goes_before(table, place, spare, now, windows):
            spare = place
    if table.key[spare, 0] != 0 and _is_open(table, spare, now, windows):
        table.evicted[0] += 1
    for k in range(5):
        table.key[spare, k] = key[k]
    return spare, True


@helper
def _is_step(count, limit, multiplier):
    """Is the count limit, limit * multiplier, limit * multiplier ** 2, ...?"""
    while limit < count:
        limit *= multiplier
    return limit == count


@helper
def _fires(kind, limit, window, multiplier, table, place, is_new, now):
    """Count one match; does it raise an alert?"""
    if is_new or now > table.begin[place] + window:
        table.begin[place] = now
        table.counted[place] = 1
        return kind == LIMIT or ((kind == BOTH or kind == BACKOFF) and limit == 1)
    table.counted[place] += 1
    count = table.counted[place]
    if kind == LIMIT:
        return count <= limit
    if kind == BOTH:
        return count == limit
    if kind == BACKOFF:
        return _is_step(count, limit, multiplier)
    if kind == DETECTION_FILTER:
        return count > limit
    if count >= limit:
        table.counted[place] = 0
        return True
    return False


@helper
def _after(a_high, a_low, b_high, b_low):
    return a_high > b_high or (a_high == b_high and a_low > b_low)


@allocating_kernel
def apply_thresholds(rules, table, salt, rule, entry, ts_ns, src_ip, dest_ip, flow, born, keep):
    """Set keep[i] to 0 for each match i (rule[i], entry[i]) that its threshold holds back.

    In order of i. ts_ns int64[entries]; src_ip, dest_ip uint64[entries, 2]; flow, born: the flow's slot
    and generation by entry. salt: uint64, secret, so that no sender can aim at one set of places.
    """
    key = np.zeros(5, np.uint64)
    for i in range(rule.size):
        number = rule[i]
        kind = rules.kind[number]
        if kind == 0 or (kind == THRESHOLD and rules.limit[number] == 1):
            continue
        e = entry[i]
        key[0] = np.uint64(number + 1)
        key[1], key[2], key[3], key[4] = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        track = rules.track[number]
        if track == BY_SRC:
            key[1], key[2] = src_ip[e, 0], src_ip[e, 1]
        elif track == BY_DST:
            key[1], key[2] = dest_ip[e, 0], dest_ip[e, 1]
        elif track == BY_BOTH:
            key[1], key[2], key[3], key[4] = src_ip[e, 0], src_ip[e, 1], dest_ip[e, 0], dest_ip[e, 1]
            if _after(key[1], key[2], key[3], key[4]):
                key[1], key[2], key[3], key[4] = key[3], key[4], key[1], key[2]
        elif track == BY_FLOW:
            if flow[e] < 0:  # nothing to count by
                keep[i] = 0
                continue
            key[1], key[2] = np.uint64(flow[e] + 1), np.uint64(born[e])
        now = ts_ns[e]
        place, is_new = _place(table, key, now, rules.window_ns, salt)
        limit, window, multiplier = rules.limit[number], rules.window_ns[number], rules.multiplier[number]
        if not _fires(kind, limit, window, multiplier, table, place, is_new, now):
            keep[i] = 0

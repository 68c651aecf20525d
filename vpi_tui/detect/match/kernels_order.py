"""What the loops of one batch have found, sorted, and whom each of it is about."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, U8, U32, U64
from vpi_tui.model.jit import allocating_kernel, helper

LAST = 0x7FFFFFFF
"""Behind all stretches."""
PLACE, TURN, RULE = 0, 1, 2
"""Columns of what is sorted: row and entry; rank and stretch; the rule, which follows from its rank."""


class Ends(NamedTuple):
    """Columns of rows, of stretches or of entries: all that is looked up of them."""

    row: I32
    flow: I32
    born: U32
    direction: U8
    src_ip: U64
    dest_ip: U64


@helper
def _put(found, of, rank, is_stretch, is_entry, at, out):
    """Add what was found, (place, rule), of rows, stretches or entries; returns the new count."""
    for i in range(found.shape[0]):
        place, rule = found[i, 0], found[i, 1]
        entry, stretch = place if is_entry else np.int64(-1), place if is_stretch else np.int64(LAST)
        out[at, PLACE] = (np.int64(of.row[place]) << 32) | (entry + 1)
        out[at, TURN] = (np.int64(rank[rule]) << 32) | stretch
        out[at, RULE] = rule
        at += 1
    return at


@helper
def _merge(keys, width, out):
    """One round of merge sort, by PLACE and TURN: stretches of `width`, which are sorted, two by two."""
    count = np.int64(keys.shape[0])
    for left in range(0, count, 2 * width):
        middle, end = min(left + width, count), min(left + 2 * width, count)
        a, b = left, middle
        for k in range(left, end):
            from_b = b < end and (
                a >= middle
                or keys[b, PLACE] < keys[a, PLACE]
                or (keys[b, PLACE] == keys[a, PLACE] and keys[b, TURN] < keys[a, TURN])
            )
            taken = b if from_b else a
            for column in range(3):
                out[k, column] = keys[taken, column]
            if from_b:
                b += 1
            else:
                a += 1


@allocating_kernel
def in_order(of_packets, of_streams, of_entries, rank, rows, streams, entries, packet_of, ts_ns):
    """Sort what was found, int64[n, 2] each of (row | stretch | entry, rule), without what is there twice.

    rows, streams, entries: Ends. packet_of: int32[rows]; ts_ns: int64[packets]. rank: int32[rules], each
    another. Returns rule, row, stretch and entry of each candidate (candidates.Candidates), then flow,
    generation, direction, time, source and destination (subjects.Subjects).
    """
    count = of_packets.shape[0] + of_streams.shape[0] + of_entries.shape[0]
    keys = np.empty((count, 3), np.int64)
    n = _put(of_packets, rows, rank, False, False, np.int64(0), keys)
    n = _put(of_streams, streams, rank, True, False, n, keys)
    n = _put(of_entries, entries, rank, False, True, n, keys)
    spare, width = np.empty((count, 3), np.int64), np.int64(1)
    while width < count:
        _merge(keys, width, spare)
        keys, spare = spare, keys
        width *= 2
    rule, row = np.empty(count, np.int32), np.empty(count, np.int32)
    stream, entry = np.empty(count, np.int32), np.empty(count, np.int32)
    flow, born = np.empty(count, np.int64), np.empty(count, np.int64)
    direction, time = np.empty(count, np.uint8), np.zeros(count, np.int64)
    src_ip, dest_ip = np.empty((count, 2), np.uint64), np.empty((count, 2), np.uint64)
    n = np.int64(0)
    for i in range(count):
        if i and keys[i, PLACE] == keys[i - 1, PLACE] and keys[i, TURN] == keys[i - 1, TURN]:
            continue
        rule[n], row[n] = keys[i, RULE], keys[i, PLACE] >> 32
        entry[n], stretch = (keys[i, PLACE] & 0xFFFFFFFF) - 1, keys[i, TURN] & 0xFFFFFFFF
        stream[n] = stretch if stretch != LAST else -1
        of, at = rows, np.int64(row[n])
        if entry[n] >= 0:
            of, at = entries, np.int64(entry[n])
        elif stream[n] >= 0:
            of, at = streams, np.int64(stream[n])
        flow[n], born[n], direction[n] = of.flow[at], of.born[at], of.direction[at]
        for half in range(2):
            src_ip[n, half], dest_ip[n, half] = of.src_ip[at, half], of.dest_ip[at, half]
        if packet_of.size:
            time[n] = ts_ns[packet_of[max(row[n], 0)]]
        n += 1
    return (
        rule[:n], row[:n], stream[:n], entry[:n],
        flow[:n], born[:n], direction[:n], time[:n], src_ip[:n], dest_ip[:n],
    )  # fmt: skip

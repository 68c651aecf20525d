"""The multi-pattern scan: byte-class automata, and a sieve before those whose patterns are long enough.

Each automaton is a dense table: state x byte class -> row of the next state. All automata share one
array. Four stretches of bytes are walked at a time; a byte costs the same whatever it is.

The sieve looks at three or four bytes, steps over as many as no pattern can hide in, and lets the
automaton walk only around bytes that some pattern contains. A sender whose bytes pass the sieve too
often gets the plain walk for the rest of the stretch, so that nobody can slow the scan down.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.detect.match.kernels_rules import rule_holds
from vpi_tui.model.batch import I32, I64, U8, U32, U64
from vpi_tui.model.jit import allocating_kernel, helper, inlined, kernel

LANES = 4
LONGEST = 8
"""Bytes of a pattern in an automaton at most (fast_pattern.LONGEST_PIECE)."""
SIEVE_WORDS = 512
MANY_PASSES = 32
"""A stretch in which one byte in so many passes the sieve is walked as a whole."""


class Automata(NamedTuple):
    """`a` automata in one table.

    A state is the position of its row in `table`; an entry is the next state with bit 0 set when a
    pattern ends there (rows have an even length). Column `width - 1` of a row holds the number of
    the state's list of patterns.
    """

    table: U32
    classes: U8
    """uint8[a * 256]: class of each byte, 0 = in no pattern."""
    start: U32
    """uint32[a]: the root."""
    width: U32
    """uint32[a]: entries of a row."""
    out_start: I32
    """int32[lists + 1]"""
    out_pattern: I32
    """int32[...]: patterns that end in a state, those that end there through a failure link too."""
    rule_start: I32
    """int32[patterns + 1]: which rules have the pattern."""
    rule: I32
    gram: U8
    """uint8[a]: bytes that the sieve looks at, 3 or 4; 0 = no sieve."""
    stride: U8
    """uint8[a]: bytes from one look to the next."""
    sieve: U64
    """uint64[a * SIEVE_WORDS]: a bit for each hash of bytes at which a pattern of the automaton has
    to be looked for."""


class FastContents(NamedTuple):
    """For each rule the one content by which it is looked for; `n` entries (length 0 = none)."""

    byte_start: I64
    """int64[n]: where its bytes begin in `data`."""
    length: I32
    tail: I32
    """int32[n]: bytes of the content behind the end of the piece that is in the automaton."""
    low: I32
    """int32[n]: earliest start in the payload."""
    high: I32
    """int32[n]: latest end in the payload; a negative number = no limit."""
    at_end: U8
    """uint8[n]: 1 = the content must end where the payload ends."""
    nocase: U8
    kinds: U8
    """uint8[n]: bits 1 << unit kind (units.UnitKind) that the rule inspects."""
    simple: U8
    """uint8[n]: 1 = this content is all of the rule's steps: found is matched."""
    data: U8


class Lanes(NamedTuple):
    """Where each of the stretches that are walked at a time stands (4 entries each), and what is left."""

    at: I64
    stop: I64
    unit: I64
    base: U32
    """First entry of its automaton's classes."""
    state: U32
    unit_of: I64
    """int64[room]: units to walk."""
    begin_of: I64


class Units(NamedTuple):
    """`u` stretches of bytes to scan, each with one automaton."""

    start: I64
    """int64[u]: where the payload begins, from which positions count."""
    begin: I64
    """int64[u]: where the scan begins."""
    end: I64
    last: I64
    """int64[u]: where the scan ends; the payload's own end is `end`."""
    fresh: I64
    """int64[u]: bytes before this were inspected before."""
    automaton: I32
    entry: I32
    """int32[u]: entry of the Subject."""
    kind: U8
    """uint8[u]: a UnitKind."""


@helper
def _fold(byte):
    return byte + np.uint8(32) if 65 <= byte <= 90 else byte


@helper
def _content_holds(fast, rule, units, unit, buf, end):
    """Is the whole content of the rule around the piece that ended at `end`?"""
    length = np.int64(fast.length[rule])
    last = end + fast.tail[rule]
    first = last - length
    base = units.start[unit]
    if first < base + fast.low[rule] or last > units.end[unit]:
        return False
    if fast.high[rule] >= 0 and last > base + fast.high[rule]:
        return False
    if fast.at_end[rule] and last != units.end[unit]:
        return False
    if fast.simple[rule] and last <= units.fresh[unit]:
        return False
    data = fast.byte_start[rule]
    if fast.nocase[rule]:
        for k in range(length):
            if _fold(buf[np.uint64(first + k)]) != fast.data[np.uint64(data + k)]:
                return False
    else:
        for k in range(length):
            if buf[np.uint64(first + k)] != fast.data[np.uint64(data + k)]:
                return False
    return True


@helper
def _emit(
    state, end, lane, unit, buf, units, automata, fast, rules, enabled, subject, decoded, first, seen, out, n
):
    """Add to `out` the rules of the patterns that end here and that hold; return the new count.

    A rule that was added or whose header fails is not looked at again for this unit.
    """
    width = automata.width[units.automaton[unit]]
    number = np.int64(automata.table[np.uint64((state & np.uint32(0xFFFFFFFE)) + width - np.uint32(1))])
    entry = np.int64(units.entry[unit])
    kind = units.kind[unit]
    for k in range(automata.out_start[number], automata.out_start[number + 1]):
        pattern = automata.out_pattern[k]
        for j in range(automata.rule_start[pattern], automata.rule_start[pattern + 1]):
            rule = np.int64(automata.rule[j])
            if seen[lane, rule] == unit:
                continue
            if (
                enabled[rule] == 0
                or (fast.kinds[rule] >> kind) & 1 == 0
                or not rule_holds(rules, rule, subject, entry, decoded, first)
            ):
                seen[lane, rule] = unit
                continue
            if _content_holds(fast, rule, units, unit, buf, end):
                seen[lane, rule] = unit
                if n < out.shape[0]:
                    out[n, 0] = entry
                    out[n, 1] = rule
                n += 1
    return n


@helper
def _walk(buf, count, units, automata, fast, rules, enabled, subject, decoded, first, lanes, seen, out, n):
    """Walk `count` units (lanes.unit_of) from where lanes.begin_of says, four at a time."""
    upcoming = 0
    one, even = np.uint32(1), np.uint32(0xFFFFFFFE)
    table, classes = automata.table, automata.classes
    at, stop, unit, base, state = lanes.at, lanes.stop, lanes.unit, lanes.base, lanes.state
    at[:] = 0
    stop[:] = 0
    while True:
        shortest = np.int64(1 << 62)
        live = 0
        for lane in range(LANES):
            if at[lane] == stop[lane] and upcoming < count:
                unit[lane] = lanes.unit_of[upcoming]
                at[lane], stop[lane] = lanes.begin_of[upcoming], units.last[unit[lane]]
                base[lane] = np.uint32(units.automaton[unit[lane]]) << np.uint32(8)
                state[lane] = automata.start[units.automaton[unit[lane]]]
                upcoming += 1
            left = stop[lane] - at[lane]
            if left > 0:
                live += 1
            shortest = min(shortest, left)
        if live == LANES:
            a0, a1, a2, a3 = np.uint64(at[0]), np.uint64(at[1]), np.uint64(at[2]), np.uint64(at[3])
            b0, b1, b2, b3 = base[0], base[1], base[2], base[3]
            s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
            for k in range(np.uint64(shortest)):
                s0 = table[(s0 & even) + classes[b0 + buf[a0 + k]]]
                s1 = table[(s1 & even) + classes[b1 + buf[a1 + k]]]
                s2 = table[(s2 & even) + classes[b2 + buf[a2 + k]]]
                s3 = table[(s3 & even) + classes[b3 + buf[a3 + k]]]
                if (s0 | s1 | s2 | s3) & one:
                    step = np.int64(k) + 1
                    for lane in range(LANES):
                        hit = s0 if lane == 0 else s1 if lane == 1 else s2 if lane == 2 else s3
                        if hit & one:
                            n = _emit(
                                hit, at[lane] + step, lane, unit[lane], buf, units, automata, fast, rules,
                                enabled, subject, decoded, first, seen, out, n,
                            )  # fmt: skip
            state[0], state[1], state[2], state[3] = s0, s1, s2, s3
            for lane in range(LANES):
                at[lane] += shortest
        elif upcoming < count:
            continue  # a unit without bytes was taken; take the next one
        else:
            for lane in range(LANES):
                s0 = state[lane]
                for k in range(at[lane], stop[lane]):
                    s0 = table[(s0 & even) + classes[base[lane] + buf[np.uint64(k)]]]
                    if s0 & one:
                        n = _emit(
                            s0, k + 1, lane, unit[lane], buf, units, automata, fast, rules,
                            enabled, subject, decoded, first, seen, out, n,
                        )  # fmt: skip
            return n


@inlined
def gram_hash(gram):
    """Number of a bit of a sieve; letters count as the same in both cases (and some bytes as others)."""
    folded = (np.uint64(gram) | np.uint64(0x20202020)) * np.uint64(0x9E3779B1)
    return (folded >> np.uint64(27)) & np.uint64(64 * SIEVE_WORDS - 1)


@inlined
def gram_at(buf, at, size):
    """The 3 or 4 bytes at a position as one number."""
    gram = np.uint32(buf[at]) | (np.uint32(buf[at + np.uint64(1)]) << np.uint32(8))
    gram |= np.uint32(buf[at + np.uint64(2)]) << np.uint32(16)
    if size == 4:
        gram |= np.uint32(buf[at + np.uint64(3)]) << np.uint32(24)
    return gram


@helper
def _next_pass(buf, at, stop, size, stride, sieve, base):
    """The first position from `at` on, in steps of stride, at which the sieve lets through; or stop."""
    place, end, step = np.uint64(at), np.uint64(stop), np.uint64(stride)
    first = np.uint64(base)
    while place < end:
        bit = gram_hash(gram_at(buf, place, size))
        if (sieve[first + (bit >> np.uint64(6))] >> (bit & np.uint64(63))) & np.uint64(1):
            break
        place += step
    return min(np.int64(place), stop)


@inlined
def _sift(buf, unit, units, automata, fast, rules, enabled, subject, decoded, first, seen, out, n):
    """Scan a unit behind its sieve. Returns (count of candidates, where a plain walk has to go on)."""
    number = np.int64(units.automaton[unit])
    size, stride = np.int64(automata.gram[number]), np.int64(automata.stride[number])
    begin, last = units.begin[unit], units.last[unit]
    stop = last - size + 1
    base = np.uint32(number) << np.uint32(8)
    even, one = np.uint32(0xFFFFFFFE), np.uint32(1)
    sieve = number * SIEVE_WORDS
    passes = 0
    at = begin
    while at < stop:
        if size == 4:
            at = _next_pass(buf, at, stop, 4, stride, automata.sieve, sieve)
        else:
            at = _next_pass(buf, at, stop, 3, stride, automata.sieve, sieve)
        if at >= stop:
            break
        passes += 1
        place = max(begin, at - stride + 1)
        if passes > 8 + (at - begin) // MANY_PASSES:
            return n, place
        state = automata.start[number]
        for k in range(place, min(last, at + LONGEST)):
            state = automata.table[np.uint64((state & even) + automata.classes[base + buf[np.uint64(k)]])]
            if state & one:
                n = _emit(
                    state, k + 1, np.int64(0), unit, buf, units, automata, fast, rules, enabled, subject,
                    decoded, first, seen, out, n,
                )  # fmt: skip
        at += stride
    return n, last


@kernel
def scan(buf, units, automata, fast, rules, enabled, subject, decoded, first, lanes, seen, out):
    """Scan all units; candidates (entry, rule) go to out int64[*, 2] as long as there is room.

    Returns how many there are: when more than out's length, call again with a longer one. seen:
    int64[4, rules], filled with -1. lanes: work space.
    """
    n, plain = np.int64(0), np.int64(0)
    for unit in range(units.start.size):
        begin = units.begin[unit]
        if automata.gram[units.automaton[unit]]:
            n, begin = _sift(
                buf, unit, units, automata, fast, rules, enabled, subject, decoded, first, seen, out, n
            )
        if begin < units.last[unit]:
            lanes.unit_of[plain] = unit
            lanes.begin_of[plain] = begin
            plain += 1
    return _walk(
        buf, plain, units, automata, fast, rules, enabled, subject, decoded, first, lanes, seen, out, n
    )


@allocating_kernel
def dense_table(children, fail, order, width, base, lists, table):
    """Fill one automaton's rows in `table` from its trie.

    children: int32[states, classes], -1 = none; order: int32[states] breadth first, root first;
    a state's row is its place in that order, so that the few hot states lie together.
    lists: int32[states]: number of the state's pattern list, 0 = none ends there.
    """
    states, classes = children.shape
    place = np.empty(states, np.int64)
    for i in range(states):
        place[order[i]] = i
    for i in range(states):
        state = order[i]
        row = base + i * width
        table[row + width - 1] = lists[state]
        for c in range(classes):
            child = children[state, c]
            if child >= 0:
                target = base + place[child] * width
                table[row + c] = np.uint32(target | (1 if lists[child] else 0))
            elif i == 0:
                table[row + c] = np.uint32(base)
            else:
                # The failure state lies nearer to the root: its row is complete by now.
                table[row + c] = table[base + place[fail[state]] * width + c]


@allocating_kernel
def end_states(children, classes, data, start):
    """int32[patterns]: the state in which each pattern (bytes data[start[p]:start[p+1]]) ends."""
    found = np.empty(start.size - 1, np.int32)
    for p in range(found.size):
        state = 0
        for k in range(start[p], start[p + 1]):
            state = children[state, classes[data[k]]]
        found[p] = state
    return found


@kernel
def fill_sieve(data, start, size, stride, sieve):
    """Set the bits of all patterns (bytes data[start[p]:start[p+1]], folded) of one automaton.

    A pattern that lies anywhere is met by one look: at one of its first `stride` positions.
    """
    for p in range(start.size - 1):
        for k in range(stride):
            bit = gram_hash(gram_at(data, np.uint64(start[p] + k), size))
            sieve[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))

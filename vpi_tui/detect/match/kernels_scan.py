"""The multi-pattern scan: sets of patterns, each with a sieve and a table to look up what passed it.

The sieve looks at three or four bytes, steps over as many as no pattern can hide in, and looks patterns up
only around bytes that some pattern contains: once for each place and length at which one could lie, however
many there are, so that no sender can make the scan slow by his choice of bytes. Patterns too short for that,
or but a few, are sought one by one by two of their bytes, 64 places at a time.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import I32, I64, U8, U64
from vpi_tui.model.jit import helper, inlined, kernel

SHORTEST, LONGEST = 4, 8
"""Bytes of a pattern behind a sieve (fast_pattern.LONGEST_PIECE)."""
BLOCK = 64
CLOSE = 8
"""So few places are looked at one by one."""
SMALL = np.uint8(0x20)
"""The bit that makes capitals small; of other bytes it makes some the same."""


class PatternSets(NamedTuple):
    """`s` sets of patterns. A pattern's key: its bytes, folded, the first in the lowest bits."""

    gram: U8
    """uint8[s]: bytes that the sieve looks at, 3 or 4; 0 = the set has no pattern for a sieve."""
    stride: U8
    """uint8[s]: bytes from one look to the next."""
    lengths: U8
    """uint8[s]: bit of length - SHORTEST for each length of a pattern behind the sieve."""
    sieve_start: I64
    sieve_mask: U64
    """uint64[s]: bits of the sieve less one."""
    sieve: U64
    """uint64[...]: a bit for each hash of bytes at which a pattern has to be looked for."""
    heads: U64
    """uint64[...], laid out like `sieve`: a bit for each hash of the first SHORTEST bytes of a pattern."""
    place_start: I64
    place_mask: U64
    place_key: U64
    place_length: U8
    """uint8[...]: 0 = a free place of the set's table."""
    place_pattern: I32
    short_start: I32
    """int32[s + 1]: where the set's patterns begin that are sought one by one, most of them short."""
    short_at: U8
    """uint8[...]: where in the pattern the two bytes are by which it is sought."""
    short_bytes: U8
    """uint8[..., 2]: these, with the bit that makes capitals small (the same twice when there is one)."""
    short_length: U8
    short_key: U64
    short_pattern: I32
    short_limit: I32
    """int32[...]: where a unit is scanned for it, bytes from the scan's begin; negative = everywhere."""
    rule_start: I32
    """int32[patterns + 1]: which rules have the pattern."""
    rule: I32


class FastContents(NamedTuple):
    """For each rule the one content by which it is looked for (`n` entries, length 0 = none), and others."""

    byte_start: I64
    """int64[n]: where its bytes begin in `data`."""
    length: I32
    tail: I32
    """int32[n]: bytes of the content behind the end of the piece that is in the pattern set."""
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
    least: I32
    """int32[n]: the payload has so many bytes at least."""
    also_start: I32
    """int32[n + 1]: where the other contents begin that have to be somewhere in the same bytes."""
    also_byte: I64
    also_length: I32
    also_low: I32
    also_high: I32
    also_nocase: U8
    data: U8


class Units(NamedTuple):
    """`u` stretches of bytes to scan, each for one set of patterns."""

    start: I64
    """int64[u]: where the payload begins, from which positions count."""
    begin: I64
    """int64[u]: where the scan begins."""
    end: I64
    last: I64
    """int64[u]: where the scan ends; the payload's own end is `end`."""
    fresh: I64
    """int64[u]: bytes before this were inspected before."""
    patterns: I32
    """int32[u]: number of a set."""
    entry: I32
    """int32[u]: entry of the Subject."""
    kind: U8
    """uint8[u]: a UnitKind."""
    whole: NDArray[np.bool_]
    """bool[u]: False = what the rules look at has bytes that are not here: earlier ones, or later ones."""


@helper
def _fold(byte):
    return byte + np.uint8(32) if 65 <= byte <= 90 else byte


@helper
def is_at(data, begin, length, nocase, buf, first):
    """Do the bytes data[begin:begin+length] (folded when nocase) stand at buf[first]?"""
    for k in range(length):
        byte = buf[np.uint64(first + k)]
        if (_fold(byte) if nocase else byte) != data[np.uint64(begin + k)]:
            return False
    return True


@inlined
def _content_holds(fast, rule, units, unit, buf, end):
    """Is the whole content of the rule around the piece that ended at `end`?"""
    length = np.int64(fast.length[rule])
    last = end + fast.tail[rule]
    first = last - length
    base = units.start[unit]
    if first < base + fast.low[rule] or last > units.end[unit]:
        return False
    if units.end[unit] - base < fast.least[rule] and units.whole[unit]:
        return False
    if fast.high[rule] >= 0 and last > base + fast.high[rule]:
        return False
    if fast.at_end[rule] and last != units.end[unit]:
        return False
    if fast.simple[rule] and last <= units.fresh[unit]:
        return False
    return is_at(fast.data, fast.byte_start[rule], length, fast.nocase[rule], buf, first)


@helper
def _others_hold(fast, rule, units, unit, buf):
    """Are the rule's other contents somewhere in the payload where they may be? Unknown counts as yes."""
    if not units.whole[unit]:
        return True
    base, end = units.start[unit], units.end[unit]
    for k in range(fast.also_start[rule], fast.also_start[rule + 1]):
        length, nocase = np.int64(fast.also_length[k]), fast.also_nocase[k]
        last = min(end, base + fast.also_high[k]) if fast.also_high[k] >= 0 else end
        first = base + fast.also_low[k]
        head = fast.data[fast.also_byte[k]]
        while first + length <= last:
            byte = buf[np.uint64(first)]
            if (_fold(byte) if nocase else byte) == head and is_at(
                fast.data, fast.also_byte[k], length, nocase, buf, first
            ):
                break
            first += 1
        if first + length > last:
            return False
    return True


@kernel
def keep_with_others(buf, units, fast, out):
    """Of the candidates (unit, rule) in `out` those whose other contents are there too move to its front,
    as (entry, rule). Returns how many."""
    n = np.int64(0)
    for i in range(out.shape[0]):
        unit, rule = out[i, 0], out[i, 1]
        if fast.also_start[rule] == fast.also_start[rule + 1] or _others_hold(fast, rule, units, unit, buf):
            out[n, 0], out[n, 1] = units.entry[unit], rule
            n += 1
    return n


@inlined
def _emit(pattern, end, unit, buf, units, sets, fast, enabled, seen, out, n):
    """Add to `out` the rules of a pattern that ends here whose content is here; return the new count.

    A rule that was added is not looked at again for this unit.
    """
    kind = units.kind[unit]
    for j in range(sets.rule_start[pattern], sets.rule_start[pattern + 1]):
        rule = np.int64(sets.rule[j])
        if seen[rule] == unit or enabled[rule] == 0 or (fast.kinds[rule] >> kind) & 1 == 0:
            continue
        if not _content_holds(fast, rule, units, unit, buf, end):
            continue
        seen[rule] = unit
        if n < out.shape[0]:
            out[n, 0], out[n, 1] = unit, rule
        n += 1
    return n


@inlined
def gram_hash(gram, mask):
    """Number of a bit of a sieve; letters count as the same in both cases (and some bytes as others)."""
    folded = (np.uint64(gram) | np.uint64(0x20202020)) * np.uint64(0x9E3779B97F4A7C15)
    return (folded >> np.uint64(40)) & mask


@inlined
def gram_at(buf, at, size):
    """The 3 or 4 bytes at a position as one number."""
    gram = np.uint32(buf[at]) | (np.uint32(buf[at + np.uint64(1)]) << np.uint32(8))
    gram |= np.uint32(buf[at + np.uint64(2)]) << np.uint32(16)
    if size == 4:
        gram |= np.uint32(buf[at + np.uint64(3)]) << np.uint32(24)
    return gram


@inlined
def place_of(key, length, mask):
    """Where the search for a pattern begins in a set's table."""
    mixed = (key + np.uint64(length)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed ^ (mixed >> np.uint64(29))) & mask


@helper
def _folded_at(buf, at, last):
    """Up to 8 bytes from `at` on, none behind `last`, as a pattern's key has them."""
    key = np.uint64(0)
    for k in range(min(np.int64(8), last - at)):
        key |= np.uint64(_fold(buf[np.uint64(at + k)])) << np.uint64(8 * k)
    return key


@helper
def _next_pass(buf, at, stop, size, stride, sieve, base, mask):
    """The first position from `at` on, in steps of stride, at which the sieve lets through; or stop."""
    place, end, step = np.uint64(at), np.uint64(stop), np.uint64(stride)
    while place < end:
        if _is_set(sieve, base, gram_hash(gram_at(buf, place, size), mask)):
            break
        place += step
    return min(np.int64(place), stop)


@inlined
def _is_set(bits, base, bit):
    return (bits[np.uint64(base) + (bit >> np.uint64(6))] >> (bit & np.uint64(63))) & np.uint64(1)


@helper
def _pattern_of(sets, number, key, length):
    """Number of the pattern in a set, -1 when it has no such."""
    mask, start = sets.place_mask[number], np.uint64(sets.place_start[number])
    place = place_of(key, length, mask)
    while sets.place_length[start + place]:
        if sets.place_key[start + place] == key and sets.place_length[start + place] == length:
            return np.int64(sets.place_pattern[start + place])
        place = (place + np.uint64(1)) & mask
    return np.int64(-1)


@inlined
def _sift(buf, unit, units, sets, fast, enabled, seen, out, n):
    """Find a unit's patterns of at least SHORTEST bytes; returns the new count of candidates."""
    number = np.int64(units.patterns[unit])
    size, stride = np.int64(sets.gram[number]), np.int64(sets.stride[number])
    begin, last = units.begin[unit], units.last[unit]
    stop = last - size + 1
    base, mask, lengths = sets.sieve_start[number], sets.sieve_mask[number], sets.lengths[number]
    at = begin
    while at < stop:
        if size == 4:
            at = _next_pass(buf, at, stop, 4, stride, sets.sieve, base, mask)
        else:
            at = _next_pass(buf, at, stop, 3, stride, sets.sieve, base, mask)
        if at >= stop:
            break
        for place in range(max(begin, at - stride + 1), min(at, last - SHORTEST) + 1):
            if not _is_set(sets.heads, base, gram_hash(gram_at(buf, np.uint64(place), 4), mask)):
                continue
            key = _folded_at(buf, place, last)
            for length in range(SHORTEST, min(LONGEST, last - place) + 1):
                if (lengths >> (length - SHORTEST)) & 1:
                    cut = key & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - 8 * length))
                    pattern = _pattern_of(sets, number, cut, length)
                    if pattern >= 0:
                        n = _emit(
                            pattern, place + length, unit, buf, units, sets, fast, enabled, seen, out, n
                        )
        at += stride
    return n


@inlined
def _block_has(buf, at, step, first, second):
    """Do two bytes, `step` apart, stand anywhere among the BLOCK bytes from `at` on? Small or capital."""
    differs = np.uint8(255)
    for k in range(np.uint64(BLOCK)):
        differs = min(differs, ((buf[at + k] | SMALL) ^ first) | ((buf[at + k + step] | SMALL) ^ second))
    return differs == 0


@inlined
def _seek_short(buf, unit, short, units, sets, fast, enabled, seen, out, n):
    """Find one short pattern in a unit; returns the new count of candidates."""
    begin, last = units.begin[unit], units.last[unit]
    if sets.short_limit[short] >= 0:
        last = min(last, begin + sets.short_limit[short])
    length, lead = np.int64(sets.short_length[short]), np.int64(sets.short_at[short])
    step = np.uint64(min(length - 1, 1))
    first, second = sets.short_bytes[short, 0], sets.short_bytes[short, 1]
    stop = last - length + lead + 1
    for at in range(begin + lead, stop, BLOCK):
        # Bytes behind the unit may be looked at: they only make it look closer in vain.
        if (
            stop - at > CLOSE
            and at + BLOCK < buf.size
            and not _block_has(buf, np.uint64(at), step, first, second)
        ):
            continue
        for place in range(at, min(at + BLOCK, stop)):
            here = np.uint64(place)
            if (buf[here] | SMALL) != first or (buf[here + step] | SMALL) != second:
                continue
            end = place - lead + length
            if _folded_at(buf, end - length, end) == sets.short_key[short]:
                n = _emit(
                    np.int64(sets.short_pattern[short]), end, unit, buf, units, sets, fast, enabled, seen,
                    out, n,
                )  # fmt: skip
    return n


@kernel
def scan(buf, units, sets, fast, enabled, seen, out):
    """Scan all units; what is found, (unit, rule), goes to out int64[*, 2] as long as there is room. Whether
    the header of such a rule and its other contents hold is asked afterwards.

    Returns how many there are: when more than out's length, call again with a longer one. seen:
    int64[rules], filled with -1.
    """
    n = np.int64(0)
    for unit in range(units.start.size):
        number = np.int64(units.patterns[unit])
        if sets.gram[number]:
            n = _sift(buf, unit, units, sets, fast, enabled, seen, out, n)
        for short in range(sets.short_start[number], sets.short_start[number + 1]):
            n = _seek_short(buf, unit, short, units, sets, fast, enabled, seen, out, n)
    return n


@kernel
def fill_set(
    chosen, keys, lengths, size, stride, sieve, heads, sieve_mask, key, length, pattern, place_mask
):  # fmt: skip
    """Fill the sieves and the table (views of one set) with the chosen patterns, whose keys and lengths are
    given for all patterns.

    A pattern that lies anywhere is met by one look: at one of its first `stride` positions.
    """
    gram_mask = np.uint64((1 << (8 * size)) - 1)
    for number in chosen:
        for k in range(stride):
            gram = np.uint32((keys[number] >> np.uint64(8 * k)) & gram_mask)
            bit = gram_hash(gram, sieve_mask)
            sieve[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
        bit = gram_hash(np.uint32(keys[number] & np.uint64(0xFFFFFFFF)), sieve_mask)
        heads[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
        place = place_of(keys[number], lengths[number], place_mask)
        while length[place]:
            place = (place + np.uint64(1)) & place_mask
        key[place], length[place], pattern[place] = keys[number], lengths[number], number

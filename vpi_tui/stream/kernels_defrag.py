"""Collecting the fragments of a datagram.

A datagram's bytes lie in pages; a bitmap says which units of 8 bytes are there, and for each unit is noted
which fragment it is of, so that the policy of the receiver can say whose bytes count where two overlap
(kernels_policies). Sources: RFC 791, RFC 815, RFC 8200 section 4.5.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

import numpy as np

from vpi_tui.model.batch import DecoderEvent, Fragment
from vpi_tui.model.jit import helper, kernel
from vpi_tui.stream.kernels_cells import copy_bytes
from vpi_tui.stream.kernels_policies import later_wins, policy_of

PAGE = 2048
UNITS_A_PAGE = PAGE // 8
PAGES_A_DATAGRAM = 32
WORDS = 128
"""uint64 words of the bitmap of a datagram: 8,192 units."""
MOST_HEADER = 256
"""Bytes before the fragmented part that are kept; a fragment with more of them is left out."""
LARGEST = 65_535

NONE, REBUILT = int(Fragment.NONE), int(Fragment.REBUILT)

# Places in `numbers`.
(
    N_USED,
    N_FREE,
    N_OLDEST,
    N_NEWEST,
    N_FREE_PAGE,
    N_PAGES_USED,
    N_OUT,
    N_OUT_BYTES,
    N_FRAGMENTS,
    N_REASSEMBLED,
    N_TIMEOUT,
    N_EVICTED,
    N_IGNORED,
    N_OVERLAP,
    N_FRAGMENTS6,  # of N_FRAGMENTS, those of IPv6
    N_REASSEMBLED6,
    N_TAKEN,  # of N_EVICTED, those whose place another datagram got
) = range(17)
N_NUMBERS = 17

_I64 = np.int64
_U64 = np.uint64
_ALL = _U64(0xFFFF_FFFF_FFFF_FFFF)
EV4_LARGE = _U64(1 << DecoderEvent.IPV4_FRAG_PKT_TOO_LARGE)
EV4_OVERLAP = _U64(1 << DecoderEvent.IPV4_FRAG_OVERLAP)
EV6_LARGE = _U64(1 << DecoderEvent.IPV6_FRAG_PKT_TOO_LARGE)
EV6_OVERLAP = _U64(1 << DecoderEvent.IPV6_FRAG_OVERLAP)
EV6_LENGTH = _U64(1 << DecoderEvent.IPV6_FRAG_INVALID_LENGTH)


@helper
def _mixed(h, value):
    h = (h ^ value) * _U64(0x9E3779B97F4A7C15)
    return h ^ (h >> _U64(29))


@helper
def _bucket(pools, d, r, salt):
    h = _mixed(salt, d.src_ip[r, 0])
    h = _mixed(h, d.src_ip[r, 1])
    h = _mixed(h, d.dest_ip[r, 0])
    h = _mixed(h, d.dest_ip[r, 1])
    h = _mixed(h, _U64(d.ip_id[r]) | (_U64(d.tunnel[r]) << _U64(32)))
    return _I64(h >> _U64(33)) % pools.buckets.size


@helper
def _is_of(tracker, d, r):
    return (
        tracker["ip_id"] == d.ip_id[r]
        and tracker["src_low"] == d.src_ip[r, 1]
        and tracker["dest_low"] == d.dest_ip[r, 1]
        and tracker["src_high"] == d.src_ip[r, 0]
        and tracker["dest_high"] == d.dest_ip[r, 0]
        and tracker["tunnel"] == d.tunnel[r]
        and tracker["vlan0"] == d.vlan[r, 0]
        and tracker["vlan1"] == d.vlan[r, 1]
        and tracker["ip_v"] == d.ip_v[r]
        and (tracker["proto"] == d.proto[r] or d.ip_v[r] == 6)
    )


@helper
def _unlink(pools, at):
    """Take a tracker out of its bucket and of the queue by age, and give its pages back."""
    tracker = pools.trackers[at]
    number = at + 1
    place = _I64(tracker["bucket"])
    if pools.buckets[place] == number:
        pools.buckets[place] = tracker["following"]
    else:
        before = _I64(pools.buckets[place])
        while pools.trackers[before - 1]["following"] != number:
            before = _I64(pools.trackers[before - 1]["following"])
        pools.trackers[before - 1]["following"] = tracker["following"]
    older, newer = _I64(tracker["older"]), _I64(tracker["newer"])
    if older:
        pools.trackers[older - 1]["newer"] = newer
    else:
        pools.numbers[N_OLDEST] = newer
    if newer:
        pools.trackers[newer - 1]["older"] = older
    else:
        pools.numbers[N_NEWEST] = older
    for k in range(PAGES_A_DATAGRAM):
        page = _I64(pools.page_of[at, k])
        if page:
            pools.page_after[page] = pools.numbers[N_FREE_PAGE]
            pools.numbers[N_FREE_PAGE] = page
            pools.numbers[N_PAGES_USED] -= 1
            pools.page_of[at, k] = 0
    tracker["following"] = pools.numbers[N_FREE]
    pools.numbers[N_FREE] = number
    pools.numbers[N_USED] -= 1


@helper
def _open(pools, d, r, bucket):
    """A tracker for the datagram of row r; the oldest makes room when there is none."""
    if not pools.numbers[N_FREE]:
        pools.numbers[N_EVICTED] += 1
        pools.numbers[N_TAKEN] += 1
        _unlink(pools, _I64(pools.numbers[N_OLDEST]) - 1)
    number = _I64(pools.numbers[N_FREE])
    at = number - 1
    tracker = pools.trackers[at]
    pools.numbers[N_FREE] = tracker["following"]
    pools.numbers[N_USED] += 1
    tracker["src_high"], tracker["src_low"] = d.src_ip[r, 0], d.src_ip[r, 1]
    tracker["dest_high"], tracker["dest_low"] = d.dest_ip[r, 0], d.dest_ip[r, 1]
    tracker["ip_id"], tracker["tunnel"] = d.ip_id[r], d.tunnel[r]
    tracker["vlan0"], tracker["vlan1"] = d.vlan[r, 0], d.vlan[r, 1]
    tracker["proto"], tracker["ip_v"] = d.proto[r], d.ip_v[r]
    tracker["bucket"] = bucket
    tracker["end"], tracker["units"] = 0, 0
    tracker["header"], tracker["last"] = 0, 0
    tracker["following"] = pools.buckets[bucket]
    pools.buckets[bucket] = number
    tracker["older"], tracker["newer"] = pools.numbers[N_NEWEST], 0
    if pools.numbers[N_NEWEST]:
        pools.trackers[_I64(pools.numbers[N_NEWEST]) - 1]["newer"] = number
    else:
        pools.numbers[N_OLDEST] = number
    pools.numbers[N_NEWEST] = number
    for k in range(WORDS):
        pools.present[at, k] = _U64(0)
    return at


@helper
def _find(pools, d, r, now, limits):
    """The tracker of row r, a new one when there is none or the one there is too old."""
    bucket = _bucket(pools, d, r, limits.salt)
    number = _I64(pools.buckets[bucket])
    while number:
        tracker = pools.trackers[number - 1]
        following = _I64(tracker["following"])
        if _is_of(tracker, d, r):
            if now - tracker["touched"] <= limits.timeout_ns:
                return number - 1
            pools.numbers[N_TIMEOUT] += 1
            _unlink(pools, number - 1)
        number = following
    return _open(pools, d, r, bucket)


@helper
def _page(pools, at, k):
    """Where page k of the datagram begins; the oldest other datagram makes room. -1 = there is none."""
    page = _I64(pools.page_of[at, k])
    if not page:
        while not pools.numbers[N_FREE_PAGE]:
            oldest = _I64(pools.numbers[N_OLDEST]) - 1
            if oldest == at:
                return _I64(-1)
            pools.numbers[N_EVICTED] += 1
            _unlink(pools, oldest)
        page = _I64(pools.numbers[N_FREE_PAGE])
        pools.numbers[N_FREE_PAGE] = pools.page_after[page]
        pools.numbers[N_PAGES_USED] += 1
        pools.page_of[at, k] = page
    return page * PAGE


@helper
def _are_free(pools, at, unit, beyond):
    """Is none of these units there yet?"""
    while unit < beyond:
        here = min(beyond - unit, 64 - (unit & 63))
        mask = (_ALL >> _U64(64 - here)) << _U64(unit & 63)
        if pools.present[at, unit >> 6] & mask:
            return False
        unit += here
    return True


@helper
def _mark(pools, at, unit, beyond):
    """These units are there now."""
    while unit < beyond:
        here = min(beyond - unit, 64 - (unit & 63))
        pools.present[at, unit >> 6] |= (_ALL >> _U64(64 - here)) << _U64(unit & 63)
        unit += here


@helper
def _keep_all(pools, at, buf, start, offset, length):
    """Copy a fragment, of whose units none is there yet, page by page. Returns False without room."""
    done = _I64(0)
    while done < length:
        within = (offset + done) % PAGE
        base = _page(pools, at, (offset + done) // PAGE)
        if base < 0:
            return False
        size = min(PAGE - within, length - done)
        unit = (offset + done) >> 3
        _mark(pools, at, unit, unit + ((size + 7) >> 3))
        pools.trackers[at]["units"] += (size + 7) >> 3
        base += within
        copy_bytes(pools.pages, base, buf, start + done, size)
        for k in range(_U64(base >> 3), _U64((base + size + 7) >> 3)):
            pools.owners[k, 0] = offset
            pools.owners[k, 1] = offset + length
        done += size
    return True


@helper
def _keep(pools, at, buf, start, offset, length, policy):
    """Copy the units that are not there yet, or that count more than those that are. Returns (1 when some
    were there, -1 without room; how many were copied)."""
    first, beyond = offset >> 3, (offset + length + 7) >> 3
    if _are_free(pools, at, first, beyond):
        whole = _keep_all(pools, at, buf, start, offset, length)
        return _I64(0) if whole else _I64(-1), beyond - first
    return _keep_better(pools, at, buf, start, offset, length, policy)


@helper
def _keep_better(pools, at, buf, start, offset, length, policy):
    """Of a fragment that overlaps others, unit by unit. Returns as `_keep`."""
    overlap, copied = _I64(0), _I64(0)
    tracker = pools.trackers[at]
    done = _I64(0)
    while done < length:
        unit = (offset + done) >> 3
        size = min(_I64(8), length - done)
        word, bit = unit >> 6, _U64(1) << _U64(unit & 63)
        base = _page(pools, at, unit // UNITS_A_PAGE)
        if base < 0:
            return _I64(-1), copied
        base += (unit % UNITS_A_PAGE) * 8
        taken = True
        if pools.present[at, word] & bit:
            overlap = _I64(1)
            begins = offset - _I64(pools.owners[base >> 3, 0])
            taken = later_wins(policy, begins, offset + length - _I64(pools.owners[base >> 3, 1]))
        else:
            pools.present[at, word] |= bit
            tracker["units"] += 1
        if taken:
            copied += 1
            copy_bytes(pools.pages, base, buf, start + done, size)
            pools.owners[base >> 3, 0] = offset
            pools.owners[base >> 3, 1] = offset + length
        done += 8
    return overlap, copied


@helper
def _fragment_header(buf, at, l4):
    """Position of the byte that names the fragment header of an IPv6 packet, -1 = none found."""
    named, here = at + 6, at + 40
    while here < l4 - 8:
        kind = buf[named]
        size = (_I64(buf[here + 1]) + 1) << 3
        if kind == 51:
            size = (_I64(buf[here + 1]) + 2) << 2
        named = here
        here += size
    return named if here == l4 - 8 and buf[named] == 44 else _I64(-1)


@helper
def _keep_header(pools, at, buf, d, r):
    """The headers before the fragmented part, as they are without fragmentation."""
    start, l4 = _I64(d.ip_off[r]), _I64(d.l4_off[r])
    tracker = pools.trackers[at]
    if d.ip_v[r] == 4:
        length = l4 - start
        for k in range(length):
            pools.headers[at, k] = buf[start + k]
        pools.headers[at, 6] = buf[start + 6] & np.uint8(0x40)
        pools.headers[at, 7] = 0
    else:
        length = l4 - 8 - start
        named = _fragment_header(buf, start, l4)
        if length > MOST_HEADER or named < 0:
            return False
        for k in range(length):
            pools.headers[at, k] = buf[start + k]
        pools.headers[at, named - start] = buf[l4 - 8]
    tracker["header"] = length
    return True


@helper
def _give_out(pools, at, d, r, out):
    """Write the whole datagram of a tracker behind what was given out."""
    tracker, numbers = pools.trackers[at], pools.numbers
    begin, header, length = _I64(numbers[N_OUT_BYTES]), _I64(tracker["header"]), _I64(tracker["last_end"])
    for k in range(header):
        out.buf[begin + k] = pools.headers[at, k]
    for first in range(0, length, PAGE):
        page, to = _I64(pools.page_of[at, first // PAGE]) * PAGE, begin + header + first
        copy_bytes(out.buf, to, pools.pages, page, min(PAGE, length - first))
    if d.ip_v[r] == 4:
        total = header + length
        out.buf[begin + 2], out.buf[begin + 3] = total >> 8, total & 0xFF
        out.buf[begin + 10], out.buf[begin + 11] = 0, 0
        value = _I64(0)
        for k in range(0, header, 2):
            value += (_I64(out.buf[begin + k]) << 8) | _I64(out.buf[begin + k + 1])
        while value >> 16:
            value = (value & 0xFFFF) + (value >> 16)
        value ^= 0xFFFF
        out.buf[begin + 10], out.buf[begin + 11] = value >> 8, value & 0xFF
    else:
        total = header - 40 + length
        out.buf[begin + 4], out.buf[begin + 5] = total >> 8, total & 0xFF
    number = _I64(numbers[N_OUT])
    out.row[number] = r
    out.start[number] = begin
    out.length[number] = header + length
    numbers[N_OUT] += 1
    numbers[N_OUT_BYTES] += header + length
    numbers[N_REASSEMBLED] += 1
    if d.ip_v[r] == 6:
        numbers[N_REASSEMBLED6] += 1


@helper
def _whole_on_wire(buf, d, r):
    """Was all of the fragment captured?"""
    at = _I64(d.ip_off[r])
    if d.ip_v[r] == 4:
        total = (_I64(buf[at + 2]) << 8) | _I64(buf[at + 3])
    else:
        total = 40 + ((_I64(buf[at + 4]) << 8) | _I64(buf[at + 5]))
    return d.ip_len[r] >= total


@helper
def _note_last(tracker, offset, end):
    """Of several fragments that say they are the last one the nearest ends the datagram."""
    nearest = _I64(tracker["last_at"])
    if not tracker["last"] or offset < nearest:
        tracker["last_end"] = end
    elif offset == nearest:
        tracker["last_end"] = max(_I64(tracker["last_end"]), end)
    tracker["last_at"] = offset if not tracker["last"] else min(nearest, offset)
    tracker["last"] = 1


@helper
def _take(pools, buf, d, r, now, limits, hosts, out):
    version, more = _I64(d.ip_v[r]), _I64(d.frag_bits[r]) & 1
    start, offset = _I64(d.l4_off[r]), _I64(d.frag_offset[r]) * 8
    length = _I64(d.ip_off[r]) + _I64(d.ip_len[r]) - start
    if offset + length + (20 if version == 4 else 0) > LARGEST:
        d.events[r] |= EV4_LARGE if version == 4 else EV6_LARGE
        pools.numbers[N_IGNORED] += 1
        return
    if more and length % 8:
        if version == 6:
            d.events[r] |= EV6_LENGTH
            pools.numbers[N_IGNORED] += 1
            return
        length -= length % 8
    if length <= 0 or not _whole_on_wire(buf, d, r):
        pools.numbers[N_IGNORED] += 1
        return
    at = _find(pools, d, r, now, limits)
    tracker = pools.trackers[at]
    tracker["touched"] = now
    if offset == 0 and not tracker["header"] and not _keep_header(pools, at, buf, d, r):
        pools.numbers[N_IGNORED] += 1
        return
    policy = policy_of(hosts, hosts.fragments, d.dest_ip[r, 0], d.dest_ip[r, 1])
    overlap, copied = _keep(pools, at, buf, start, offset, length, policy)
    if overlap < 0:
        pools.numbers[N_EVICTED] += 1
        _unlink(pools, at)
        return
    if overlap:
        d.events[r] |= EV4_OVERLAP if version == 4 else EV6_OVERLAP
        pools.numbers[N_OVERLAP] += 1
    if copied == 0:  # as if it had not come, also when it says that it is the last one
        return
    tracker["end"] = max(_I64(tracker["end"]), offset + length)
    if not more:
        _note_last(tracker, offset, offset + length)
    if tracker["last"] and tracker["header"] and tracker["units"] == (_I64(tracker["end"]) + 7) >> 3:
        fixed = 40 if version == 6 else 0
        if _I64(tracker["header"]) + _I64(tracker["last_end"]) - fixed <= LARGEST:
            _give_out(pools, at, d, r, out)
        _unlink(pools, at)


@kernel
def collect(pools, packets, d, row, limits, hosts, out):
    """Take the fragments of the rows from `row` on. Returns the row to go on with: all of them, or
    where `out` (room for one more datagram at least) has to be emptied first."""
    rows = d.packet.size
    while row < rows:
        fragment = d.fragment[row]
        if fragment != NONE and fragment != REBUILT and d.l4_off[row] >= 0:
            numbers = pools.numbers
            if numbers[N_OUT_BYTES] + LARGEST + 40 > out.buf.size or numbers[N_OUT] == out.row.size:
                return row
            numbers[N_FRAGMENTS] += 1
            if d.ip_v[row] == 6:
                numbers[N_FRAGMENTS6] += 1
            now = packets.ts_ns[d.packet[row]]
            _take(pools, packets.buf, d, row, now, limits, hosts, out)
        row += 1
    return row

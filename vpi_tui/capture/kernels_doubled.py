"""Compiled search for frames that something copies to a sensor more than once.

A frame that tells is one that nobody sends twice as it is within milliseconds: IPv4 with an identification of
its own (RFC 6864), ARP, and neighbour discovery (at most one a second: RFC 1122, RFC 4861). How often those
arrive says how often everything between the same two addresses does, until one arrives less often.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.capture.kernels_routed import FNV_BASIS, IPV4, IPV6, be16, is_tag, keep_row, mix
from vpi_tui.model.batch import LinkType
from vpi_tui.model.jit import helper, kernel

I64, U64 = np.int64, np.uint64
ETHERNET = int(LinkType.ETHERNET)
ARP, ICMP6, HOP_LIMIT = 0x0806, 58, 255
HEADER_BYTES, MAC_BYTES = 14, 12
MOST = 8
"""Arrivals of one frame for one host that may be copies: what comes more often is sent so, as a flood is."""
NO_END = np.iinfo(np.int64).max
"""Of one for many: it may be copied at each port that it leaves."""
SURE, SURE_ELSEWHERE = 4, 2
"""Frames that tell the same before it is believed: of the first two addresses, and once others double."""
TRUST = 64
"""Frames in a row that arrive once until no frame is taken for a copy any more at first sight."""
S8, S16, S24, S32 = U64(8), U64(16), U64(24), U64(32)
LOW = U64(0xFFFFFFFF)


@helper
def _word(buf, at):
    """32 bits. at: unsigned, so that the four reads become one."""
    low = U64(buf[at]) | U64(buf[at + U64(1)]) << S8
    return low | U64(buf[at + U64(2)]) << S16 | U64(buf[at + U64(3)]) << S24


@helper
def _mark(buf, start, end, length, tag, keys):
    """Hash of the whole frame: a guest that could make two different frames alike would hide the second one.

    Whoever does not know the keys makes two alike by a chance of 2**-32: pair-multiply-shift (Thorup, High
    Speed Hashing for Integers and Strings). Needs a key for each four bytes, and four more. Never 0.
    """
    total = (keys[0] + U64(length)) * (keys[1] + (U64(tag) | U64(end - start) << S16))
    whole = (end - start) // 8
    for number in range(whole):
        at, key = U64(start) + (U64(number) << U64(3)), U64(2) + (U64(number) << U64(1))
        low, high = _word(buf, at), _word(buf, at + U64(4))
        total += (keys[key] + low) * (keys[key + U64(1)] + high)
    rest = U64(0)
    for place in range(start + 8 * whole, end):
        rest = rest << S8 | U64(buf[place])
    key = 2 + 2 * whole
    return total + (keys[key] + (rest & LOW)) * (keys[key + 1] + (rest >> S32)) | U64(1)


@helper
def _tells(buf, at, end):
    """at: of the type behind the addresses and tags. Does nobody send such a frame twice as it is?"""
    kind = be16(buf, at)
    if kind == ARP:
        return True
    if kind == IPV4 and at + 8 <= end:
        return be16(buf, at + 6) != 0
    if kind == IPV6 and at + 43 <= end:
        kind = buf[at + 42]
        return buf[at + 8] == ICMP6 and buf[at + 9] == HOP_LIMIT and 133 <= kind <= 136
    return False


@helper
def _settle(pair, most, trust):
    """Take note of how often the last frame that tells has arrived. Down at once, up after a few."""
    count = pair["count"]
    if count > most:
        return
    trust[0] = TRUST if count > 1 else max(trust[0] - 1, 0)
    pair["same"] = pair["same"] + 1 if count == pair["last"] else 1
    pair["last"] = count
    if count < pair["times"]:
        pair["times"] = count
    elif pair["same"] >= (SURE_ELSEWHERE if trust[0] and count > 1 else SURE):
        pair["times"] = count


@helper
def _is_copy(frame, pair, mark, tells, most, now_ns, window_ns, trust):
    """Whether this is another arrival of a frame that has been kept. most: arrivals that may be copies."""
    again = frame["mark"] == mark and 0 <= now_ns - frame["ns"] <= window_ns
    if not again:
        frame["mark"], frame["ns"], frame["count"] = mark, now_ns, 1
        if tells and not 0 <= now_ns - pair["ns"] <= window_ns:
            if pair["mark"]:
                _settle(pair, most, trust)
            pair["mark"], pair["ns"], pair["count"] = mark, now_ns, 1
        return False
    if tells and pair["mark"] == mark:
        pair["count"] += 1
    frame["count"] += 1
    trusted = tells and (trust[0] > 0 or pair["times"] > 1)
    if frame["count"] <= (most if trusted else pair["times"]):
        return True
    frame["ns"] = now_ns
    if not tells:
        frame["count"] = 1
    return False


@kernel
def remove_doubled(batch, sensors, frames, pairs, keys, window_ns, trust):
    """Move the rows that stay to the front, in order; returns how many stay.

    sensors: int32[k], sorted ifindexes where copies arrive. frames: doubled.FRAME[2**b], pairs:
    doubled.PAIR[2**c], at the places that their hashes say. keys: uint64[k], secret; a frame for which they
    are too few stays. trust: int64[1], see TRUST.
    """
    count, longest = I64(0), 4 * (len(keys) - 4)
    for row in range(len(batch.offset)):
        at = np.searchsorted(sensors, batch.ifindex[row])
        here = at < len(sensors) and sensors[at] == batch.ifindex[row]
        fits = HEADER_BYTES <= batch.caplen[row] <= longest
        if here and fits and batch.link_type[row] == ETHERNET:
            buf, start = batch.buf, batch.offset[row]
            end = start + I64(batch.caplen[row])
            ends = mix(FNV_BASIS, buf, start, start + MAC_BYTES)
            behind = start + MAC_BYTES
            mark = _mark(buf, start, end, batch.length[row], batch.vlan_tci[row], keys)
            while behind + 6 <= end and is_tag(buf, behind):
                behind += 4
            pair = pairs[(ends ^ ends >> S32) & U64(len(pairs) - 1)]
            if pair["ends"] != ends:
                pair["ends"], pair["mark"], pair["ns"] = ends, 0, 0
                pair["times"], pair["count"], pair["last"], pair["same"] = 1, 0, 0, 0
            frame = frames[mark >> S32 & U64(len(frames) - 1)]
            tells, most = _tells(buf, behind, end), NO_END if buf[start] & 1 else MOST
            if _is_copy(frame, pair, mark, tells, most, batch.ts_ns[row], window_ns, trust):
                continue
        keep_row(batch, count, row)
        count += 1
    return count

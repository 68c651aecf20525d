"""Compiled search for frames that something copies to a sensor more than once.

A frame that tells is one that nobody sends twice as it is within milliseconds: IPv4 with an identification of
its own (RFC 6864), ARP, and neighbour discovery (at most one a second: RFC 1122, RFC 4861). How often those
arrive says how often everything between the same two addresses does, until one arrives less often.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.capture.kernels_routed import FNV_BASIS, FNV_PRIME, IPV4, IPV6, be16, is_tag, keep_row, mix
from vpi_tui.model.batch import LinkType
from vpi_tui.model.jit import helper, kernel

I64, U64 = np.int64, np.uint64
ETHERNET = int(LinkType.ETHERNET)
ARP, ICMP6, HOP_LIMIT = 0x0806, 58, 255
HEADER_BYTES, MAC_BYTES = 14, 12
FINGER_BYTES = 110
"""Hashed behind the addresses: up to the timestamps of TCP in IPv6, and some of what it carries."""
SURE, SURE_ELSEWHERE = 4, 2
"""Frames that tell the same before it is believed: of the first two addresses, and once others double."""
TRUST = 64
"""Frames in a row that arrive once until no frame is taken for a copy any more at first sight."""
S32 = U64(32)


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
def _settle(pair, trust):
    """Take note of how often the last frame that tells has arrived. Down at once, up after a few."""
    count = pair["count"]
    trust[0] = TRUST if count > 1 else max(trust[0] - 1, 0)
    pair["same"] = pair["same"] + 1 if count == pair["last"] else 1
    pair["last"] = count
    if count < pair["times"]:
        pair["times"] = count
    elif pair["same"] >= (SURE_ELSEWHERE if trust[0] and count > 1 else SURE):
        pair["times"] = count


@helper
def _is_copy(frame, pair, mark, tells, now_ns, window_ns, trust):
    """Whether this is another arrival of a frame that has been kept."""
    again = frame["mark"] == mark and 0 <= now_ns - frame["ns"] <= window_ns
    if not again:
        frame["mark"], frame["ns"], frame["count"] = mark, now_ns, 1
        if tells and not 0 <= now_ns - pair["ns"] <= window_ns:
            if pair["mark"]:
                _settle(pair, trust)
            pair["mark"], pair["ns"], pair["count"] = mark, now_ns, 1
        return False
    if tells and pair["mark"] == mark:
        pair["count"] += 1
    frame["count"] += 1
    if frame["count"] <= pair["times"] or (tells and (trust[0] > 0 or pair["times"] > 1)):
        return True
    frame["ns"], frame["count"] = now_ns, 1
    return False


@kernel
def remove_doubled(batch, sensors, frames, pairs, window_ns, trust):
    """Move the rows that stay to the front, in order; returns how many stay.

    sensors: int32[k], sorted ifindexes where copies arrive. frames: doubled.FRAME[2**b], pairs:
    doubled.PAIR[2**c], at the places that their hashes say. trust: int64[1], see TRUST.
    """
    count = 0
    for row in range(len(batch.offset)):
        at = np.searchsorted(sensors, batch.ifindex[row])
        here = at < len(sensors) and sensors[at] == batch.ifindex[row]
        if here and batch.link_type[row] == ETHERNET and batch.caplen[row] >= HEADER_BYTES:
            buf, start = batch.buf, batch.offset[row]
            end = start + I64(batch.caplen[row])
            ends = mix(FNV_BASIS, buf, start, start + MAC_BYTES)
            behind = start + MAC_BYTES
            mark = mix(ends, buf, behind, min(behind + FINGER_BYTES, end))
            mark = (mark ^ U64(batch.length[row])) * FNV_PRIME
            mark = (mark ^ U64(batch.vlan_tci[row])) * FNV_PRIME | U64(1)
            while behind + 6 <= end and is_tag(buf, behind):
                behind += 4
            pair = pairs[(ends ^ ends >> S32) & U64(len(pairs) - 1)]
            if pair["ends"] != ends:
                pair["ends"], pair["mark"], pair["ns"] = ends, 0, 0
                pair["times"], pair["count"], pair["last"], pair["same"] = 1, 0, 0, 0
            frame = frames[(mark ^ mark >> S32) & U64(len(frames) - 1)]
            if _is_copy(frame, pair, mark, _tells(buf, behind, end), batch.ts_ns[row], window_ns, trust):
                continue
        keep_row(batch, count, row)
        count += 1
    return count

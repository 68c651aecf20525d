"""Compiled search for packets that the host routed from one watched switch into another."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.model.batch import LinkType
from vpi_tui.model.jit import helper, kernel

ETHERNET = int(LinkType.ETHERNET)
IPV4, IPV6 = 0x0800, 0x86DD
VLAN_TYPES = (0x8100, 0x88A8)
L4_BYTES = 16
"""Ports, sequence number and flags: enough, and before the checksum of TCP."""
FNV_BASIS, FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
S32 = np.uint64(32)


@helper
def _be16(buf, at):
    return np.int64(buf[at]) << 8 | np.int64(buf[at + 1])


@helper
def _mix(state, buf, start, end):
    """FNV-1a over buf[start:end]."""
    for at in range(start, end):
        state = (state ^ np.uint64(buf[at])) * FNV_PRIME
    return state


@helper
def _fingerprint(buf, start, caplen):
    """Hash of what a router leaves as it is: addresses, identification, length, and the first bytes behind
    the IP header; not MACs, VLAN, TTL and header checksum. 0 = no IP packet in the Ethernet frame."""
    end = start + caplen
    at = start + 12
    while at + 4 <= end and (_be16(buf, at) == VLAN_TYPES[0] or _be16(buf, at) == VLAN_TYPES[1]):
        at += 4
    if at + 2 > end:
        return np.uint64(0)
    kind, ip = _be16(buf, at), at + 2
    state = FNV_BASIS
    if kind == IPV4 and ip + 20 <= end:
        state = _mix(state, buf, ip + 2, ip + 8)
        state = _mix(state, buf, ip + 9, ip + 10)
        state = _mix(state, buf, ip + 12, ip + 20)
        behind = ip + 4 * (np.int64(buf[ip]) & 15)
    elif kind == IPV6 and ip + 40 <= end:
        state = _mix(state, buf, ip + 4, ip + 7)
        state = _mix(state, buf, ip + 8, ip + 40)
        behind = ip + 40
    else:
        return np.uint64(0)
    return _mix(state, buf, behind, min(behind + L4_BYTES, end)) | np.uint64(1)


@kernel
def remove_copies(batch, outgoing, seen, times, window_ns):
    """Move the rows that stay to the front, in order; returns how many stay.

    outgoing: int32[k], sorted ifindexes through which the host sends. seen: uint64[2**b], fingerprints of
    packets received, each at the place that its hash says, and times: int64[2**b] when. One reception takes
    one sending away, at most `window_ns` later.
    """
    mask = np.uint64(len(seen) - 1)
    count = 0
    for row in range(len(batch.offset)):
        if batch.link_type[row] == ETHERNET:
            mark = _fingerprint(batch.buf, batch.offset[row], np.int64(batch.caplen[row]))
            if mark:
                place = (mark ^ mark >> S32) & mask
                at = np.searchsorted(outgoing, batch.ifindex[row])
                if at == len(outgoing) or outgoing[at] != batch.ifindex[row]:
                    seen[place] = mark
                    times[place] = batch.ts_ns[row]
                elif seen[place] == mark and 0 <= batch.ts_ns[row] - times[place] <= window_ns:
                    seen[place] = 0
                    continue
        if count != row:
            batch.offset[count] = batch.offset[row]
            batch.caplen[count] = batch.caplen[row]
            batch.length[count] = batch.length[row]
            batch.ts_ns[count] = batch.ts_ns[row]
            batch.link_type[count] = batch.link_type[row]
            batch.ifindex[count] = batch.ifindex[row]
            batch.vlan_tci[count] = batch.vlan_tci[row]
            batch.flags[count] = batch.flags[row]
        count += 1
    return count

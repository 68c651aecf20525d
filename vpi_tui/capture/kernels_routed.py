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
def be16(buf, at):
    return np.int64(buf[at]) << 8 | np.int64(buf[at + 1])


@helper
def is_tag(buf, at):
    """Whether a VLAN tag begins here."""
    return be16(buf, at) == VLAN_TYPES[0] or be16(buf, at) == VLAN_TYPES[1]


@helper
def mix(state, buf, start, end):
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
    while at + 4 <= end and is_tag(buf, at):
        at += 4
    if at + 2 > end:
        return np.uint64(0)
    kind, ip = be16(buf, at), at + 2
    state = FNV_BASIS
    if kind == IPV4 and ip + 20 <= end:
        state = mix(state, buf, ip + 2, ip + 8)
        state = mix(state, buf, ip + 9, ip + 10)
        state = mix(state, buf, ip + 12, ip + 20)
        behind = ip + 4 * (np.int64(buf[ip]) & 15)
    elif kind == IPV6 and ip + 40 <= end:
        state = mix(state, buf, ip + 4, ip + 7)
        state = mix(state, buf, ip + 8, ip + 40)
        behind = ip + 40
    else:
        return np.uint64(0)
    return mix(state, buf, behind, min(behind + L4_BYTES, end)) | np.uint64(1)


@helper
def keep_row(batch, to, row):
    """Move a row of a batch forward."""
    if to != row:
        batch.offset[to] = batch.offset[row]
        batch.caplen[to] = batch.caplen[row]
        batch.length[to] = batch.length[row]
        batch.ts_ns[to] = batch.ts_ns[row]
        batch.link_type[to] = batch.link_type[row]
        batch.ifindex[to] = batch.ifindex[row]
        batch.vlan_tci[to] = batch.vlan_tci[row]
        batch.flags[to] = batch.flags[row]


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
        keep_row(batch, count, row)
        count += 1
    return count

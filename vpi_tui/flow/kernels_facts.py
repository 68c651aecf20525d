"""Adds up what flows did since they were last asked: facts by key, counters by guest and switch."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.flow.kernels_index import I64, U64, mixed
from vpi_tui.model.jit import helper, inlined, kernel
from vpi_tui.model.topology import Locality

U32 = np.uint32
EAST_WEST = int(Locality.EAST_WEST)
HOST = int(Locality.HOST)
TCP, UDP, SCTP = 6, 17, 132

ODD_A = U64(0x9E3779B97F4A7C15)
ODD_B = U64(0xC2B2AE3D27D4EB4F)
ODD_C = U64(0x165667B19E3779F9)
TOP_BIT = U64(1 << 63)
S16 = U64(16)
S29 = U64(29)

# Columns of the counters.
PKTS_IN, PKTS_OUT, BYTES_IN, BYTES_OUT, INSIDE_BYTES = range(5)


@helper
def spread(word):
    """A number with its bits spread over all 64."""
    word = mixed(word) * ODD_A
    return word ^ (word >> S29)


@helper
def place_of(guest):
    """Two bits: 0 = a guest, else which End it is; groups share the host's, as addresses tell them apart."""
    return I64(0) if guest >= 0 else min(-I64(guest), I64(3))


@helper
def end_of(guest, high, low):
    """What names one end: guest + 1, or a hash of the address with the top bit set."""
    if guest >= 0:
        return U64(guest + 1)
    return spread(high * ODD_B + spread(low)) | TOP_BIT


@inlined
def count(counters, subject, pkts_in, pkts_out, bytes_in, bytes_out, inside):
    if subject >= 0:
        counters[subject, PKTS_IN] += I64(pkts_in)
        counters[subject, PKTS_OUT] += I64(pkts_out)
        counters[subject, BYTES_IN] += I64(bytes_in)
        counters[subject, BYTES_OUT] += I64(bytes_out)
        counters[subject, INSIDE_BYTES] += I64(inside)


@inlined
def open_fact(fact, flow, key, port, src_end, dest_end):
    fact["key"] = key
    fact["src_high"] = flow["src_high"]
    fact["src_low"] = flow["src_low"]
    fact["dest_high"] = flow["dest_high"]
    fact["dest_low"] = flow["dest_low"]
    fact["src_end"] = src_end
    fact["dest_end"] = dest_end
    fact["pkts"] = U64(0)
    fact["bytes_toserver"] = U64(0)
    fact["bytes_toclient"] = U64(0)
    fact["started"] = U32(0)
    fact["seen"] = U32(0)
    fact["switch"] = flow["switch"]
    fact["src_guest"] = flow["src_guest"]
    fact["dest_guest"] = flow["dest_guest"]
    fact["port"] = port
    fact["proto"] = flow["proto"]
    fact["app_proto"] = flow["app_proto"]
    fact["inner"] = flow["tunnel"] != 0
    fact["locality"] = flow["locality"]
    fact["first_ns"] = flow["start_ns"]
    fact["last_ns"] = flow["last_ns"]


@kernel
def add_facts(records, rows, facts, index, used, guests, switches, total):
    """Add what the flows `rows` of `records` did since the last time, and note that it was told.

    facts: the first `used` hold facts already. index: int32[2**b], at least twice as long; 0 = empty, else
    the fact's place + 1. guests, switches, total: int64[k, 5]. Returns (rows done, facts used); less than all
    rows when `facts` is full.
    """
    mask = U64(len(index) - 1)
    for i in range(len(rows)):
        if used == len(facts):
            return i, used
        flow = records[rows[i]]
        flow["dirty"] = 0
        if flow["flow_id"] == U64(0):
            continue
        pkts_up = U64(U32(flow["pkts_toserver"]) - flow["told_pkts_toserver"]) & U64(0xFFFFFFFF)
        pkts_down = U64(U32(flow["pkts_toclient"]) - flow["told_pkts_toclient"]) & U64(0xFFFFFFFF)
        bytes_up = U64(U32(flow["bytes_toserver"]) - flow["told_bytes_toserver"]) & U64(0xFFFFFFFF)
        bytes_down = U64(U32(flow["bytes_toclient"]) - flow["told_bytes_toclient"]) & U64(0xFFFFFFFF)
        flow["told_pkts_toserver"] = U32(flow["pkts_toserver"])
        flow["told_pkts_toclient"] = U32(flow["pkts_toclient"])
        flow["told_bytes_toserver"] = U32(flow["bytes_toserver"])
        flow["told_bytes_toclient"] = U32(flow["bytes_toclient"])

        proto = flow["proto"]
        port = flow["dest_port"] if proto == TCP or proto == UDP or proto == SCTP else 0
        locality = I64(flow["locality"])
        inner = flow["tunnel"] != 0
        src_guest, dest_guest = I64(flow["src_guest"]), I64(flow["dest_guest"])
        src_end = end_of(src_guest, flow["src_high"], flow["src_low"])
        dest_end = end_of(dest_guest, flow["dest_high"], flow["dest_low"])
        small = (I64(port) << 40) | (I64(proto) << 32) | (I64(flow["app_proto"]) << 24)
        small |= (I64(flow["switch"]) & 0xFFFF) << 8 | I64(inner) << 7 | (locality & 7) << 4
        small |= place_of(src_guest) << 2 | place_of(dest_guest)
        key = spread((spread(src_end) * ODD_B + spread(dest_end) * ODD_C) ^ spread(U64(small)))

        at = key & mask
        while index[at] != 0 and facts[index[at] - 1]["key"] != key:
            at = (at + U64(1)) & mask
        if index[at] == 0:
            open_fact(facts[used], flow, key, port, src_end, dest_end)
            used += 1
            index[at] = used
        fact = facts[index[at] - 1]
        fact["pkts"] += pkts_up + pkts_down
        fact["bytes_toserver"] += bytes_up
        fact["bytes_toclient"] += bytes_down
        fact["seen"] += U32(1)
        fact["first_ns"] = min(fact["first_ns"], flow["start_ns"])
        fact["last_ns"] = max(fact["last_ns"], flow["last_ns"])
        if flow["pkts_toserver"] + flow["pkts_toclient"] == pkts_up + pkts_down:
            fact["started"] += U32(1)

        if not inner:
            size = bytes_up + bytes_down
            stays = locality == EAST_WEST or (locality == HOST and (src_guest >= 0 or dest_guest >= 0))
            inside = size if stays else U64(0)
            count(guests, src_guest, pkts_up, pkts_down, bytes_up, bytes_down, inside)
            count(guests, dest_guest, pkts_down, pkts_up, bytes_down, bytes_up, inside)
            count(switches, I64(flow["switch"]), pkts_up + pkts_down, U64(0), size, U64(0), inside)
            count(total, I64(0), pkts_up + pkts_down, U64(0), size, U64(0), inside)
    return len(rows), used

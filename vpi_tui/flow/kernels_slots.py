"""The slots of the flow table: finding, opening, ending and evicting a flow."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_index import (
    I64,
    MAX_PROBES,
    U64,
    flow_tag,
    index_insert,
    index_remove,
)
from vpi_tui.flow.kernels_track import ICMPV6, NEW, TCP, TO_CLIENT, TO_SERVER, proto_class
from vpi_tui.flow.records import EndReason
from vpi_tui.model.jit import inlined

R_EVICTED = int(EndReason.EVICTED)

# Places in `numbers`, int64: the table's state, then its counters.
(
    N_USED,  # slots ever used: the high-water mark
    N_FREE,  # ended slots in `free`, those not yet released included
    N_READY,  # of these the first so many may be used again
    N_ACTIVE,
    N_SERIAL,  # the newest flow_id
    N_BATCH,
    N_EVICT_HAND,
    N_EXPIRE_HAND,
    N_TOUCHED,
    N_EVICTED_KEPT,  # records in `evicted`
    N_TOTAL,
    N_TCP,
    N_UDP,
    N_ICMP,
    N_OTHER,
    N_EVICTED,
    N_EVICTED_LOST,  # evicted records for which there was no room
    N_REFUSED,  # rows without a flow because no slot or index place was to be had
    N_TIMEOUT,
    N_REUSE,
    N_ICMPV6,  # of N_ICMP
    N_NO_FLOW,  # TCP segments among N_REFUSED
    N_BAD_SUM,  # TCP segments with an event with which none ends a connection; not counted below
    N_SYN,  # without an ACK
    N_SYNACK,
    N_RST,
    N_URG,
    N_NUMBERS,
) = range(28)

EVICT_PROBES = 32


@inlined
def record_tag(flow, secret):
    return flow_tag(
        flow["src_high"],
        flow["src_low"],
        flow["src_port"],
        flow["dest_high"],
        flow["dest_low"],
        flow["dest_port"],
        U64(flow["vlan_outer"]) | (U64(flow["vlan_inner"]) << U64(16)),
        flow["tunnel"],
        flow["proto"],
        secret,
    )


@inlined
def end_flow(t, slot, reason):
    """Take a live flow out of the index; its record stays as it is until it is handed out."""
    flow = t.records[slot]
    index_remove(t.entries, record_tag(flow, t.secret), slot)
    flow["reason"] = reason
    t.numbers[N_ACTIVE] -= 1
    t.free[t.numbers[N_FREE]] = slot
    t.numbers[N_FREE] += 1


@inlined
def take_free(t):
    """A slot that may be used now, or -1."""
    ready = t.numbers[N_READY]
    if ready > 0:
        slot = I64(t.free[ready - 1])
        last = t.numbers[N_FREE] - 1
        t.free[ready - 1] = t.free[last]
        t.numbers[N_READY] = ready - 1
        t.numbers[N_FREE] = last
        return slot
    used = t.numbers[N_USED]
    if used < len(t.records):
        t.numbers[N_USED] = used + 1
        return used
    return I64(-1)


@inlined
def evict_one(t, stamp):
    """Evict the idlest of some flows that this batch did not touch. Returns its slot or -1.

    One that was never answered goes first: so a flood of invented senders pushes out itself.
    """
    hand = t.numbers[N_EVICT_HAND]
    best = I64(-1)
    oldest = I64(0)
    answered = False
    for _ in range(EVICT_PROBES):
        hand = hand + 1 if hand + 1 < len(t.records) else I64(0)
        flow = t.records[hand]
        alive = flow["flow_id"] != 0 and flow["reason"] == 0
        if alive and flow["stamp"] != stamp:
            is_answered = flow["pkts_toserver"] != U64(0) and flow["pkts_toclient"] != U64(0)
            first = flow["last_ns"] < oldest if is_answered == answered else answered
            if best < 0 or first:
                best = hand
                oldest = I64(flow["last_ns"])
                answered = is_answered
    t.numbers[N_EVICT_HAND] = hand
    if best >= 0:
        flow = t.records[best]
        index_remove(t.entries, record_tag(flow, t.secret), best)
        flow["reason"] = R_EVICTED
        kept = t.numbers[N_EVICTED_KEPT]
        if kept < len(t.evicted):
            t.evicted[kept] = flow
            t.evicted_slot[kept] = best
            t.numbers[N_EVICTED_KEPT] = kept + 1
        else:
            t.numbers[N_EVICTED_LOST] += 1
        t.numbers[N_EVICTED] += 1
        t.numbers[N_ACTIVE] -= 1
    return best


@inlined
def find_flow(
    t, ip_v, proto, src_high, src_low, dest_high, dest_low, tag, vlans, tunnel, src_port, dest_port
):
    """(slot or -1, direction) of the flow of a packet between two ends."""
    index = t.entries
    mask = U64(len(index) - 1)
    at = tag & mask
    found = I64(-1)
    direction = I64(0)
    for _ in range(MAX_PROBES):
        entry = index[at]
        if entry == U64(0):
            break
        if entry >> U64(32) == tag:
            slot = I64(entry & U64(0xFFFFFFFF)) - 1
            flow = t.records[slot]
            same = (
                flow["proto"] == proto
                and flow["vlan_outer"] == vlans & 0xFFFF
                and flow["vlan_inner"] == vlans >> 16
                and flow["tunnel"] == tunnel
                and flow["ip_v"] == ip_v
            )
            if same:
                if (
                    flow["src_low"] == src_low
                    and flow["dest_low"] == dest_low
                    and flow["src_port"] == src_port
                    and flow["dest_port"] == dest_port
                    and flow["src_high"] == src_high
                    and flow["dest_high"] == dest_high
                ):
                    found = slot
                    direction = I64(TO_SERVER)
                    break
                if (
                    flow["src_low"] == dest_low
                    and flow["dest_low"] == src_low
                    and flow["src_port"] == dest_port
                    and flow["dest_port"] == src_port
                    and flow["src_high"] == dest_high
                    and flow["dest_high"] == src_high
                ):
                    found = slot
                    direction = I64(TO_CLIENT)
                    break
        at = (at + U64(1)) & mask
    return found, direction


@inlined
def fill_flow(t, d, r, slot, now, vlans, tunnel, swapped):
    """Write a fresh record; swapped: the sender of row r is the server."""
    flow = t.records[slot]
    flow["src_high"] = d.dest_ip[r, 0] if swapped else d.src_ip[r, 0]
    flow["src_low"] = d.dest_ip[r, 1] if swapped else d.src_ip[r, 1]
    flow["dest_high"] = d.src_ip[r, 0] if swapped else d.dest_ip[r, 0]
    flow["dest_low"] = d.src_ip[r, 1] if swapped else d.dest_ip[r, 1]
    flow["src_port"] = d.dest_port[r] if swapped else d.src_port[r]
    flow["dest_port"] = d.src_port[r] if swapped else d.dest_port[r]
    flow["src_mac"] = d.dest_mac[r] if swapped else d.src_mac[r]
    flow["dest_mac"] = d.src_mac[r] if swapped else d.dest_mac[r]
    flow["vlan_outer"] = vlans & 0xFFFF
    flow["vlan_inner"] = vlans >> 16
    flow["tunnel"] = tunnel
    flow["proto"] = d.proto[r]
    flow["ip_v"] = d.ip_v[r]
    flow["state"] = NEW
    flow["app_proto"] = 0
    flow["last_ns"] = now
    flow["start_ns"] = now
    flow["flags_toserver"] = 0
    flow["flags_toclient"] = 0
    flow["track"] = 0
    flow["locality"] = 0
    flow["probes"] = 0
    flow["sent"] = 0
    flow["pkts_toserver"] = 0
    flow["pkts_toclient"] = 0
    flow["bytes_toserver"] = 0
    flow["bytes_toclient"] = 0
    flow["ifindex_client"] = 0
    flow["ifindex_server"] = 0
    flow["switch"] = -1
    flow["src_guest"] = -1
    flow["dest_guest"] = -1
    flow["alerts"] = 0
    flow["reason"] = 0
    flow["told_pkts_toserver"] = 0
    flow["told_pkts_toclient"] = 0
    flow["told_bytes_toserver"] = 0
    flow["told_bytes_toclient"] = 0


@inlined
def open_flow(t, d, r, now, tag, vlans, tunnel, swapped, stamp):
    """The slot of a new flow for row r, or -1 when none is to be had."""
    slot = take_free(t)
    if slot < 0:
        slot = evict_one(t, stamp)
    if slot >= 0 and not index_insert(t.entries, tag, slot):
        t.records[slot]["reason"] = R_EVICTED
        t.free[t.numbers[N_FREE]] = slot
        t.numbers[N_FREE] += 1
        t.records[slot]["flow_id"] = 0
        slot = I64(-1)
    if slot < 0:
        t.numbers[N_REFUSED] += 1
        if d.proto[r] == TCP:
            t.numbers[N_NO_FLOW] += 1
    else:
        fill_flow(t, d, r, slot, now, vlans, tunnel, swapped)
        t.numbers[N_SERIAL] += 1
        t.records[slot]["flow_id"] = U64(t.numbers[N_SERIAL])
        t.numbers[N_ACTIVE] += 1
        t.numbers[N_TOTAL] += 1
        t.numbers[N_TCP + proto_class(d.proto[r])] += 1
        if d.proto[r] == ICMPV6:
            t.numbers[N_ICMPV6] += 1
    return slot

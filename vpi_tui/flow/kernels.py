"""The flow loop: for each decoded row, find or open its flow and count it.

A row has a flow when it is IP and its transport header was sound (payload_off >= 0): a fragment has
none, the datagram that is put together from them does. Sources: RFC 9293 for the handshake; the
states and their meaning are Suricata's.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_app import MAX_PROBED, find_app
from vpi_tui.flow.kernels_index import (
    I64,
    MAX_PROBES,
    U64,
    flow_tag,
    index_insert,
    index_remove,
)
from vpi_tui.flow.records import EndReason
from vpi_tui.model.applications import APP_FAILED
from vpi_tui.model.batch import Direction, FirstSeen, FlowState, Fragment
from vpi_tui.model.jit import helper, inlined, kernel

TO_SERVER = int(Direction.TO_SERVER)
TO_CLIENT = int(Direction.TO_CLIENT)
NEW = int(FlowState.NEW)
ESTABLISHED = int(FlowState.ESTABLISHED)
CLOSED = int(FlowState.CLOSED)
OF_FLOW = int(FirstSeen.OF_FLOW)
REBUILT = int(Fragment.REBUILT)
OF_DIRECTION = int(FirstSeen.OF_DIRECTION)
R_TIMEOUT = int(EndReason.TIMEOUT)
R_FIN = int(EndReason.FIN)
R_RST = int(EndReason.RST)
R_EVICTED = int(EndReason.EVICTED)

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, RST, ACK = 1, 2, 4, 16

# Bits of the field `track`.
T_SYN, T_SYNACK, T_HANDSHAKE, T_FIN_CLIENT, T_FIN_SERVER, T_RST, T_MIDSTREAM = (1 << k for k in range(7))
T_FINS = T_FIN_CLIENT | T_FIN_SERVER

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
    N_NUMBERS,
) = range(20)

EVICT_PROBES = 32


@helper
def proto_class(proto):
    """Row of the table of time-outs: tcp, udp, icmp, other."""
    if proto == TCP:
        return 0
    if proto == UDP:
        return 1
    return 2 if proto == ICMP or proto == ICMPV6 else 3


@helper
def time_out(proto, state, track, timeouts):
    """Nanoseconds a flow may be silent."""
    if proto == TCP and (state == CLOSED or track & T_FINS == T_FINS):
        return timeouts[0, CLOSED]
    return timeouts[proto_class(proto), state]


@helper
def end_reason(track):
    if track & T_RST:
        return R_RST
    return R_FIN if track & T_FINS == T_FINS else R_TIMEOUT


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
    """Evict the idlest of some flows that this batch did not touch. Returns its slot or -1."""
    hand = t.numbers[N_EVICT_HAND]
    best = I64(-1)
    oldest = I64(0)
    for _ in range(EVICT_PROBES):
        hand = hand + 1 if hand + 1 < len(t.records) else I64(0)
        flow = t.records[hand]
        alive = flow["flow_id"] != 0 and flow["reason"] == 0
        if alive and flow["stamp"] != stamp and (best < 0 or flow["last_ns"] < oldest):
            best = hand
            oldest = I64(flow["last_ns"])
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
def find_flow(t, d, r, tag, vlans, tunnel, src_port, dest_port):
    """(slot or -1, direction) of the flow that row r belongs to."""
    index = t.entries
    mask = U64(len(index) - 1)
    at = tag & mask
    found = I64(-1)
    direction = I64(0)
    src_high = d.src_ip[r, 0]
    src_low = d.src_ip[r, 1]
    dest_high = d.dest_ip[r, 0]
    dest_low = d.dest_ip[r, 1]
    for _ in range(MAX_PROBES):
        entry = index[at]
        if entry == U64(0):
            break
        if entry >> U64(32) == tag:
            slot = I64(entry & U64(0xFFFFFFFF)) - 1
            flow = t.records[slot]
            same = (
                flow["proto"] == d.proto[r]
                and flow["vlan_outer"] == vlans & 0xFFFF
                and flow["vlan_inner"] == vlans >> 16
                and flow["tunnel"] == tunnel
                and flow["ip_v"] == d.ip_v[r]
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
    else:
        fill_flow(t, d, r, slot, now, vlans, tunnel, swapped)
        t.numbers[N_SERIAL] += 1
        t.records[slot]["flow_id"] = U64(t.numbers[N_SERIAL])
        t.numbers[N_ACTIVE] += 1
        t.numbers[N_TOTAL] += 1
        t.numbers[N_TCP + proto_class(d.proto[r])] += 1
    return slot


@helper
def tcp_track(track, state, flags, direction, payload, midstream, seen_both):
    """(track, state) after a TCP segment.

    The second FIN leaves the state alone, so that data in that segment still counts as sent over
    an established connection; the next segment closes. Data after a RST means that nobody took
    the RST seriously, and reopens.
    A connection whose start was not seen, and that is not to be followed, is never established: a
    RST does not make it so.
    """
    if flags & RST:
        unseen = track & T_MIDSTREAM and not midstream and state == NEW
        return track | T_RST, state if unseen else I64(CLOSED)
    if track & T_FINS == T_FINS:
        return track, I64(CLOSED)
    if flags & SYN:
        if flags & ACK == 0 and direction == TO_SERVER:
            track |= T_SYN
        elif flags & ACK and direction == TO_CLIENT:
            track |= T_SYNACK
        return track, state
    if flags & ACK and direction == TO_SERVER and track & T_SYNACK and track & (T_SYN | T_MIDSTREAM):
        track |= T_HANDSHAKE
    if midstream and track & T_MIDSTREAM and seen_both:
        track |= T_HANDSHAKE
    if flags & FIN:
        track |= T_FIN_CLIENT if direction == TO_SERVER else T_FIN_SERVER
    if track & T_HANDSHAKE and (state == NEW or (state == CLOSED and payload > 0)):
        return track & ~T_RST, I64(ESTABLISHED)
    return track, state


@helper
def answers(apps, p, d, r, flags):
    """Is the first segment of a connection its server's: a SYN-ACK, or bytes that only servers send?"""
    if flags & SYN:
        return flags & (ACK | RST) == ACK
    size = I64(d.payload_len[r])
    if size <= 0:
        return False
    at, src, dest = d.payload_off[r], I64(d.src_port[r]), I64(d.dest_port[r])
    asked = find_app(apps, p.buf, at, size, I64(TCP), I64(TO_SERVER), src, dest)
    return asked == 0 and find_app(apps, p.buf, at, size, I64(TCP), I64(TO_CLIENT), src, dest) != 0


@helper
def app_of_row(flow, known, proto, direction):
    """What is said of a row: a datagram names itself, a segment's bytes name those that follow."""
    app = known if proto == TCP else I64(flow["app_proto"])
    shift = 0 if direction == TO_SERVER else 4
    if app == 0 and (I64(flow["probes"]) >> shift) & 15 >= MAX_PROBED:
        return I64(APP_FAILED)
    return I64(app)


@kernel
def update_rows(t, apps, p, d, out_flow, out_direction, out_state, out_first, out_app, new_rows, midstream):
    """Assign every row of `d` to a flow. Returns the number of rows in new_rows."""
    t.numbers[N_READY] = t.numbers[N_FREE]
    t.numbers[N_BATCH] += 1
    stamp = t.numbers[N_BATCH] & 0xFF
    opened = 0
    for r in range(len(d.packet)):
        if d.ip_v[r] == 0 or d.payload_off[r] < 0:
            out_flow[r] = -1
            out_direction[r] = 0
            out_state[r] = 0
            out_first[r] = 0
            out_app[r] = 0
            continue
        i = I64(d.packet[r])
        now = p.ts_ns[i]
        proto = I64(d.proto[r])
        src_port = d.src_port[r]
        dest_port = d.dest_port[r]
        vlans = I64(d.vlan[r, 0]) | (I64(d.vlan[r, 1]) << 16)
        tunnel = I64(d.tunnel[r])
        flags = I64(d.tcp_flags[r]) if proto == TCP else I64(0)
        tag = flow_tag(
            d.src_ip[r, 0],
            d.src_ip[r, 1],
            src_port,
            d.dest_ip[r, 0],
            d.dest_ip[r, 1],
            dest_port,
            vlans,
            tunnel,
            proto,
            t.secret,
        )
        slot, direction = find_flow(t, d, r, tag, vlans, tunnel, src_port, dest_port)
        if slot >= 0:
            old = t.records[slot]
            track = I64(old["track"])
            state = I64(old["state"])
            idle = now - old["last_ns"]
            ended = 0
            if idle > time_out(proto, state, track, t.timeouts):
                ended = end_reason(track)
            elif flags & (SYN | ACK) == SYN and (state == CLOSED or track & T_FINS == T_FINS):
                ended = end_reason(track)
            if ended:
                if ended == R_TIMEOUT:
                    t.numbers[N_TIMEOUT] += 1
                end_flow(t, slot, ended)
                slot = I64(-1)
        first = 0
        if slot < 0:
            swapped = midstream and proto == TCP and answers(apps, p, d, r, flags)
            slot = open_flow(t, d, r, now, tag, vlans, tunnel, swapped, stamp)
            if slot < 0:
                out_flow[r] = -1
                out_direction[r] = 0
                out_state[r] = 0
                out_first[r] = 0
                out_app[r] = 0
                continue
            direction = I64(TO_CLIENT) if swapped else I64(TO_SERVER)
            if flags & SYN == 0 or swapped:
                t.records[slot]["track"] = T_MIDSTREAM
            new_rows[opened] = r
            opened += 1
            first = OF_FLOW
        flow = t.records[slot]
        flow["stamp"] = stamp
        if flow["dirty"] == 0:
            flow["dirty"] = 1
            t.touched[t.numbers[N_TOUCHED]] = slot
            t.numbers[N_TOUCHED] += 1
        flow["last_ns"] = max(now, flow["last_ns"])
        framed = tunnel == 0 and d.fragment[r] != REBUILT
        size = U64(p.length[i]) if framed else U64(d.ip_len[r])
        if direction == TO_SERVER:
            if flow["pkts_toserver"] == U64(0):
                first |= OF_DIRECTION
                flow["ifindex_client"] = p.ifindex[i]
            flow["pkts_toserver"] += U64(1)
            flow["bytes_toserver"] += size
            flow["flags_toserver"] |= flags & 0xFF
        else:
            if flow["pkts_toclient"] == U64(0):
                first |= OF_DIRECTION
                flow["ifindex_server"] = p.ifindex[i]
            flow["pkts_toclient"] += U64(1)
            flow["bytes_toclient"] += size
            flow["flags_toclient"] |= flags & 0xFF
        state = I64(flow["state"])
        both = flow["pkts_toserver"] != U64(0) and flow["pkts_toclient"] != U64(0)
        payload = I64(d.payload_len[r])
        if proto == TCP:
            track, state = tcp_track(I64(flow["track"]), state, flags, direction, payload, midstream, both)
            flow["track"] = track
            flow["state"] = state
        elif both and state == NEW:
            state = I64(ESTABLISHED)
            flow["state"] = state
        known = I64(flow["app_proto"])
        if payload > 0 and flow["app_proto"] == 0:
            shift = 0 if direction == TO_SERVER else 4
            probes = I64(flow["probes"])
            if (probes >> shift) & 15 < MAX_PROBED:
                flow["probes"] = probes + (1 << shift)
                flow["app_proto"] = find_app(
                    apps,
                    p.buf,
                    d.payload_off[r],
                    payload,
                    proto,
                    direction,
                    I64(src_port),
                    I64(dest_port),
                )
        out_flow[r] = slot
        out_direction[r] = direction
        out_state[r] = state
        out_first[r] = first
        out_app[r] = app_of_row(flow, known, proto, direction)
    return opened


@kernel
def recognise_streams(t, apps, streams):
    """Name the applications of flows by the first bytes of their streams, however they were cut."""
    for k in range(len(streams.flow)):
        slot = I64(streams.flow[k])
        if slot < 0 or streams.stream_offset[k] != 0:
            continue
        flow = t.records[slot]
        if flow["app_proto"] == 0 and streams.end[k] > streams.start[k]:
            flow["app_proto"] = find_app(
                apps,
                streams.buf,
                streams.start[k],
                streams.end[k] - streams.start[k],
                I64(TCP),
                I64(streams.direction[k]),
                I64(flow["src_port"]),
                I64(flow["dest_port"]),
            )


@kernel
def expire_some(t, now, steps):
    """Look at `steps` slots from the hand on and end the flows that were silent too long."""
    used = t.numbers[N_USED]
    hand = t.numbers[N_EXPIRE_HAND]
    for _ in range(min(steps, used)):
        hand = hand + 1 if hand + 1 < used else I64(0)
        flow = t.records[hand]
        if flow["flow_id"] == U64(0) or flow["reason"] != 0:
            continue
        track = I64(flow["track"])
        if now - flow["last_ns"] > time_out(I64(flow["proto"]), I64(flow["state"]), track, t.timeouts):
            reason = end_reason(track)
            if reason == R_TIMEOUT:
                t.numbers[N_TIMEOUT] += 1
            end_flow(t, hand, reason)
    t.numbers[N_EXPIRE_HAND] = hand

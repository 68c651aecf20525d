"""The flow loop: for each decoded row, find or open its flow and count it.

A row has a flow when it is IP and its transport header was sound (payload_off >= 0): a fragment has
none, the datagram that is put together from them does. What an ICMP error is about is found out in
kernels_errors.py. The slots are in kernels_slots.py, the states of
connections in kernels_track.py.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_app import (
    ALL_PROBED,
    COUNT,
    ENOUGH_TO_SERVER,
    FIRST,
    GIVEN_UP,
    MAX_PROBED,
    find_app,
    is_out_of_order,
)
from vpi_tui.flow.kernels_errors import find_quoted
from vpi_tui.flow.kernels_index import I64, U64, flow_tag
from vpi_tui.flow.kernels_sent import is_heeded, is_newest, note_sent, reached_fins
from vpi_tui.flow.kernels_slots import (
    N_BAD_SUM,
    N_BATCH,
    N_EXPIRE_HAND,
    N_FREE,
    N_READY,
    N_REUSE,
    N_RST,
    N_SYN,
    N_SYNACK,
    N_TIMEOUT,
    N_TOUCHED,
    N_URG,
    N_USED,
    end_flow,
    find_flow,
    open_flow,
)
from vpi_tui.flow.kernels_track import (
    ACK,
    CLOSED,
    ESTABLISHED,
    NEW,
    R_REUSE,
    R_TIMEOUT,
    RST,
    SYN,
    T_ANSWERED,
    T_FINS,
    T_MIDSTREAM,
    T_SYNACK,
    TCP,
    TO_CLIENT,
    TO_SERVER,
    end_reason,
    note_fins,
    tcp_track,
    time_out,
)
from vpi_tui.model.applications import APP_FAILED
from vpi_tui.model.batch import FirstSeen, Fragment
from vpi_tui.model.jit import helper, kernel

OF_FLOW = int(FirstSeen.OF_FLOW)
REBUILT = int(Fragment.REBUILT)
OF_DIRECTION = int(FirstSeen.OF_DIRECTION)
URG = 32


@helper
def is_taken_up(options, flags):
    """Is a connection followed whose SYN was not seen? Of a one-sided one the SYN-ACK is enough."""
    return options.midstream or (options.one_sided and flags & (SYN | ACK) == SYN | ACK)


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
    if app == 0 and (I64(flow["probes"]) >> shift) & COUNT >= MAX_PROBED:
        return I64(APP_FAILED)
    return I64(app)


@helper
def tag_of_row(t, d, r, vlans, tunnel):
    src, dest, proto = d.src_ip[r], d.dest_ip[r], I64(d.proto[r])
    ports = d.src_port[r], d.dest_port[r]
    return flow_tag(src[0], src[1], ports[0], dest[0], dest[1], ports[1], vlans, tunnel, proto, t.secret)


@helper
def find_flow_of_row(t, d, r, tag, vlans, tunnel):
    """(slot, direction) of the flow that a row belongs to; (-1, any) = none."""
    src, dest, ip_v, proto = d.src_ip[r], d.dest_ip[r], d.ip_v[r], d.proto[r]
    ports = d.src_port[r], d.dest_port[r]
    return find_flow(t, ip_v, proto, src[0], src[1], dest[0], dest[1], tag, vlans, tunnel, ports[0], ports[1])


@helper
def is_over(t, flow, now, flags):
    """Why a flow cannot be that of a packet that comes now, an EndReason; 0 = it may be."""
    track, state = I64(flow["track"]), I64(flow["state"])
    if now - flow["last_ns"] > time_out(I64(flow["proto"]), state, track, t.timeouts):
        return end_reason(track)
    if flags & (SYN | ACK) == SYN and (state == CLOSED or track & T_FINS == T_FINS):
        return R_REUSE
    return 0


@helper
def touch(t, slot, stamp):
    """Remember that the batch has a packet of the flow."""
    flow = t.records[slot]
    flow["stamp"] = stamp
    if flow["dirty"] == 0:
        flow["dirty"] = 1
        t.touched[t.numbers[N_TOUCHED]] = slot
        t.numbers[N_TOUCHED] += 1


@helper
def count_packet(flow, direction, size, flags, ifindex, quoted):
    """Add a packet to the counts of its direction. Returns OF_DIRECTION for the first one, else 0."""
    first = 0
    if direction == TO_SERVER:
        if flow["pkts_toserver"] == U64(0):
            first = OF_DIRECTION
            flow["ifindex_client"] = ifindex
        flow["pkts_toserver"] += U64(1)
        flow["bytes_toserver"] += size
        flow["flags_toserver"] |= flags & 0xFF
        return first
    if flow["pkts_toclient"] == U64(0):
        first = OF_DIRECTION
    if flow["track"] & T_ANSWERED == 0 and not quoted:
        flow["track"] |= T_ANSWERED
        flow["ifindex_server"] = ifindex
    flow["pkts_toclient"] += U64(1)
    flow["bytes_toclient"] += size
    flow["flags_toclient"] |= flags & 0xFF
    return first


@helper
def count_flags(t, flags):
    """A segment that opens or ends a connection, or is urgent."""
    if flags & SYN:
        t.numbers[N_SYNACK if flags & ACK else N_SYN] += 1
    if flags & RST:
        t.numbers[N_RST] += 1
    if flags & URG:
        t.numbers[N_URG] += 1


@helper
def advance(t, slot, d, r, proto, flags, direction, payload, options):
    """Bring a flow to the state after the packet of row r, which is counted already. Returns it."""
    flow = t.records[slot]
    state = I64(flow["state"])
    if proto == TCP:
        if not is_heeded(flow, d, r, flags, direction, options.bad_events):
            return state
        note_sent(flow, d, r, flags, direction, payload, options.bad_events)
        midstream, one_sided = options.midstream, options.one_sided
        track = I64(flow["track"])
        track, state = tcp_track(track, state, flags, direction, payload, midstream, one_sided)
        flow["track"] = note_fins(track, reached_fins(t, slot, d, r, flags, direction, payload))
        flow["state"] = state
    elif state == NEW and flow["proto"] != TCP:
        if flow["pkts_toserver"] != U64(0) and flow["pkts_toclient"] != U64(0):
            state = I64(ESTABLISHED)
            flow["state"] = state
    return state


@helper
def probe(flow, apps, p, d, r, proto, direction, options):
    """Look for the application in the bytes of a row, unless enough of its direction were looked at.

    With `midstream` connections whose start was not seen are parsed when the client's first bytes tell as
    what. Who speaks first is told by bytes that their receiver takes.
    """
    shift = 0 if direction == TO_SERVER else 4
    probes = I64(flow["probes"])
    if (probes >> shift) & COUNT >= MAX_PROBED:
        return
    at, size = d.payload_off[r], I64(d.payload_len[r])
    if probes == 0 and proto == TCP and flow["track"] & T_MIDSTREAM == 0:
        if is_newest(flow, d, r, direction, size, options.bad_events):
            probes = I64(FIRST << shift)
    flow["probes"] = probes + (1 << shift)
    src, dest = I64(d.src_port[r]), I64(d.dest_port[r])
    app = find_app(apps, p.buf, at, size, proto, direction, src, dest)
    is_first = probes & COUNT == 0 and direction == TO_SERVER and size >= ENOUGH_TO_SERVER
    midstream = options.midstream and proto == TCP
    if app == 0 and midstream and is_first and flow["track"] & (T_MIDSTREAM | T_SYNACK) == T_MIDSTREAM:
        flow["probes"] = GIVEN_UP
    else:
        take_for(flow, app)


@helper
def take_for(flow, app):
    """Name the application of a flow, unless it cannot be that one."""
    probes = I64(flow["probes"])
    if probes == GIVEN_UP:
        return
    if is_out_of_order(app, probes):
        flow["probes"] = probes & ~(COUNT << 4 | COUNT) | ALL_PROBED
    else:
        flow["app_proto"] = app


@kernel
def update_rows(t, apps, p, d, out_flow, out_direction, out_state, out_first, out_app, new_rows, options):
    """Assign every row of `d` to a flow. Returns the number of rows in new_rows.

    options: table.TcpOptions.
    """
    t.numbers[N_READY] = t.numbers[N_FREE]
    t.numbers[N_BATCH] += 1
    stamp = t.numbers[N_BATCH] & 0xFF
    opened = 0
    for r in range(len(d.packet)):
        out_flow[r] = -1
        out_direction[r] = 0
        out_state[r] = 0
        out_first[r] = 0
        out_app[r] = 0
        if d.ip_v[r] == 0 or d.payload_off[r] < 0:
            continue
        i = I64(d.packet[r])
        now = p.ts_ns[i]
        proto = I64(d.proto[r])
        vlans = I64(d.vlan[r, 0]) | (I64(d.vlan[r, 1]) << 16)
        tunnel = I64(d.tunnel[r])
        flags = I64(d.tcp_flags[r]) if proto == TCP else I64(0)
        tag = tag_of_row(t, d, r, vlans, tunnel)
        slot, direction = find_quoted(t, p, d, r, vlans, tunnel)
        quoted = slot >= 0
        if not quoted:
            slot, direction = find_flow_of_row(t, d, r, tag, vlans, tunnel)
        if slot >= 0:
            ended = is_over(t, t.records[slot], now, flags)
            if ended:
                if ended == R_TIMEOUT:
                    t.numbers[N_TIMEOUT] += 1
                elif ended == R_REUSE:
                    t.numbers[N_REUSE] += 1
                end_flow(t, slot, ended)
                slot = I64(-1)
                quoted = False
        first = 0
        if slot < 0:
            swapped = proto == TCP and is_taken_up(options, flags) and answers(apps, p, d, r, flags)
            slot = open_flow(t, d, r, now, tag, vlans, tunnel, swapped, stamp)
            if slot < 0:
                continue
            direction = I64(TO_CLIENT) if swapped else I64(TO_SERVER)
            if flags & SYN == 0 or swapped:
                t.records[slot]["track"] = T_MIDSTREAM
            new_rows[opened] = r
            opened += 1
            first = OF_FLOW
        touch(t, slot, stamp)
        if proto == TCP and I64(d.events[r]) & options.bad_events:
            t.numbers[N_BAD_SUM] += 1
        elif flags & (SYN | RST | URG):
            count_flags(t, flags)
        flow = t.records[slot]
        flow["last_ns"] = max(now, flow["last_ns"])
        framed = tunnel == 0 and d.fragment[r] != REBUILT
        size = U64(p.length[i]) if framed else U64(d.ip_len[r])
        first |= count_packet(flow, direction, size, flags, p.ifindex[i], quoted)
        payload = I64(d.payload_len[r])
        state = advance(t, slot, d, r, proto, flags, direction, payload, options)
        known = I64(flow["app_proto"])
        if payload > 0 and known == 0 and not quoted:
            probe(flow, apps, p, d, r, proto, direction, options)
        out_flow[r] = slot
        out_direction[r] = direction
        out_state[r] = state
        out_first[r] = first
        out_app[r] = app_of_row(flow, known, proto, direction)
    return opened


@helper
def _look(t, apps, streams, k):
    """What a stretch that begins a stream looks like by itself; 0 = nothing that is known, or another one."""
    slot, size = I64(streams.flow[k]), streams.end[k] - streams.start[k]
    if slot < 0 or streams.stream_offset[k] != 0 or size <= 0:
        return I64(0)
    flow, direction = t.records[slot], I64(streams.direction[k])
    if flow["probes"] == GIVEN_UP:
        return I64(APP_FAILED)
    src, dest = I64(flow["src_port"]), I64(flow["dest_port"])
    return find_app(apps, streams.buf, streams.start[k], size, I64(TCP), direction, src, dest)


@kernel
def recognise_streams(t, apps, streams, flow_of, app, named_at):
    """Name the applications of flows by the first bytes of their streams, however they were cut.

    flow_of, app: of the rows that released the stretches (FlowBatch), empty = none did. The rows behind a
    stretch that names their flow are set right: by themselves they may be of none that is known. named_at:
    int32[slots] of zeros, and left so; one more than the first row that released such a stretch.
    """
    for k in range(len(streams.flow)):
        slot = I64(streams.flow[k])
        if slot >= 0 and streams.stream_offset[k] == 0 and t.records[slot]["app_proto"] == 0:
            look = _look(t, apps, streams, k)
            if look != APP_FAILED:
                take_for(t.records[slot], look)
    first = I64(len(flow_of))
    for k in range(len(streams.flow) if first else 0):
        row = I64(streams.row[k])
        look = _look(t, apps, streams, k) if row >= 0 else I64(0)
        if look != 0 and look != APP_FAILED:
            slot = I64(streams.flow[k])
            if named_at[slot] == 0 or row < named_at[slot]:
                named_at[slot] = row + 1
            first = min(first, row)
    for r in range(first + 1, len(flow_of)):
        slot = I64(flow_of[r])
        if slot >= 0 and (app[r] == 0 or app[r] == APP_FAILED) and 0 < named_at[slot] <= r:
            app[r] = t.records[slot]["app_proto"] or app[r]
    for k in range(len(streams.flow) if first < len(flow_of) else 0):
        named_at[max(streams.flow[k], 0)] = 0


@kernel
def recognise_starts(t, apps, streams, found):
    """What each stretch that begins a stream looks like by itself: found[k], 0 = nothing that is known,
    APP_FAILED = it does not matter."""
    for k in range(len(streams.flow)):
        found[k] = _look(t, apps, streams, k)


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

"""How much each side of a TCP connection has sent, packet by packet: what stream_size asks.

A size is next sequence number minus initial one, as in Suricata: it counts the SYN, and the FIN of the
server, that of the client once it is acknowledged.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

import numpy as np

from vpi_tui.model.jit import helper, kernel

FIN, SYN, RST, ACK = 1, 2, 4, 16
FARTHEST = 1 << 26
"""A segment that ends farther ahead than this belongs to no window."""


NOBODY_FOLLOWS = np.uint32(0xFFFFFFFF)
"""The size of both sides of a connection of which Suricata would have no session."""

KNOWN, FIRST, NEXT = 0, 1, 2
"""What is kept of a side of a flow: the flow's generation, the initial and the next sequence number."""


@helper
def _size_of(state, slot, side, born):
    """What a side of a flow has sent."""
    here = state[slot, side]
    return here[NEXT] - here[FIRST] if here[KNOWN] == born else np.uint32(0)


@helper
def _set(state, slot, side, born, first, following):
    here = state[slot, side]
    here[KNOWN] = born
    here[FIRST] = first & 0xFFFFFFFF
    here[NEXT] = following & 0xFFFFFFFF


@helper
def _open(state, slot, side, born, flags, seq, ack, end, midstream):
    """The first row of a flow, or a SYN of one that nobody followed."""
    if flags & SYN and not flags & ACK:
        state[slot, 1 - side, KNOWN] = 0
        _set(state, slot, side, born, seq, end)
    elif midstream and flags & ACK and not flags & (RST | FIN):
        _set(state, slot, side, born, seq - (1 if not flags & SYN else 0), end)
        _set(state, slot, 1 - side, born, ack - 1, ack)
    else:
        for k in range(2):
            _set(state, slot, k, born, np.int64(0), np.int64(NOBODY_FOLLOWS))


@helper
def _acknowledge(state, slot, born, ack):
    """The server has one more than the client's size says: its FIN."""
    size = _size_of(state, slot, 0, born)
    if size != 0 and size != NOBODY_FOLLOWS:
        client = state[slot, 0]
        if (ack - np.int64(client[NEXT])) & 0xFFFFFFFF == 1:
            client[NEXT] = ack


@kernel
def follow_sizes(decoded, flows, born, state, out, midstream):
    """Fill out, uint32[2, m]: what client and server have sent up to each row, the row included.

    state: uint32[slots, 2, 3], by slot and side.
    """
    for row in range(decoded.packet.size):
        slot, side = np.int64(flows.flow[row]), np.int64(flows.direction[row]) - 1
        if slot < 0 or side < 0 or decoded.proto[row] != 6:
            out[0, row] = 0
            out[1, row] = 0
            continue
        flags = np.int64(decoded.tcp_flags[row])
        seq, ack = np.int64(decoded.tcp_seq[row]), np.int64(decoded.tcp_ack[row])
        said = np.int64(1) if flags & SYN else max(np.int64(decoded.payload_len[row]), 0)
        end = (seq + said + (flags & FIN) * side) & 0xFFFFFFFF
        here, peer = state[slot, side], state[slot, 1 - side]
        generation = born[row]
        if here[KNOWN] != generation and peer[KNOWN] != generation:
            _open(state, slot, side, generation, flags, seq, ack, end, midstream)
        elif _size_of(state, slot, side, generation) == NOBODY_FOLLOWS:
            if flags & (SYN | ACK) == SYN:
                _open(state, slot, side, generation, flags, seq, ack, end, midstream)
        elif here[KNOWN] != generation:
            _set(state, slot, side, generation, seq if flags & SYN else seq - 1, end)
        elif 0 < (end - np.int64(here[NEXT])) & 0xFFFFFFFF < FARTHEST:
            here[NEXT] = end
        if flags & ACK and side == 1:
            _acknowledge(state, slot, generation, ack)
        for k in range(2):
            out[k, row] = _size_of(state, slot, k, born[row])


@kernel
def sizes_with(row, flow, born, of_rows, state, out):
    """Fill out, uint32[2, k], for stretches: of_rows at the row that came with each, else as it is now."""
    for i in range(row.size):
        slot = np.int64(flow[i])
        for k in range(2):
            if row[i] >= 0:
                out[k, i] = of_rows[k, row[i]]
            else:
                out[k, i] = _size_of(state, slot, k, born[i]) if 0 <= slot < state.shape[0] else 0

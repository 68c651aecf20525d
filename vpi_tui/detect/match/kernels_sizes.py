"""How much each side of a TCP connection has sent, packet by packet: what stream_size asks.

A size is next sequence number minus initial one, as in Suricata: it counts the SYN and the FIN.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

import numpy as np

from vpi_tui.model.jit import helper, kernel

FIN, SYN = 1, 2
FARTHEST = 1 << 26
"""A segment that ends farther ahead than this belongs to no window."""


KNOWN, FIRST, NEXT = 0, 1, 2
"""What is kept of a side of a flow: the flow's generation, the initial and the next sequence number."""


@helper
def _size_of(state, slot, side, born):
    """What a side of a flow has sent."""
    here = state[slot, side]
    return here[NEXT] - here[FIRST] if here[KNOWN] == born else np.uint32(0)


@kernel
def follow_sizes(decoded, flows, born, state, out):
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
        seq = np.int64(decoded.tcp_seq[row])
        syn = np.int64((flags & SYN) != 0)
        end = (seq + max(np.int64(decoded.payload_len[row]), 0) + syn + (flags & FIN)) & 0xFFFFFFFF
        here = state[slot, side]
        if here[KNOWN] != born[row]:
            here[KNOWN] = born[row]
            here[FIRST] = seq if syn else (seq - 1) & 0xFFFFFFFF
            here[NEXT] = end
        else:
            ahead = (end - np.int64(here[NEXT])) & 0xFFFFFFFF
            if 0 < ahead < FARTHEST:
                here[NEXT] = end
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

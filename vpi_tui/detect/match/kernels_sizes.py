"""How much each side of a TCP connection has sent, packet by packet: what stream_size asks.

A size is next sequence number minus initial one, as in Suricata: it counts the SYN and the FIN.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

import numpy as np

from vpi_tui.model.jit import kernel

FIN, SYN = 1, 2
FARTHEST = 1 << 26
"""A segment that ends farther ahead than this belongs to no window."""


@kernel
def follow_sizes(decoded, flows, born, known, first_seq, next_seq, out):
    """Fill out, uint32[m, 2]: what client and server have sent up to each row, the row included.

    State by slot and side: known uint32[slots, 2], generation of the flow whose numbers are kept;
    first_seq, next_seq uint32[slots, 2].
    """
    for row in range(decoded.packet.size):
        slot, side = np.int64(flows.flow[row]), np.int64(flows.direction[row]) - 1
        if slot < 0 or side < 0 or decoded.proto[row] != 6:
            out[row, 0] = 0
            out[row, 1] = 0
            continue
        flags = np.int64(decoded.tcp_flags[row])
        seq = np.int64(decoded.tcp_seq[row])
        syn = np.int64((flags & SYN) != 0)
        end = (seq + max(np.int64(decoded.payload_len[row]), 0) + syn + (flags & FIN)) & 0xFFFFFFFF
        if known[slot, side] != born[row]:
            known[slot, side] = born[row]
            first_seq[slot, side] = seq if syn else (seq - 1) & 0xFFFFFFFF
            next_seq[slot, side] = end
        else:
            ahead = (end - np.int64(next_seq[slot, side])) & 0xFFFFFFFF
            if 0 < ahead < FARTHEST:
                next_seq[slot, side] = end
        for k in range(2):
            here = known[slot, k] == born[row]
            out[row, k] = next_seq[slot, k] - first_seq[slot, k] if here else 0

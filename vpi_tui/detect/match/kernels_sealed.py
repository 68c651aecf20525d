"""Payload of connections that are encrypted: which packets and stretches nobody can read."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, U8, U32
from vpi_tui.model.jit import helper, kernel

SEALED = 2
"""In StreamBatch.reassembled's place: the payload of the row is not to be looked at."""
TCP, ACK = 6, 16
HALF = 1 << 31


class SealedFlows(NamedTuple):
    """By slot of the flow table. A generation tells flows in a slot apart; 0 = none."""

    told: U32
    """uint32[slots]: the generation of which the first encrypted bytes have come."""
    since: I32
    """int32[slots]: the row that brought them, when that is one of this batch; -1 = they came before."""
    way: U8
    """uint8[slots]: their Direction."""
    end: U32
    """uint32[slots]: the sequence number behind them."""
    sealed: U32
    """uint32[slots]: the generation of which the peer has acknowledged them."""
    bypassed: U8
    """uint8[slots]: 1 = then no rule looks at any more of it."""


class Told(NamedTuple):
    """Flows that became encrypted in this batch, in order of rows."""

    flow: I32
    row: I32
    """int32[k]: -1 = before all rows."""
    way: U8
    bypassed: U8


@helper
def _tell(seals, decoded, flows, born, generation, told, inline, k):
    """Note one of `told`. What the peer or the clock releases is not waited for any more."""
    slot, row = np.int64(told.flow[k]), np.int64(told.row[k])
    is_own = row >= 0 and flows.flow[row] == slot
    seals.told[slot] = born[row] if is_own else generation[slot]
    seals.since[slot] = row
    seals.way[slot] = told.way[k]
    seals.bypassed[slot] = told.bypassed[k]
    if is_own and not inline and flows.direction[row] == told.way[k]:
        seals.end[slot] = (np.int64(decoded.tcp_seq[row]) + decoded.payload_len[row]) & 0xFFFFFFFF
    else:
        seals.sealed[slot] = seals.told[slot]


@helper
def _acknowledges(seals, decoded, flows, slot, row):
    """Does the packet say that its sender has the first encrypted bytes?"""
    if decoded.proto[row] != TCP or flows.direction[row] == seals.way[slot]:
        return False
    ahead = (np.int64(decoded.tcp_ack[row]) - np.int64(seals.end[slot])) & 0xFFFFFFFF
    return decoded.tcp_flags[row] & ACK != 0 and ahead < HALF


@kernel
def seal_rows(seals, decoded, flows, born, generation, told, inline, out):
    """Write SEALED to the rows of `out`, uint8[rows], whose payload is not to be looked at.

    It is looked at up to the packet with which the peer acknowledges the first encrypted bytes: Suricata sees
    them then. inline: up to the packet that brings them. born: uint32[rows], generation of each row's flow;
    generation: uint32[slots].
    """
    k = np.int64(0)
    for row in range(-1, out.size):
        slot = np.int64(flows.flow[row]) if row >= 0 else np.int64(-1)
        if slot >= 0 and born[row] and seals.told[slot] == born[row]:
            if seals.sealed[slot] == born[row]:
                out[row] = SEALED
            elif _acknowledges(seals, decoded, flows, slot, row):
                seals.sealed[slot] = born[row]
        while k < told.row.size and told.row[k] <= row:
            _tell(seals, decoded, flows, born, generation, told, inline, k)
            k += 1


@kernel
def seal_stretches(seals, flows, streams, born, inline, kinds):
    """Write 0 (never inspected) to the `kinds`, uint16[stretches], of those that are encrypted.

    To be called behind `seal_rows`. born: uint32[stretches], generation of each one's flow. The packet
    that releases the first encrypted bytes may release what the other side had said before; its own bytes are
    inspected inline only. What was waited for in vain lies behind the rows of the stretches before it.
    """
    last = np.int64(-1)
    for i in range(kinds.size):
        slot = np.int64(streams.flow[i])
        row = np.int64(streams.row[i])
        last = max(last, row)
        if slot < 0 or born[i] == 0 or seals.told[slot] != born[i]:
            continue
        since = np.int64(seals.since[slot])
        if row < 0:
            behind = last >= since
        elif row == since:
            way = seals.way[slot]
            behind = not inline and (streams.direction[i] == way or flows.direction[row] != way)
        else:
            behind = row > since
        if behind:
            kinds[i] = 0

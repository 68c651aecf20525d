"""Payload of connections that are encrypted: which packets and stretches nobody can read."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I32, U8, U16, U32
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
    """int32[slots]: one more than the row that brought them, when that is one of this batch; 0 = they came
    before."""
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


class Rows(NamedTuple):
    """Columns of a batch that are read, as handing a kernel all of them costs more than the loop."""

    flow: I32
    direction: U8
    proto: U8
    tcp_flags: U16
    tcp_seq: U32
    tcp_ack: U32
    payload_len: I32
    born: U32
    """uint32[rows]: generation of each one's flow."""
    taken: U8
    """uint8[rows], as of candidates.Batch: SEALED is written here."""
    kinds: U16
    """uint16[rows], as of Subject: 0 = never inspected is written here."""


class Stretches(NamedTuple):
    """As Rows, of the streams; `kinds` is written."""

    flow: I32
    row: I32
    direction: U8
    born: U32
    kinds: U16


@helper
def _tell(seals, rows, generation, told, inline, k):
    """Note one of `told`. What the peer or the clock releases is not waited for any more."""
    slot, row = np.int64(told.flow[k]), np.int64(told.row[k])
    is_own = row >= 0 and rows.flow[row] == slot
    seals.told[slot] = rows.born[row] if is_own else generation[slot]
    seals.since[slot] = row + 1
    seals.way[slot] = told.way[k]
    seals.bypassed[slot] = told.bypassed[k]
    if is_own and not inline and rows.direction[row] == told.way[k]:
        seals.end[slot] = (np.int64(rows.tcp_seq[row]) + rows.payload_len[row]) & 0xFFFFFFFF
    else:
        seals.sealed[slot] = seals.told[slot]


@helper
def _acknowledges(seals, rows, slot, row):
    """Does the packet say that its sender has the first encrypted bytes?"""
    if rows.proto[row] != TCP or rows.direction[row] == seals.way[slot]:
        return False
    ahead = (np.int64(rows.tcp_ack[row]) - np.int64(seals.end[slot])) & 0xFFFFFFFF
    return rows.tcp_flags[row] & ACK != 0 and ahead < HALF


@kernel
def seal_rows(seals, rows, generation, told, inline):
    """Mark the rows whose payload is not to be looked at, and those of which nothing is.

    Payload is looked at up to the packet with which the peer acknowledges the first encrypted bytes: Suricata
    sees them then. inline: up to the packet that brings them. generation: uint32[slots].
    """
    k = np.int64(0)
    for row in range(-1, rows.taken.size):
        slot = np.int64(rows.flow[row]) if row >= 0 else np.int64(-1)
        if slot >= 0 and rows.born[row] and seals.told[slot] == rows.born[row]:
            if seals.sealed[slot] == rows.born[row]:
                rows.taken[row] = SEALED
                if seals.bypassed[slot]:
                    rows.kinds[row] = 0
            elif _acknowledges(seals, rows, slot, row):
                seals.sealed[slot] = rows.born[row]
        while k < told.row.size and told.row[k] <= row:
            _tell(seals, rows, generation, told, inline, k)
            k += 1


@kernel
def seal_stretches(seals, rows, stretches, inline):
    """Write 0 to the `kinds` of those that are encrypted.

    To be called behind `seal_rows`. The packet that releases the first encrypted bytes may release what the
    other side had said before; its own bytes are inspected inline only. What was waited for in vain lies
    behind the rows of the stretches before it.
    """
    last = np.int64(-1)
    for i in range(stretches.kinds.size):
        slot = np.int64(stretches.flow[i])
        row = np.int64(stretches.row[i])
        last = max(last, row)
        if slot < 0 or stretches.born[i] == 0 or seals.told[slot] != stretches.born[i]:
            continue
        since = np.int64(seals.since[slot]) - 1
        if row < 0:
            behind = last >= since
        elif row == since:
            way = seals.way[slot]
            behind = not inline and (stretches.direction[i] == way or rows.direction[row] != way)
        else:
            behind = row > since
        if behind:
            stretches.kinds[i] = 0

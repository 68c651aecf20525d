"""The compiled loop over the heads of TLS records: where does the first one begin that holds data?"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vpi_tui.detect.applayer.tls.records import (
    ALERT,
    CHANGE_CIPHER,
    DATA,
    HANDSHAKE,
    HEAD,
    HEARTBEAT,
    RECORD_LIMIT,
)
from vpi_tui.model.batch import I64, U8
from vpi_tui.model.jit import helper, kernel

NEW, WALKED, SETTLED = 0, 1, 2
OFFERED, ANSWERED = 1, 2
"""Flags of a connection: its client has offered early data, its server has said hello."""
SEEN = HEAD + 1
"""Bytes of a record that are looked at: an empty one says nothing."""
LEAST_ALERT, LEAST_HANDSHAKE = 2, 4
"""Bytes of a record's body, where one is not enough."""
CLIENT_HELLO, SERVER_HELLO = 1, 2
SSL2, SSL2_HEAD = 0x80, 2
EARLY_DATA = 42
MOST_EXTENSIONS = 256
TO_SERVER = 1


class Walks(NamedTuple):
    """By slot of the flow table; where two are named, by Direction less one."""

    state: U8
    """uint8[slots]: SETTLED = nothing that comes changes anything any more."""
    flags: U8
    """uint8[slots]."""
    at: I64
    """int64[slots, 2]: where in its stream the record begins that comes now, or next."""
    have: U8
    """uint8[slots, 2]: bytes of it in `head`."""
    begun: U8
    """uint8[slots, 2]: 1 = a record has come."""
    head: U8
    """uint8[slots, 2, SEEN]."""


@helper
def _u16(buf, at):
    return np.int64(buf[at]) << 8 | np.int64(buf[at + 1])


@helper
def _offers_early_data(buf, at, end):
    """Is the record at `at` a ClientHello, whole up to `end`, with that extension (RFC 8446, 4.2.10)?"""
    end = min(end, at + HEAD + _u16(buf, at + 3))
    at += HEAD + 4 + 2 + 32
    if at + 1 > end:
        return False
    at += 1 + np.int64(buf[at])  # session
    if at + 2 > end:
        return False
    at += 2 + _u16(buf, at)  # ciphers
    if at + 1 > end:
        return False
    at += 1 + np.int64(buf[at]) + 2  # compression methods, and the size of all extensions
    for _ in range(MOST_EXTENSIONS):
        if at + 4 > end:
            return False
        if _u16(buf, at) == EARLY_DATA:
            return True
        at += 4 + _u16(buf, at + 2)
    return False


@helper
def _is_broken(kind, major, length):
    """Can a record not have such a head? As records.problem_of, and too short for what it is."""
    if kind < CHANGE_CIPHER or kind > HEARTBEAT or major != 3 or length > RECORD_LIMIT:
        return True
    if kind == ALERT:
        return length < LEAST_ALERT
    return length < (LEAST_HANDSHAKE if kind == HANDSHAKE else 1)


@helper
def _size_of(head):
    """Bytes of a record, by the start of it."""
    return HEAD + (np.int64(head[3]) << 8 | np.int64(head[4]))


@helper
def _judge(w, slot, side, buf, at, end):
    """Look at a head that is whole. Returns the size of its record; 0 = what follows is encrypted, -1 = it is
    no TLS. at, end: of the record, as far as it is there, in buf; at = -1: its start is not there."""
    head = w.head[slot, side]
    first, w.begun[slot, side] = w.begun[slot, side] == 0, 1
    kind, of = np.int64(head[0]), np.int64(head[HEAD])
    if first and kind & SSL2:
        return np.int64(SSL2_HEAD + ((kind & 0x7F) << 8 | np.int64(head[1])))
    size = _size_of(head)
    if _is_broken(kind, np.int64(head[1]), size - HEAD):
        return np.int64(-1)
    if kind == DATA and w.flags[slot] & (OFFERED | ANSWERED) != OFFERED:
        return np.int64(0)
    if kind == HANDSHAKE:
        if side + 1 == TO_SERVER and of == CLIENT_HELLO and at >= 0 and _offers_early_data(buf, at, end):
            w.flags[slot] |= OFFERED
        elif side + 1 != TO_SERVER and of == SERVER_HELLO:
            w.flags[slot] |= ANSWERED
    return size


@helper
def _walk(w, slot, side, buf, start, first, end):
    """Go over the records in buf[start:end], the first byte of which is at `first` in its stream. Returns
    whether encrypted bytes have come."""
    at, have = w.at[slot, side], np.int64(w.have[slot, side])
    shift = start - first
    if at + have < first:
        w.state[slot] = SETTLED
        return False
    while at + have < end - shift:
        w.head[slot, side, have] = buf[at + have + shift]
        have += 1
        if have < SEEN:
            continue
        size = _judge(w, slot, side, buf, at + shift if at >= first else np.int64(-1), end)
        if size <= 0:
            w.state[slot] = SETTLED
            return size == 0
        at += size
        have = np.int64(0)
    w.at[slot, side] = at
    w.have[slot, side] = have
    return False


@kernel
def walk_records(w, streams, app_of, tls, found):
    """Go over a batch's stretches of connections that `app_of`, uint8[slots], calls `tls`. Writes the
    stretches that bring the first encrypted bytes of one to `found`, int32[k], and returns how many."""
    count = np.int64(0)
    for k in range(len(streams.flow)):
        slot = np.int64(streams.flow[k])
        if slot < 0 or app_of[slot] != tls or w.state[slot] == SETTLED:
            continue
        first = streams.stream_offset[k]
        if w.state[slot] == NEW:
            w.state[slot] = WALKED if first == 0 else SETTLED
        side = np.int64(streams.direction[k]) - 1
        if w.state[slot] == WALKED and _walk(
            w, slot, side, streams.buf, streams.start[k], first, streams.end[k]
        ):
            found[count] = k
            count += 1
    return count

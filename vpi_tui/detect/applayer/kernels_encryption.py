"""The compiled loop over heads of records of TLS and of packets of SSH: from where on is all encrypted?"""

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
"""States of a connection: only `at` says something of a new one; none that is settled changes any more."""
OFFERED, ANSWERED = 1, 2
"""Flags of a TLS connection: its client has offered early data, its server has said hello."""
NEW_KEYS = 1
"""Flag of an SSH connection, shifted by the side: it encrypts from there on."""
SEEN = HEAD + 1
"""Bytes of a record or packet that are looked at. An empty record of TLS says nothing."""
TLS, SSH = 1, 2
SSH_NEWKEYS, SSH_LEAST = 21, 2
"""Type of a packet (RFC 4253, 12), and bytes that one has behind its length at least."""
SSH_LENGTH = 4
NEVER = 1 << 62
"""A place in a stream that is not reached."""
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
    """uint8[slots]: NEW, WALKED or SETTLED."""
    flags: U8
    """uint8[slots]."""
    at: I64
    """int64[slots, 2]: where in its stream the record begins that comes now, or next."""
    have: U8
    """uint8[slots, 2]: bytes of it in `head`."""
    begun: U8
    """uint8[slots, 2]: 1 = a record has come; of SSH: the line that stands first."""
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
def _judge_ssh(w, slot, side):
    """As _judge_tls, of a packet of SSH (RFC 4253, 6). Encrypted is what follows the new keys of both sides;
    a size of NEVER = only this side is so far."""
    head = w.head[slot, side]
    length = np.int64(0)
    for k in range(SSH_LENGTH):
        length = length << 8 | np.int64(head[k])
    if length < SSH_LEAST:
        return np.int64(-1)
    if head[HEAD] != SSH_NEWKEYS:
        return SSH_LENGTH + length
    w.flags[slot] |= NEW_KEYS << side
    both = w.flags[slot] & (NEW_KEYS | NEW_KEYS << 1) == NEW_KEYS | NEW_KEYS << 1
    return np.int64(0) if both else np.int64(NEVER)


@helper
def _judge_tls(w, slot, side, buf, at, end):
    """Look at a head that is whole. Returns the size of its record; 0 = what follows is encrypted, -1 = it is
    no TLS. at, end: of the record, as far as it is there, in buf; at = -1: its start is not there."""
    head = w.head[slot, side]
    first, w.begun[slot, side] = w.begun[slot, side] == 0, 1
    kind, of = np.int64(head[0]), np.int64(head[HEAD])
    if first and kind & SSL2:
        return np.int64(SSL2_HEAD + ((kind & 0x7F) << 8 | np.int64(head[1])))
    size = HEAD + _u16(head, 3)
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
def _behind_line(buf, at, end):
    """Where the bytes behind a line feed begin; `end` = there is none."""
    while at < end and buf[at] != 10:
        at += 1
    return min(at + 1, end)


@helper
def _walk(w, what, slot, side, buf, start, first, end):
    """Go over the records in buf[start:end], the first byte of which is at `first` in its stream. Returns
    whether encrypted bytes have come."""
    at, have = w.at[slot, side], np.int64(w.have[slot, side])
    shift = start - first
    if at + have < first:
        w.state[slot] = SETTLED
        return False
    if what == SSH and w.begun[slot, side] == 0 and at + shift < end:
        behind = _behind_line(buf, at + shift, end)
        w.begun[slot, side] = buf[behind - 1] == 10
        at = behind - shift
    while at + have < end - shift:
        w.head[slot, side, have] = buf[at + have + shift]
        have += 1
        if have < SEEN:
            continue
        if what == SSH:
            size = _judge_ssh(w, slot, side)
        else:
            size = _judge_tls(w, slot, side, buf, at + shift if at >= first else np.int64(-1), end)
        if size <= 0:
            w.state[slot] = SETTLED
            return size == 0
        at += size
        have = np.int64(0)
    w.at[slot, side] = at
    w.have[slot, side] = have
    return False


@helper
def _start(w, slot):
    w.state[slot] = WALKED
    w.flags[slot] = 0
    for side in range(2):
        w.have[slot, side] = 0
        w.begun[slot, side] = 0


@kernel
def walk_records(w, streams, app_of, kinds, found):
    """Go over a batch's stretches of connections for the application of which, by `app_of`, uint8[slots],
    `kinds` has TLS or SSH. Writes the stretches from which on one is encrypted to `found`, int32[k], and
    returns how many."""
    count = np.int64(0)
    for k in range(len(streams.flow)):
        slot = np.int64(streams.flow[k])
        what = kinds[app_of[slot]] if slot >= 0 else np.uint8(0)
        if what == 0 or w.state[slot] == SETTLED:
            continue
        if w.state[slot] == NEW:
            _start(w, slot)
        side, first = np.int64(streams.direction[k]) - 1, streams.stream_offset[k]
        if _walk(w, what, slot, side, streams.buf, streams.start[k], first, streams.end[k]):
            found[count] = k
            count += 1
    return count

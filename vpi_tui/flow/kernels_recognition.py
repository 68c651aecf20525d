"""The judging of first bytes: what each direction of a connection looks like, and what is odd about it."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from typing import NamedTuple

import numpy as np

from vpi_tui.flow.kernels_app import ENOUGH_TO_CLIENT, ENOUGH_TO_SERVER
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import I32, U8, Direction, FirstSeen
from vpi_tui.model.detection_events import DetectionEvent
from vpi_tui.model.jit import helper, kernel

GIVEN_UP = 100_000
"""Bytes of one direction after which nothing is waited for from the other."""

FAILED = APP_FAILED
TO_SERVER, TO_CLIENT = int(Direction.TO_SERVER), int(Direction.TO_CLIENT)
BOTH_DIRECTIONS = TO_SERVER | TO_CLIENT
OF_FLOW, TCP, UDP = int(FirstSeen.OF_FLOW), 6, 17
HTTP, TLS, DCERPC, MODBUS = (APP_PROTOS.index(name) for name in ("http", "tls", "dcerpc", "modbus"))
"""Protocols in which a server does not speak unasked."""
FTP_DATA = APP_PROTOS.index("ftp-data")
"""It looks like nothing, and is known by what was arranged."""
OVER = 4
"""In `given_up`, above the Directions: nothing more is looked for, and no parser sees any of it."""
MISMATCH = np.uint64(1 << DetectionEvent.APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS)
WRONG_FIRST = np.uint64(1 << DetectionEvent.APPLAYER_WRONG_DIRECTION_FIRST_DATA)
ONE_ONLY = np.uint64(1 << DetectionEvent.APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION)
SKIPPED = np.uint64(1 << DetectionEvent.APPLAYER_PROTO_DETECTION_SKIPPED)


class Looks(NamedTuple):
    """What is known of the connections in `s` slots of the flow table."""

    seen: U8
    """uint8[s, 3]: applications by Direction; 0 = not known, APP_FAILED = none of them. Column 0 is that of
    `recognition.ORIGINAL`."""
    first: U8
    """uint8[s]: what was recognised first."""
    spoke_first: U8
    """uint8[s]: Direction of the first data; 0 = there was none."""
    since: I32
    """int32[s, 3]: row of this batch that brought what `seen` says; -1 = it was known before."""
    given_up: U8
    """uint8[s]: bits of the Directions that look like nothing, and OVER."""
    pending: U8
    """uint8[s]: bits of the Directions whose next packet tells that they were judged; of datagrams, above
    them by two, of those that have had one."""


@helper
def say(looks, slot, direction, app, row):
    """From this row on it is known what a direction is. Returns its bit."""
    looks.seen[slot, direction] = app
    looks.since[slot, direction] = row
    return np.uint8(direction)


@helper
def end_all(looks, slot, row):
    """Nothing more is looked for: what is not known is nothing. Returns the bits of the directions that were
    told of once more."""
    looks.given_up[slot] |= OVER
    told = np.uint8(0)
    for direction in (TO_SERVER, TO_CLIENT):
        if looks.seen[slot, direction] != FAILED:
            told |= np.uint8(direction)
            if looks.seen[slot, direction] == 0:
                say(looks, slot, direction, FAILED, row)
    return told


@helper
def take_look(looks, slot, direction, look, row):
    """A direction looks like something. Returns (what is odd about it, bits of directions it tells of)."""
    other = BOTH_DIRECTIONS - direction
    others, found = looks.seen[slot, other], np.uint64(0)
    told = say(looks, slot, direction, look, row)
    if looks.first[slot] == 0:
        looks.first[slot] = look
    if others != 0 and others != FAILED:
        return found | (MISMATCH if others != look else np.uint64(0)), told
    asked = look == HTTP or look == TLS or look == DCERPC or look == MODBUS
    if asked and looks.spoke_first[slot] == TO_CLIENT:
        return found | WRONG_FIRST, told | end_all(looks, slot, row)
    if looks.given_up[slot] & other:
        told |= say(looks, slot, other, FAILED, row)
        found |= ONE_ONLY
    return found, told


@helper
def give_up(looks, slot, direction, app, row):
    """A direction looks like nothing. Returns as take_look. Of a connection it is known when the other one
    does so, too, or has been recognised."""
    other = BOTH_DIRECTIONS - direction
    others = looks.seen[slot, other]
    looks.given_up[slot] |= direction
    if looks.first[slot] == 0:
        looks.first[slot] = app
    if others != 0 and others != FAILED:
        return ONE_ONLY, say(looks, slot, direction, FAILED, row)
    if looks.given_up[slot] & other:
        return np.uint64(0), end_all(looks, slot, row)
    return np.uint64(0), np.uint8(0)


@kernel
def judge_starts(streams, now, app_of, looks, oddities, told):
    """Judge the stretches of one batch in which a direction begins, or in which it is given up.

    now: uint8[k], what the bytes of each stretch look like, FAILED = it does not matter; app_of: uint8[s],
    what the flow is called;
    oddities: uint64[rows, 2], whose second column gets the bits of what is odd. told: uint8[k], gets the bits
    of the directions that each stretch tells of.
    """
    for k in range(streams.flow.size):
        told[k] = 0
        slot = np.int64(streams.flow[k])
        if slot < 0 or looks.given_up[slot] & OVER:
            continue
        offset, size = np.int64(streams.stream_offset[k]), np.int64(streams.end[k] - streams.start[k])
        before = offset + np.int64(streams.fresh[k] - streams.start[k])
        too_much = before < GIVEN_UP <= offset + size
        if offset and not too_much:
            continue
        direction, row = np.int64(streams.direction[k]), streams.row[k]
        app, found, of = app_of[slot], np.uint64(0), np.uint8(0)
        if offset == 0 and size > 0:
            if looks.spoke_first[slot] == 0:
                looks.spoke_first[slot] = direction
            enough = ENOUGH_TO_SERVER if direction == TO_SERVER else ENOUGH_TO_CLIENT
            look = np.uint8(FTP_DATA) if app == FTP_DATA else now[k]
            if look == FAILED:
                of = end_all(looks, slot, row)
            elif looks.seen[slot, direction] == 0 and look:
                found, of = take_look(looks, slot, direction, look, row)
            elif looks.seen[slot, direction] == 0 and size >= enough:
                found, of = give_up(looks, slot, direction, app, row)
        if too_much and looks.seen[slot, TO_SERVER] == 0 and looks.seen[slot, TO_CLIENT] == 0 and app == 0:
            found |= SKIPPED
            of |= end_all(looks, slot, row)
        told[k] = of
        if row >= 0:
            oddities[row, 1] |= found


@kernel
def tell_rows(flows, proto, streams, told, looks, telling):
    """telling: uint8[rows], gets 1 where a packet is the first of its direction since that was judged; of
    datagrams the first one of each direction is that, and then the next one of both."""
    k = 0
    for r in range(flows.flow.size):
        slot = np.int64(flows.flow[r])
        telling[r] = 0
        if slot >= 0:
            if flows.first[r] & OF_FLOW:
                looks.pending[slot] = 0
            direction = np.uint8(flows.direction[r])
            if looks.pending[slot] & direction:
                telling[r] = 1
                looks.pending[slot] &= ~direction
            if proto[r] == UDP and looks.pending[slot] & direction << 2 == 0:
                telling[r] = 1
                looks.pending[slot] |= direction << 2 | BOTH_DIRECTIONS
        while k < told.size and streams.row[k] <= r:
            if told[k]:
                looks.pending[streams.flow[k]] |= told[k]
            k += 1


@kernel
def tell_late(streams, told, looks):
    """What stretches tell that no packet of the batch released: the next packets are of a later one."""
    for k in range(told.size):
        if told[k]:
            looks.pending[streams.flow[k]] |= told[k]

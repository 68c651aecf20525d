"""The judging of first bytes: what each direction of a connection looks like, and what is odd about it."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from typing import NamedTuple

import numpy as np

from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import I32, U8, Direction
from vpi_tui.model.detection_events import DetectionEvent
from vpi_tui.model.jit import kernel

ENOUGH = 32
"""First bytes after which a direction that looks like nothing is taken for that."""
GIVEN_UP = 100_000
"""Bytes of one direction after which nothing is waited for from the other."""

FAILED = APP_FAILED
TO_CLIENT, BOTH_DIRECTIONS = int(Direction.TO_CLIENT), int(Direction.TO_SERVER | Direction.TO_CLIENT)
HTTP, TLS, DCERPC, MODBUS = (APP_PROTOS.index(name) for name in ("http", "tls", "dcerpc", "modbus"))
"""Protocols in which a server does not speak unasked."""
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


@kernel
def judge_starts(streams, now, app_of, looks, oddities):
    """Judge the stretches of one batch in which a direction begins, or in which it is given up.

    now: uint8[k], what the bytes of each stretch look like; app_of: uint8[s], what the flow is called;
    oddities: uint64[rows, 2], whose second column gets the bits of what is odd.
    """
    for k in range(streams.flow.size):
        slot = np.int64(streams.flow[k])
        if slot < 0:
            continue
        offset, size = np.int64(streams.stream_offset[k]), np.int64(streams.end[k] - streams.start[k])
        before = offset + np.int64(streams.fresh[k] - streams.start[k])
        gives_up = before < GIVEN_UP <= offset + size
        if offset and not gives_up:
            continue
        direction = np.int64(streams.direction[k])
        other = BOTH_DIRECTIONS - direction
        app, found = app_of[slot], np.uint64(0)
        if offset == 0:
            if looks.spoke_first[slot] == 0:
                looks.spoke_first[slot] = direction
            if looks.seen[slot, direction] == 0:
                look, others = now[k], looks.seen[slot, other]
                taken_for = look
                if look == 0 and size >= ENOUGH:
                    taken_for = np.uint8(FAILED)
                looks.seen[slot, direction] = taken_for
                looks.since[slot, direction] = streams.row[k]
                if looks.first[slot] == 0:
                    looks.first[slot] = look if look else app
                if look and others != 0 and others != FAILED and others != look:
                    found |= MISMATCH
                is_one = taken_for != 0 and taken_for != FAILED
                is_other = others != 0 and others != FAILED
                if (taken_for == FAILED and is_other) or (others == FAILED and is_one):
                    found |= ONE_ONLY
                asked = look == HTTP or look == TLS or look == DCERPC or look == MODBUS
                if asked and looks.spoke_first[slot] == TO_CLIENT:
                    found |= WRONG_FIRST
        if gives_up and looks.seen[slot, other] == 0 and app == 0:
            found |= SKIPPED
        if streams.row[k] >= 0:
            oddities[streams.row[k], 1] |= found

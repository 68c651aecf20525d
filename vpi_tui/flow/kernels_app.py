"""Interpreter of the application matchers: the first one that fits the payload names it."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.flow.kernels_index import I64, U64
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.jit import helper

MAX_PROBED = 4
COUNT, FIRST = 7, 8
"""Of the four bits of a direction in the field `probes`: how many payloads were looked at; its data came
first."""
ALL_PROBED = MAX_PROBED << 4 | MAX_PROBED
GIVEN_UP = FIRST << 4 | FIRST | ALL_PROBED
"""In `probes`: the flow is taken for none, whatever it goes on to look like."""
ENOUGH_TO_SERVER, ENOUGH_TO_CLIENT = 17, 10
"""First bytes after which a direction that looks like nothing is given up: as long as the longest method and
greeting that are looked for."""
ASKED = np.array([name in ("http", "tls", "dcerpc", "modbus") for name in APP_PROTOS])
"""bool by application: a server does not speak unasked."""


@helper
def is_out_of_order(app, probes):
    """Is it a protocol in which the client speaks first, of a connection whose server did? As in Suricata it
    is taken for none then."""
    return ASKED[app] and probes >> 4 & FIRST


@helper
def load_upto8(buf, at, size):
    """Big-endian uint64 of buf[at : at + 8]; bytes from `size` on read as 0."""
    q = U64(at)
    word = U64(0)
    if size >= 8:
        for k in range(8):
            word = (word << U64(8)) | U64(buf[q + U64(k)])
        return word
    for k in range(max(size, 0)):
        word |= U64(buf[q + U64(k)]) << U64(56 - 8 * k)
    return word


@helper
def find_app(apps, buf, payload, size, proto, direction, src_port, dest_port):
    """Number of the application, 0 = none fits. apps: appproto.AppTables."""
    if proto != 6 and proto != 17:
        return I64(0)
    table = I64(0) if proto == 6 else I64(1)
    bucket = (table << 8) | I64(buf[U64(payload)])
    for at in range(apps.start[bucket], apps.start[bucket + 1]):
        row = apps.rows[at]
        if size < apps.min_size[row] or not apps.directions[row] >> direction & 1:
            continue
        port = apps.port[row]
        if port != 0 and port != src_port and port != dest_port:
            continue
        fits = True
        for test in range(2):
            mask = apps.mask[row, test]
            if mask != U64(0) and fits:
                offset = I64(apps.offset[row, test])
                word = load_upto8(buf, payload + offset, size - offset)
                fits = word & mask == apps.value[row, test]
        if fits:
            return I64(apps.app[row])
    return I64(0)

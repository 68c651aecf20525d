"""IPv4 options, and what is wrong with them.

Sources: RFC 791, 1108 (security), 2113 (router alert), 4782 (quick start), FIPS 188 (CIPSO); the events as
Suricata's decoder sets them.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.decode.ipopts import BITS_BY_NUMBER, OTHER_BIT
from vpi_tui.decode.kernels_bytes import I64, be8
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.jit import helper

OPTION_BITS = np.array(BITS_BY_NUMBER, np.int64)

RECORD_ROUTE, QUICK_START, TIMESTAMP, SECURITY, LOOSE, CIPSO, STREAM, STRICT, ALERT = (
    7, 25, 68, 130, 131, 134, 136, 137, 148,
)  # fmt: skip
LENGTH = np.zeros(256, np.int64)
"""Option -> the one length that it has; 0 = it may have others."""
LENGTH[[SECURITY, STREAM, ALERT]] = 11, 4, 4
LEAST = np.zeros(256, np.int64)
"""Option -> its least length."""
LEAST[[RECORD_ROUTE, LOOSE, STRICT, TIMESTAMP, CIPSO, QUICK_START]] = 3, 3, 3, 5, 10, 8

EV_INVALID = 1 << DecoderEvent.IPV4_OPT_INVALID
EV_LENGTH = 1 << DecoderEvent.IPV4_OPT_INVALID_LEN
EV_MALFORMED = 1 << DecoderEvent.IPV4_OPT_MALFORMED
EV_PAD = 1 << DecoderEvent.IPV4_OPT_PAD_REQUIRED
EV_END = 1 << DecoderEvent.IPV4_OPT_EOL_REQUIRED
EV_TWICE = 1 << DecoderEvent.IPV4_OPT_DUPLICATE


@helper
def cipso_event(buf, at, stop):
    """Tags of type 1, 2, 5, 6, 7, each at least 4 bytes, fill the option."""
    while at < stop:
        if stop - at < 2:
            return I64(EV_MALFORMED)
        kind, size = be8(buf, at), be8(buf, at + 1)
        if kind != 1 and kind != 2 and kind != 5 and kind != 6 and kind != 7:
            return I64(EV_MALFORMED)
        if size < 4 or at + size > stop or (kind != 7 and be8(buf, at + 2) != 0):
            return I64(EV_MALFORMED)
        at += size
    return I64(0)


@helper
def option_event(buf, at, size):
    """What is wrong with a known option of that size, which lies inside the header; 0 = nothing."""
    kind = be8(buf, at)
    if size < LEAST[kind] or (LENGTH[kind] != 0 and size != LENGTH[kind]):
        return I64(EV_LENGTH)
    if kind == RECORD_ROUTE or kind == LOOSE or kind == STRICT:
        pointer = be8(buf, at + 2)
        if pointer < 4 or pointer & 3 or pointer > size + 1:
            return I64(EV_MALFORMED)
    elif kind == TIMESTAMP:
        pointer, flag = be8(buf, at + 2), be8(buf, at + 3) & 15
        record = 8 if flag == 1 or flag == 3 else 4
        if pointer < 5 or (pointer - 5) % record or pointer > size + 1:
            return I64(EV_MALFORMED)
    elif kind == CIPSO:
        return cipso_event(buf, at + 6, at + size)
    return I64(0)


@helper
def ipv4_options(buf, at, end):
    """(bits of the options seen, events): an impossible length or a malformed option ends the walk."""
    bits = I64(0)
    events = I64(0)
    if (end - at) & 7:
        events |= EV_PAD
    while at < end:
        kind = be8(buf, at)
        if kind == 0:
            bits |= OPTION_BITS[kind]
            break
        if kind == 1:
            bits |= OPTION_BITS[kind]
            at += 1
            continue
        if end - at < 2:
            events |= EV_END
            break
        size = be8(buf, at + 1)
        if size < 2 or at + size > end:
            return bits, events | EV_LENGTH
        bit = OPTION_BITS[kind]
        if bit == OTHER_BIT:
            events |= EV_INVALID
        elif bits & bit:
            events |= EV_TWICE
        else:
            event = option_event(buf, at, size)
            if event:
                return bits, events | event
        bits |= bit
        at += size
    return bits, events

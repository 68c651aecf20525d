"""Loads from a byte array and the Internet checksum (RFC 1071).

Positions are int64; they become unsigned right before they index, so that no wrap-around check is
compiled. The compiler merges the single bytes of one load into one (byte-swapped) machine load.

Kernels of this room are compiled with `_nrt=False`: they allocate nothing, and counting references
to the arrays of a tuple costs thirty times the work itself.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.decoder_events import WORD
from vpi_tui.model.jit import helper, inlined

U64 = np.uint64
I64 = np.int64

_1, _2, _3, _4, _5, _6, _7, _8 = (U64(k) for k in range(1, 9))
_S16, _S24, _S32, _S40, _S48, _S56 = (U64(k) for k in (16, 24, 32, 40, 48, 56))
_LOW32 = U64(0xFFFFFFFF)
_LOW16 = U64(0xFFFF)


@helper
def be8(buf, at):
    return I64(buf[U64(at)])


@helper
def be16(buf, at):
    q = U64(at)
    return (I64(buf[q]) << 8) | I64(buf[q + _1])


@helper
def be32(buf, at):
    q = U64(at)
    return (I64(buf[q]) << 24) | (I64(buf[q + _1]) << 16) | (I64(buf[q + _2]) << 8) | I64(buf[q + _3])


@helper
def be64(buf, at):
    q = U64(at)
    return (
        (U64(buf[q]) << _S56)
        | (U64(buf[q + _1]) << _S48)
        | (U64(buf[q + _2]) << _S40)
        | (U64(buf[q + _3]) << _S32)
        | (U64(buf[q + _4]) << _S24)
        | (U64(buf[q + _5]) << _S16)
        | (U64(buf[q + _6]) << _8)
        | U64(buf[q + _7])
    )


@helper
def le64(buf, q):
    return (
        U64(buf[q])
        | (U64(buf[q + _1]) << _8)
        | (U64(buf[q + _2]) << _S16)
        | (U64(buf[q + _3]) << _S24)
        | (U64(buf[q + _4]) << _S32)
        | (U64(buf[q + _5]) << _S40)
        | (U64(buf[q + _6]) << _S48)
        | (U64(buf[q + _7]) << _S56)
    )


@inlined
def note(d, r, event):
    """Set an event from decoder_events.WORD on in row r."""
    d.oddities[r, (event - WORD) >> 6] |= U64(1) << U64((event - WORD) & 63)


@helper
def fold16(total):
    """Ones' complement sum of the 16-bit words of a uint64, as uint64 below 0x10000."""
    total = (total & _LOW32) + (total >> _S32)
    total = (total & _LOW16) + (total >> _S16)
    total = (total & _LOW16) + (total >> _S16)
    return (total & _LOW16) + (total >> _S16)


@helper
def word_sum(buf, at, size):
    """Folded ones' complement sum of the big-endian 16-bit words of buf[at : at + size].

    Summed in machine order, eight bytes a step, and swapped once at the end (RFC 1071, 2.B).
    An odd last byte counts as the high half of a word.
    """
    q = U64(at)
    stop = q + U64(size)
    low = U64(0)
    high = U64(0)
    while q + _8 <= stop:
        word = le64(buf, q)
        low += word & _LOW32
        high += word >> _S32
        q += _8
    shift = U64(0)
    tail = U64(0)
    while q < stop:
        tail |= U64(buf[q]) << shift
        shift += _8
        q += _1
    low += tail & _LOW32
    high += tail >> _S32
    total = fold16(fold16(low) + fold16(high))
    return ((total & U64(0xFF)) << _8) | (total >> _8)

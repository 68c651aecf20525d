"""Compiled loops of parsers: the checks of DNP3's frames, and base64.

What they are given is read-only: bytes of the wire, as an array.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import kernel

I64 = np.int64
U32 = np.uint32
U64 = np.uint64

_1, _2, _3, _4, _6 = (U64(k) for k in (1, 2, 3, 4, 6))
_SKIP, _STOP = 64, 65
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _values():
    """Byte -> value of a letter, _SKIP for what is none, _STOP for the padding (RFC 4648, 4)."""
    table = np.full(256, _SKIP, np.uint32)
    table[np.frombuffer(_ALPHABET, np.uint8)] = np.arange(64)
    table[ord("=")] = _STOP
    return table


def _crc_steps():
    """Byte -> what it does to the CRC of DNP3 (IEEE 1815, 9.2.4.7), lowest bit first."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ 0xA6BC, table >> 1)
    return table.astype(np.uint32)


_VALUES = _values()
_CRC_STEPS = _crc_steps()


@kernel
def decode_base64(text, out, state):
    """Bytes put into `out`, which has room for three of four letters and six more.

    What is no letter is passed over; the first padding is the end; a last letter that stands alone says
    nothing. state: int64[3], zeros for a new text: bits and letters that wait for the rest of their group,
    and 1 behind the end.
    """
    size = U64(len(text)) if state[2] == 0 else U64(0)
    at = U64(0)
    written = U64(0)
    held = U32(state[0])
    letters = I64(state[1])
    while at < size:
        if letters == 0 and at + _4 <= size:
            first, second = _VALUES[text[at]], _VALUES[text[at + _1]]
            third, fourth = _VALUES[text[at + _2]], _VALUES[text[at + _3]]
            if first | second | third | fourth < _SKIP:
                out[written] = first << _2 | second >> _4
                out[written + _1] = second << _4 | third >> _2
                out[written + _2] = third << _6 | fourth
                written += _3
                at += _4
                continue
        value = _VALUES[text[at]]
        at += _1
        if value == _STOP:
            state[2] = 1
            break
        if value == _SKIP:
            continue
        held = U32(held << _6 | value)
        letters += 1
        if letters == 4:
            out[written] = held >> 16
            out[written + _1] = held >> 8
            out[written + _2] = held
            written += _3
            held = U32(0)
            letters = I64(0)
    if state[2] != 0 and letters > 1:
        held = U32(held << U32(6 * (4 - letters)))
        out[written] = held >> 16
        if letters > 2:
            out[written + _1] = held >> 8
        written += U64(letters - 1)
    state[0] = held if state[2] == 0 else 0
    state[1] = letters if state[2] == 0 else 0
    return I64(written)


@kernel
def blocks_are_right(frame, begin, block):
    """Does the CRC behind each block hold, from `begin` on? block: bytes of one; the last may be shorter."""
    size = len(frame)
    at = I64(begin)
    while at < size:
        end = min(at + block, size - 2)
        value = U32(0)
        for place in range(at, end):
            value = value >> 8 ^ _CRC_STEPS[(value ^ frame[place]) & 0xFF]
        if value ^ 0xFFFF != U32(frame[end]) | U32(frame[end + 1]) << 8:
            return False
        at = end + 2
    return True

"""Base64 as senders write it, and how much a run of bytes looks like chance."""

from __future__ import annotations

import binascii
import math
import re
from collections import Counter
from typing import Final

_ONE: Final = rb"[A-Za-z0-9+/]"
_RUN: Final = re.compile(rb"(?:%b{4}|%b{3}=|%b{2}=[A-Za-z0-9+/=])*+%b{0,3}+" % (_ONE, _ONE, _ONE, _ONE))
_PADDED: Final = re.compile(
    rb"((?:%b{4})*+)(?:(%b{2})=.|(%b{3})=|(%b{2,3})\Z)?" % (_ONE, _ONE, _ONE, _ONE), re.S
)
_OTHERS: Final = re.compile(rb"[^A-Za-z0-9+/=]++")
MOST_ENCODED: Final = 65_536
"""Bytes of base64 that are decoded of one buffer."""


def base64_prefix(data: bytes, *, skip_others: bool = False) -> bytes:
    """What the base64 at the start of `data` says, up to the first byte that is none (RFC 4648).

    Behind padding the next group of four counts, as in Suricata. skip_others: leave out bytes that are no
    base64 (RFC 2045).
    """
    data = data[:MOST_ENCODED]
    found = _RUN.match(_OTHERS.sub(b"", data) if skip_others else data)
    encoded = found[0] if found else b""
    if b"=" not in encoded:
        return _unpadded(encoded)
    return b"".join(
        _unpadded(whole + (one or two or rest)) for whole, one, two, rest in _PADDED.findall(encoded)
    )


def _unpadded(encoded: bytes) -> bytes:
    if len(encoded) % 4 == 1:  # six bits make no byte
        encoded = encoded[:-1]
    return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))


def shannon(data: bytes) -> float:
    """Shannon entropy in bits a byte, 0 to 8."""
    size = len(data)
    return -sum(n / size * math.log2(n / size) for n in Counter(data).values()) + 0.0

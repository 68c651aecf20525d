"""Base64 as senders write it, and how much a run of bytes looks like chance."""

from __future__ import annotations

import binascii
import math
import re
from collections import Counter
from typing import Final

_GROUPS: Final = re.compile(rb"[A-Za-z0-9+/]*+={0,2}+")
_OTHERS: Final = re.compile(rb"[^A-Za-z0-9+/=]++")
MOST_ENCODED: Final = 65_536
"""Bytes of base64 that are decoded of one buffer."""


def base64_prefix(data: bytes, *, skip_others: bool = False) -> bytes:
    """What the base64 at the start of `data` says, up to the first byte that is none (RFC 4648).

    skip_others: leave out bytes that are no base64 instead (RFC 2045).
    """
    data = data[:MOST_ENCODED]
    found = _GROUPS.match(_OTHERS.sub(b"", data) if skip_others else data)
    encoded = found[0].rstrip(b"=") if found else b""
    if len(encoded) % 4 == 1:  # six bits make no byte
        encoded = encoded[:-1]
    return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))


def shannon(data: bytes) -> float:
    """Shannon entropy in bits a byte, 0 to 8."""
    size = len(data)
    return -sum(n / size * math.log2(n / size) for n in Counter(data).values()) + 0.0

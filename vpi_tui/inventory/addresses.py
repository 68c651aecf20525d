"""Addresses as the batches hold them: two halves of 128 bits in host order, IPv4 as ::ffff:a.b.c.d."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_V4_MAPPED = 0xFFFF_0000_0000


def address_of(high: int, low: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of two halves, IPv4 unmapped."""
    if high == 0 and low >> 32 == 0xFFFF:
        return ipaddress.IPv4Address(low & 0xFFFF_FFFF)
    return ipaddress.IPv6Address(high << 64 | low)


@lru_cache(maxsize=4096)
def halves(text: str) -> tuple[int, int]:
    """The two halves of an address written as text. Raises ValueError."""
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return 0, _V4_MAPPED | int(address)
    return int(address) >> 64, int(address) & 0xFFFF_FFFF_FFFF_FFFF

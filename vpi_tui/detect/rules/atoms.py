"""One address or one port, as written between the commas of a list."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.model.signature import IP_MAX, PORT_MAX

V4_BASE = 0xFFFF << 32
"""::ffff:0.0.0.0: IPv4 addresses live in the 128-bit space as ::ffff:a.b.c.d."""
_V4_TOP = V4_BASE | 0xFFFFFFFF
IPV4: Final[Spans] = ((V4_BASE, _V4_TOP),)
IPV6: Final[Spans] = ((0, V4_BASE - 1), (_V4_TOP + 1, IP_MAX))
_V4_PLAIN = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", re.A)


def address(text: str) -> Spans:
    """`any`, an address, a network (`10.0.0.0/8`, `10.0.0.0/255.0.0.0`) or a range (`a-b`)."""
    if text.lower() == "any":
        return ((0, IP_MAX),)
    try:
        if "/" in text:
            return _network(text)
        if "-" in text:
            first, _, last = text.partition("-")
            low, high = _one(first), _one(last)
            if low > high:
                raise Refused(f"address range {text!r} runs backwards")
            return ((low, high),)
        value = _one(text)
    except ValueError:
        raise Refused(f"not an address: {text[:60]!r}") from None
    return ((value, value),)


def packed(text: str) -> bytes:
    """One address, 4 or 16 bytes. Raises ValueError."""
    try:  # The library takes what `ipaddress` takes, but for scopes, thirty times as quickly.
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except OSError:
        return ipaddress.ip_address(text).packed


def port(text: str) -> Spans:
    """`any`, a port or a range with `:`; either end of the range may be left out."""
    if text.lower() == "any":
        return ((0, PORT_MAX),)
    low, colon, high = text.partition(":")
    if not colon:
        value = _port_number(text)
        return ((value, value),)
    if not low and not high:
        raise Refused("port range `:` without a number")
    start = _port_number(low) if low else 0
    end = _port_number(high) if high else PORT_MAX
    if start > end:
        raise Refused(f"port range {text!r} runs backwards")
    return ((start, end),)


def _one(text: str) -> int:
    if _V4_PLAIN.fullmatch(text):
        try:
            return V4_BASE | int.from_bytes(socket.inet_aton(_decimal(text)), "big")
        except OSError:
            raise ValueError(text) from None
    return int(ipaddress.IPv6Address(text))


def _decimal(text: str) -> str:
    # inet_aton reads 010 as octal; rule files mean ten.
    return ".".join(str(int(part)) for part in text.split(".")) if "0" in text else text


def _network(text: str) -> Spans:
    base, _, size = text.partition("/")
    if _V4_PLAIN.fullmatch(base):
        bits = _prefix_of_mask(size) if "." in size else _prefix(size, 32)
        span = (1 << (32 - bits)) - 1
        low = _one(base) & ~span
        return ((low, low | span),)
    bits = _prefix(size, 128)
    span = (1 << (128 - bits)) - 1
    low = _one(base) & ~span
    high = low | span
    if low < V4_BASE and high > _V4_TOP:
        # ::/0 means every IPv6 address; the IPv4 ones live in a corner of the same space.
        return ((low, V4_BASE - 1), (_V4_TOP + 1, high))
    return ((low, high),)


def _prefix(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3) or int(text) > most:
        raise ValueError(text)
    return int(text)


def _prefix_of_mask(text: str) -> int:
    mask = _one(text) & 0xFFFFFFFF
    bits = mask.bit_count()
    if mask != (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF:
        raise ValueError(text)
    return bits


def _port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5) or int(text) > PORT_MAX:
        raise Refused(f"not a port (0 to {PORT_MAX}): {text[:40]!r}")
    return int(text)

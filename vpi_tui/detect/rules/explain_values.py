"""Values of rules in words: addresses, ranges of numbers, bytes."""

from __future__ import annotations

import ipaddress

from vpi_tui.detect.rules.atoms import V4_BASE
from vpi_tui.model.signature import Ranges

_MAX_SPANS = 4


def addresses(ranges: Ranges) -> str:
    return _some([network(low, high) for low, high in ranges.first(_MAX_SPANS)], ranges.count)


def network(low: int, high: int) -> str:
    def text(value: int) -> str:
        v4 = V4_BASE <= value <= V4_BASE + 0xFFFFFFFF
        return str(ipaddress.IPv4Address(value - V4_BASE) if v4 else ipaddress.IPv6Address(value))

    size = high - low + 1
    if size == 1:
        return text(low)
    if size & (size - 1) == 0 and low % size == 0:
        full = 32 if low >= V4_BASE and high <= V4_BASE + 0xFFFFFFFF else 128
        return f"{text(low)}/{full - size.bit_length() + 1}"
    return f"{text(low)} to {text(high)}"


def spans_text(spans: tuple[tuple[int, int], ...]) -> str:
    shown = [str(low) if low == high else f"{low} to {high}" for low, high in spans[:_MAX_SPANS]]
    return _some(shown, len(spans)) or "no number"


def _some(shown: list[str], total: int) -> str:
    rest = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + rest


def shown(pattern: bytes) -> str:
    """Printable bytes as text, others as `|hex|`."""
    shown: list[str] = []
    for byte in pattern[:64]:
        printable = 0x20 <= byte < 0x7F and byte not in b'|"'
        shown.append(chr(byte) if printable else f"|{byte:02x}|")
    return '"' + "".join(shown).replace("||", " ") + ('"' if len(pattern) <= 64 else '..."')

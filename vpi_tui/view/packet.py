"""One packet taken apart for a person, by scapy.

scapy knows every protocol and takes hundreds of microseconds a packet, so it is imported here alone in the
view, and only when somebody opens a packet. The bytes are hostile: whatever scapy raises becomes a line that
says so, depth, number and length of the lines are bounded, and every text passes `safe`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from vpi_tui.view.escape import safe

MOST_LINES = 1_500
_DEEPEST = 6
_MOST_LAYERS = 40
_VALUE = 240
_TEXT_SHARE = 0.85

_MODULES = ("l2", "inet", "inet6", "dns", "dhcp", "dhcp6", "ntp", "llmnr", "netbios", "smb", "smb2",
            "snmp", "tftp", "vxlan", "vrrp", "sctp", "radius")  # fmt: skip
_CONTRIB = ("geneve", "lldp")

_NAMES = {
    "Ether": "Ethernet",
    "Dot1Q": "802.1Q",
    "Dot1AD": "802.1ad",
    "IP": "IPv4",
    "CookedLinux": "Linux cooked",
    "CookedLinuxV2": "Linux cooked v2",
}


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One line of the tree. depth 0 = a protocol layer. start, stop: its bytes in the frame; equal = none."""

    name: str
    value: str = ""
    depth: int = 0
    start: int = 0
    stop: int = 0


def dissect(frame: bytes, link_type: int) -> list[FieldLine]:
    """The frame as a tree of layers and fields, at most MOST_LINES. Never raises on hostile bytes.

    link_type: as a capture file numbers it (tcpdump.org/linktypes.html). The first call imports scapy,
    which takes about half a second: call it where nobody waits.
    """
    if not frame:
        return []
    try:
        packet = _first_layer(frame, link_type)(frame)
    except Exception as error:  # whatever a dissector raises on hostile bytes
        return [FieldLine("Not understood", safe(f"{type(error).__name__}: {error}", _VALUE)), *_plain(frame)]
    lines: list[FieldLine] = []
    try:
        lines.extend(islice(_layers(packet, frame), MOST_LINES))
    except Exception as error:
        lines.append(FieldLine("Dissection ends here", safe(f"{type(error).__name__}: {error}", _VALUE)))
    if len(lines) == MOST_LINES:
        lines.append(FieldLine("More fields than are shown", "the dump has all bytes"))
    return lines


def payload_lines(data: bytes, start: int = 0) -> list[FieldLine]:
    """Bytes as lines of text where they are text; else one line that says how many there are."""
    text = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in data[:4096])
    if not data or text < _TEXT_SHARE * min(len(data), 4096):
        return []
    lines, at = [], 0
    for piece in data.split(b"\n")[:MOST_LINES]:
        shown = piece.rstrip(b"\r")
        if shown:
            lines.append(FieldLine(safe(shown, _VALUE), "", 1, start + at, start + at + len(shown)))
        at += len(piece) + 1
    return lines


@cache
def _scapy() -> Any:
    """scapy with the layers that are met between guests; those that cannot be loaded here are left out."""
    config = importlib.import_module("scapy.config")
    config.conf.debug_dissector = False
    for name in [*(f"scapy.layers.{m}" for m in _MODULES), *(f"scapy.contrib.{m}" for m in _CONTRIB)]:
        with suppress(Exception):  # a layer may need a package that is not installed
            importlib.import_module(name)
    return importlib.import_module("scapy.layers.l2")


def _first_layer(frame: bytes, link_type: int) -> Any:
    l2 = _scapy()
    inet, inet6 = importlib.import_module("scapy.layers.inet"), importlib.import_module("scapy.layers.inet6")
    raw_ip = inet6.IPv6 if frame[0] >> 4 == 6 else inet.IP
    known = {1: l2.Ether, 113: l2.CookedLinux, 276: l2.CookedLinuxV2, 0: l2.Loopback, 108: l2.Loopback,
             12: raw_ip, 101: raw_ip, 228: inet.IP, 229: inet6.IPv6}  # fmt: skip
    return known.get(link_type) or importlib.import_module("scapy.packet").Raw


def _layers(packet: Any, frame: bytes) -> Iterator[FieldLine]:
    """All layers in order. Each layer knows its own header bytes, and they lie one behind the other."""
    start = 0
    for layer in _chain(packet):
        size = min(_size(layer), len(frame) - start)
        kind = type(layer).__name__
        if kind == "Raw":
            yield from _payload(frame, start, start + len(layer.load))
            size = len(layer.load)
        elif kind == "Padding":
            yield FieldLine(
                "Padding", f"{len(layer.load)} bytes", 0, len(frame) - len(layer.load), len(frame)
            )
        else:
            yield FieldLine(_NAMES.get(kind, safe(kind, 40)), _summary(layer), 0, start, start + size)
            yield from _fields(layer, frame[start : start + size], start, 1)
        start += size


def _size(layer: Any) -> int:
    """Bytes of its header: what scapy keeps of it, or else all that it was given but for its payload."""
    header = layer.raw_packet_cache
    if header is not None:
        return len(header)
    return max(len(layer.original or b"") - len(layer.payload.original or b""), 0)


def _chain(packet: Any) -> Iterator[Any]:
    layer = packet
    for _ in range(_MOST_LAYERS):
        if type(layer).__name__ == "NoPayload":
            return
        yield layer
        layer = layer.payload


def _payload(frame: bytes, start: int, stop: int) -> Iterator[FieldLine]:
    yield FieldLine("Payload", f"{stop - start:,} bytes", 0, start, stop)
    yield from payload_lines(frame[start:stop], start)


def _plain(frame: bytes) -> list[FieldLine]:
    return list(_payload(frame, 0, len(frame)))


def _summary(layer: Any) -> str:
    """Who to whom, where a layer has ends."""
    for source, dest in (("src", "dst"), ("psrc", "pdst"), ("sport", "dport")):
        values = layer.fields
        if source in values and dest in values:
            return safe(f"{values[source]} > {values[dest]}", _VALUE)
    return ""


def _fields(layer: Any, header: bytes, start: int, depth: int) -> Iterator[FieldLine]:
    places = _places(layer, header)
    for field in layer.fields_desc:
        value = layer.fields.get(field.name)
        if value is None or value in ([], b""):
            continue
        first, last = places.get(field.name, (0, 0))
        span = (start + first, start + last) if last > first else (0, 0)
        yield FieldLine(_label(field.name), _told(layer, field, value), depth, *span)
        yield from _nested(value, header, start, span, depth + 1)


def _nested(value: Any, header: bytes, start: int, span: tuple[int, int], depth: int) -> Iterator[FieldLine]:
    """Packets inside a field, such as the records of a DNS answer."""
    inner = value if isinstance(value, list) else [value]
    at = span[0]
    for item in inner[:100]:
        if not hasattr(item, "fields_desc") or depth > _DEEPEST:
            continue
        size = len(item.raw_packet_cache or item.original or b"") if span[1] else 0
        stop = min(at + size, span[1])
        yield FieldLine(safe(type(item).__name__, 40), _summary(item), depth, at, stop)
        yield from _fields(item, header[at - start : stop - start] if size else b"", at, depth + 1)
        at = stop


def _places(layer: Any, header: bytes) -> dict[str, tuple[int, int]]:
    """First and last byte of each field in the layer's header, by reading it once more field by field."""
    places: dict[str, tuple[int, int]] = {}
    rest: Any = header
    with suppress(Exception):  # fields read so far keep their places
        for field in layer.fields_desc:
            if not rest:
                break
            before = len(header) - _left(rest)
            bits = isinstance(rest, tuple)
            rest, _ = field.getfield(layer, rest)
            after = len(header) - _left(rest)
            stop = after + isinstance(rest, tuple)
            places[field.name] = (before, max(stop, before + bits))
    return places


def _left(rest: Any) -> int:
    """Bytes not yet read; a field of bits leaves (bytes, bits already taken from the first)."""
    return len(rest[0]) if isinstance(rest, tuple) else len(rest)


def _label(name: str) -> str:
    return safe(name.replace("_", " "), 40)


def _plain_text(value: Any) -> str:
    """Options carry bytes, numbers, nothing at all, or several of them."""
    if isinstance(value, bytes):
        return value[:_VALUE].decode("latin-1")
    if isinstance(value, tuple):
        return " ".join(_plain_text(inner) for inner in value[:20])
    return "" if value is None else str(value)


def _told(layer: Any, field: Any, value: Any) -> str:
    if isinstance(value, list) and value and all(hasattr(item, "fields_desc") for item in value):
        return str(len(value))
    if hasattr(value, "fields_desc"):
        return safe(type(value).__name__, 40)
    if isinstance(value, bytes):
        return safe(value, _VALUE)
    if isinstance(value, list) and all(isinstance(item, tuple) and len(item) == 2 for item in value):
        return safe(", ".join(f"{name} {_plain_text(inner)}".strip() for name, inner in value[:40]), _VALUE)
    with suppress(Exception):
        return safe(str(field.i2repr(layer, value)), _VALUE)
    return safe(str(value), _VALUE)

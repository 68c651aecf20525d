"""Capture files made by hand, and a plain reader of them that says what should come out."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vpi_tui.capture.files import FileSource
from vpi_tui.model.errors import CaptureError

US, NS, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
MAX_CAPLEN = 262_144
MAX_BLOCK = 1 << 20
MAX_TS_NS = 1 << 62


class Frame(NamedTuple):
    ts_ns: int
    length: int
    link_type: int
    ifindex: int
    data: bytes


def read_all(source: FileSource) -> list[Frame]:
    """Open and read a source to its end, without waiting."""
    source.open()
    frames = []
    while not source.exhausted:
        batch = source.read(1.0)
        if batch is None:
            continue
        columns = zip(*(column.tolist() for column in batch[1:7]), strict=True)
        for offset, caplen, length, ts_ns, link_type, ifindex in columns:
            data = batch.buf[offset : offset + caplen].tobytes()
            frames.append(Frame(ts_ns, length, link_type, ifindex, data))
    source.close()
    return frames


# Writers --------------------------------------------------------------------------------------


def pcap(
    frames: Iterable[Frame],
    *,
    magic: int = US,
    big: bool = False,
    network: int = 1,
    lengths: int | None = None,
) -> bytes:
    """lengths: what to write in place of each frame's length."""
    order = ">" if big else "<"
    out = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, network)
    unit = 1 if magic == NS else 1000
    for frame in frames:
        seconds, rest = divmod(frame.ts_ns, 1_000_000_000)
        length = frame.length if lengths is None else lengths
        out += struct.pack(f"{order}4I", seconds, rest // unit, len(frame.data), length)
        out += b"\0" * 8 * (magic == MODIFIED) + frame.data
    return out


def block(kind: int, body: bytes, *, big: bool = False) -> bytes:
    order = ">" if big else "<"
    body += b"\0" * (-len(body) % 4)
    total = len(body) + 12
    return struct.pack(f"{order}II", kind, total) + body + struct.pack(f"{order}I", total)


def option(code: int, value: bytes, *, big: bool = False) -> bytes:
    return struct.pack(">HH" if big else "<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(*, big: bool = False, version: tuple[int, int] = (1, 0)) -> bytes:
    return block(0x0A0D0D0A, struct.pack(">IHHq" if big else "<IHHq", 0x1A2B3C4D, *version, -1), big=big)


def interface(link_type: int = 1, snaplen: int = 0, options: bytes = b"", *, big: bool = False) -> bytes:
    return block(1, struct.pack(">HHI" if big else "<HHI", link_type, 0, snaplen) + options, big=big)


def enhanced(number: int, ticks: int, data: bytes, length: int | None = None, *, big: bool = False) -> bytes:
    head = struct.pack(
        ">5I" if big else "<5I", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length or len(data)
    )
    return block(6, head + data, big=big)


def obsolete(number: int, ticks: int, data: bytes, *, big: bool = False) -> bytes:
    order = ">HHIIII" if big else "<HHIIII"
    head = struct.pack(order, number, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(2, head + data, big=big)


def simple(data: bytes, length: int | None = None, *, big: bool = False) -> bytes:
    return block(3, struct.pack(">I" if big else "<I", length or len(data)) + data, big=big)


# Naive readers --------------------------------------------------------------------------------


class Read(NamedTuple):
    frames: list[Frame]
    fault_at: int | None
    """Where the first record stands that is not whole or not sound; None = all is well."""


def naive(data: bytes) -> Read | None:
    """What a capture file holds; None when it is none."""
    for big in (False, True):
        magic = int.from_bytes(data[:4], "big" if big else "little")
        if magic in (US, NS, MODIFIED) and len(data) >= 24:
            return _naive_pcap(data, magic, big)
    if data[:4] == b"\x0a\x0d\x0d\x0a" and len(data) >= 12:
        return _naive_pcapng(data)
    return None


def _naive_pcap(data: bytes, magic: int, big: bool) -> Read:
    order = ">" if big else "<"
    link_type = struct.unpack_from(f"{order}I", data, 20)[0] & 0xFFFF
    link_type = 101 if link_type in (12, 14) else link_type
    header = 24 if magic == MODIFIED else 16
    unit = 1 if magic == NS else 1000
    frames, pos = [], 24
    while pos < len(data):
        if pos + header > len(data):
            return Read(frames, pos)
        seconds, rest, caplen, length = struct.unpack_from(f"{order}4I", data, pos)
        if caplen > MAX_CAPLEN or pos + header + caplen > len(data):
            return Read(frames, pos)
        body = data[pos + header : pos + header + caplen]
        length = max(min(length, 0x7FFFFFFF), caplen)
        frames.append(Frame(seconds * 10**9 + rest * unit, length, link_type, 0, body))
        pos += header + caplen
    return Read(frames, None)


class _BrokenError(Exception):
    pass


class _Interface(NamedTuple):
    link_type: int
    snaplen: int
    resolution: int
    offset_s: int


def _naive_pcapng(data: bytes) -> Read:
    frames: list[Frame] = []
    try:
        for _ in _naive_blocks(data, frames):
            pass
    except _BrokenError as broken:
        return Read(frames, broken.args[0])
    return Read(frames, None)


def _naive_blocks(data: bytes, frames: list[Frame]) -> Iterator[None]:
    pos, order, before, here, last = 0, "<", 0, [], 0
    while pos < len(data):

        def need(sound: bool, at: int = pos) -> None:
            if not sound:
                raise _BrokenError(at)

        need(pos + 12 <= len(data))
        if data[pos : pos + 4] == b"\x0a\x0d\x0d\x0a":
            need(data[pos + 8 : pos + 12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"))
            order = ">" if data[pos + 8] == 0x1A else "<"
            kind = 0x0A0D0D0A
            total = struct.unpack_from(f"{order}I", data, pos + 4)[0]
        else:
            kind, total = struct.unpack_from(f"{order}II", data, pos)
        smallest = {0x0A0D0D0A: 28, 1: 20}.get(kind, 12)
        need(total >= smallest and total % 4 == 0)
        need(total <= MAX_BLOCK or kind not in (0x0A0D0D0A, 1, 2, 3, 6))
        need(pos + total <= len(data))
        body = data[pos + 8 : pos + total - 4]
        need(total > MAX_BLOCK or struct.unpack_from(f"{order}I", data, pos + total - 4)[0] == total)
        if kind == 0x0A0D0D0A:
            need(struct.unpack_from(f"{order}H", body, 4)[0] == 1)
            before, here = before + len(here), []
        elif kind == 1:
            here.append(_naive_interface(body, order))
        elif kind in (2, 6):
            need(total >= 32)
            number, high, low, caplen, length = struct.unpack_from(f"{order}5I", body)
            if kind == 2:
                number = struct.unpack_from(f"{order}H", body)[0]
            need(number < len(here))
            need(caplen <= min(MAX_CAPLEN, total - 32))
            last = _naive_time(high << 32 | low, here[number])
            length = max(min(length, 0x7FFFFFFF), caplen)
            frames.append(
                Frame(last, length, here[number].link_type, before + number, body[20 : 20 + caplen])
            )
        elif kind == 3:
            need(total >= 16)
            need(bool(here))
            length = struct.unpack_from(f"{order}I", body)[0]
            caplen = min(length, here[0].snaplen or length)
            need(caplen <= min(MAX_CAPLEN, total - 16))
            length = max(min(length, 0x7FFFFFFF), caplen)
            frames.append(Frame(last, length, here[0].link_type, before, body[4 : 4 + caplen]))
        pos += total
        yield


def _naive_interface(body: bytes, order: str) -> _Interface:
    link_type, snaplen = struct.unpack_from(f"{order}HxxI", body)
    found: dict[int, bytes] = {}
    pos = 8
    while pos + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, pos)
        if code == 0 or pos + 4 + length > len(body):
            break
        found[code] = body[pos + 4 : pos + 4 + length]
        pos += 4 + (length + 3) // 4 * 4
    offset = found.get(14, b"")
    seconds = struct.unpack(f"{order}q", offset)[0] if len(offset) == 8 else 0
    resolution = (found.get(9) or b"\x06")[0]
    link_type = 101 if link_type in (12, 14) else link_type
    return _Interface(link_type, snaplen, resolution, seconds)


def _naive_time(ticks: int, port: _Interface) -> int:
    exponent = port.resolution & 0x7F
    base = 2 if port.resolution & 0x80 else 10
    # Units below 2**-63 s are read as no time: 64 bits of them do not make one second.
    ns = 0 if base == 2 and exponent > 63 else min(ticks * 10**9 // base**exponent, MAX_TS_NS)
    limit = MAX_TS_NS // 10**9
    offset = max(min(port.offset_s, limit), -limit) * 10**9
    return max(0, min(ns + offset, MAX_TS_NS))


def fault_of(source: FileSource) -> tuple[list[Frame], CaptureError | None]:
    """Frames and the error, wherever it showed itself."""
    try:
        frames = read_all(source)
    except CaptureError as error:
        return [], error
    return frames, source.error

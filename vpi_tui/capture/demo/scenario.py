"""What happens in one loop of the demo: everyday traffic, and the attacks staged over it."""

from __future__ import annotations

import struct
from pathlib import Path

from vpi_tui.capture.demo import background, hosts, operations
from vpi_tui.capture.demo.attacks import STAGES
from vpi_tui.capture.demo.timeline import Reel, Timeline

LOOP_SECONDS = 72.0
DEFAULT_SEED = 20
FIXED_START_NS = 1_790_000_000_000_000_000
"""2026-09-21 14:13:20 UTC: the clock of screenshots and tests."""


def build(seed: int = DEFAULT_SEED, *, attacks: bool = True, everyday: bool = True) -> Reel:
    """One loop of the scenario; the same seed gives the same bytes."""
    line = Timeline(LOOP_SECONDS, seed)
    for add in (*background.EVERYDAY, *operations.EVERYDAY) if everyday else ():
        add(line)
    for stage in STAGES.values() if attacks else ():
        stage.play(line, stage.start)
    return line.reel()


def write_demo_pcap(path: Path | str, *, seed: int = DEFAULT_SEED, start_ns: int = FIXED_START_NS) -> int:
    """Write one loop to a capture file and return the number of frames.

    A name that ends in .pcapng keeps each frame's port as an interface with its name; others
    become a nanosecond pcap, in which ports are lost.
    """
    reel = build(seed)
    writer = _pcapng if str(path).endswith(".pcapng") else _pcap
    with Path(path).open("wb") as out:
        for piece in writer(reel, start_ns):
            out.write(piece)
    return len(reel.offset)


def _frames(reel: Reel) -> list[tuple[int, int, bytes]]:
    """Nanoseconds, port and bytes of each frame."""
    data = reel.arena.tobytes()
    columns = (reel.at_ns.tolist(), reel.ifindex.tolist(), reel.offset.tolist(), reel.length.tolist())
    return [(at, port, data[start : start + size]) for at, port, start, size in zip(*columns, strict=True)]


def _pcap(reel: Reel, start_ns: int) -> list[bytes]:
    pieces = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for at, _, data in _frames(reel):
        seconds, rest = divmod(start_ns + at, 1_000_000_000)
        pieces += [struct.pack("<IIII", seconds, rest, len(data), len(data)), data]
    return pieces


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _pcapng(reel: Reel, start_ns: int) -> list[bytes]:
    """draft-ietf-opsawg-pcapng: section header, an interface for each port, enhanced packets."""
    pieces = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    number: dict[int, int] = {}
    for known in hosts.topology().ports:
        number[known.ifindex] = len(number)
        options = _option(2, known.name.encode()) + _option(9, b"\x09") + _option(0, b"")
        pieces.append(_block(1, struct.pack("<HHI", 1, 0, 65535) + options))
    for at, port, data in _frames(reel):
        high, low = divmod(start_ns + at, 1 << 32)
        head = struct.pack("<IIIII", number[port], high, low, len(data), len(data))
        pieces.append(_block(6, head + data + b"\0" * (-len(data) % 4)))
    return pieces

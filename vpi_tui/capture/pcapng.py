"""pcapng files (draft-ietf-opsawg-pcapng): sections, interfaces and their clocks."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from vpi_tui.capture import kernels_pcapng as kernels
from vpi_tui.capture.columns import FrameColumns
from vpi_tui.capture.formats import FileFormat, Indexed, Magic, link_type_of
from vpi_tui.capture.kernels_pcapng import InterfaceTable, Section
from vpi_tui.model.batch import U8

MAX_INTERFACES = 65_536
BYTE_ORDER = {b"\x1a\x2b\x3c\x4d": True, b"\x4d\x3c\x2b\x1a": False}
MIN_SECTION, MIN_INTERFACE = 28, 20
OPT_END, OPT_IF_NAME, OPT_IF_TSRESOL, OPT_IF_TSOFFSET = 0, 2, 9, 14
MICROSECONDS = 6
NO_SNAPLEN = 1 << 62
NAME_LENGTH = 64
FAULTS = {
    kernels.BAD_BLOCK_LENGTH: "a block of an impossible length",
    kernels.BAD_TRAILER: "a block that does not end with its length",
    kernels.BAD_CAPLEN: "a packet longer than its block",
    kernels.NO_INTERFACE: "a packet of an interface that is not described",
}


class _FaultError(Exception):
    """A section header or interface description that makes no sense; the text says how."""


class _NotWholeError(Exception):
    """A block that goes on behind the end of the buffer."""


class PcapngFormat:
    """Interfaces are numbered through all sections, in the order of their descriptions."""

    def __init__(self) -> None:
        self._section = Section(big_endian=False, first_interface=0, interfaces=0)
        self._table = _table(16)
        self._names: list[str] = []
        self._last_ns = 0

    @property
    def interfaces(self) -> tuple[str, ...]:
        return tuple(self._names)

    def index(self, buf: U8, pos: int, end: int, columns: FrameColumns) -> Indexed:
        count = 0
        while True:
            count, pos, self._last_ns, status = kernels.index_pcapng(
                buf, pos, end, self._section, self._table, self._last_ns, columns, count
            )
            if status == kernels.SKIP:
                return Indexed(count, pos, skip=_total(buf, pos, self._section.big_endian))
            if status != kernels.STRUCTURE:
                return Indexed(count, pos, fault=FAULTS.get(status, ""))
            try:
                pos += self._structure(buf, pos, end)
            except _NotWholeError:
                return Indexed(count, pos)
            except _FaultError as fault:
                return Indexed(count, pos, fault=str(fault))

    def _structure(self, buf: U8, pos: int, end: int) -> int:
        """Takes in the section header or interface description at `pos`; gives its length."""
        head = buf[pos : pos + 12].tobytes()
        if head[:4] == MAGIC_BYTES:
            big = BYTE_ORDER.get(head[8:])
            if big is None:
                raise _FaultError("a section header without a byte order")
            block = _block(buf, pos, end, big, MIN_SECTION)
            self._start_section(block, big)
        else:
            block = _block(buf, pos, end, self._section.big_endian, MIN_INTERFACE)
            self._add_interface(block)
        return len(block)

    def _start_section(self, block: bytes, big: bool) -> None:
        major, minor = struct.unpack_from(">HH" if big else "<HH", block, 12)
        if major != 1:
            raise _FaultError(f"a section of pcapng version {major}.{minor}; version 1 is supported")
        self._section = Section(big_endian=big, first_interface=len(self._names), interfaces=0)

    def _add_interface(self, block: bytes) -> None:
        row = len(self._names)
        if row == MAX_INTERFACES:
            raise _FaultError(f"an interface description beyond {MAX_INTERFACES}")
        if row == len(self._table.link_type):
            self._table = _grown(self._table)
        order = ">" if self._section.big_endian else "<"
        link_field, snaplen = struct.unpack_from(f"{order}HxxI", block, 8)
        options = dict(_options(block, order))
        table = self._table
        table.link_type[row] = link_type_of(link_field)
        table.snaplen[row] = snaplen or NO_SNAPLEN
        resolution = options.get(OPT_IF_TSRESOL) or bytes([MICROSECONDS])
        _set_clock(table, row, resolution[0])
        offset = options.get(OPT_IF_TSOFFSET, b"")
        seconds = struct.unpack(f"{order}q", offset)[0] if len(offset) == 8 else 0
        limit = kernels.MAX_SECONDS
        table.offset_ns[row] = min(max(seconds, -limit), limit) * 1_000_000_000
        name = options.get(OPT_IF_NAME, b"").split(b"\0")[0]
        self._names.append(name[:NAME_LENGTH].decode("utf-8", "replace"))
        self._section = self._section._replace(interfaces=self._section.interfaces + 1)


def _block(buf: U8, pos: int, end: int, big: bool, minimum: int) -> bytes:
    """The whole block at `pos`, its lengths checked."""
    total = _total(buf, pos, big)
    if total < minimum or total & 3 or total > kernels.MAX_BLOCK:
        raise _FaultError(FAULTS[kernels.BAD_BLOCK_LENGTH])
    if pos + total > end:
        raise _NotWholeError
    block = buf[pos : pos + total].tobytes()
    if _total(buf, pos + total - 8, big) != total:
        raise _FaultError(FAULTS[kernels.BAD_TRAILER])
    return block


def _total(buf: U8, pos: int, big: bool) -> int:
    """The length in the head of the block at `pos`."""
    return int.from_bytes(buf[pos + 4 : pos + 8].tobytes(), "big" if big else "little")


def _options(block: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Code and value of the options of an interface description, as far as they are whole."""
    pos, end = 16, len(block) - 4
    while pos + 4 <= end:
        code, length = struct.unpack_from(f"{order}HH", block, pos)
        pos += 4
        if code == OPT_END or pos + length > end:
            return
        yield code, block[pos : pos + length]
        pos += length + 3 & ~3


def _set_clock(table: InterfaceTable, row: int, resolution: int) -> None:
    """resolution: if_tsresol: 0 to 127 = that negative power of 10; from 128 on, of 2."""
    exponent = resolution & 0x7F
    binary = resolution >= 0x80
    never = (1 << 64) - 1
    table.shift[row] = exponent if binary and exponent < 64 else -1
    # A unit below 2**-63 s is read as no time: 64 bits of it do not make one second.
    divisor = never if binary else 10 ** max(exponent - 9, 0)
    multiplier = 1 if binary else 10 ** max(9 - exponent, 0)
    table.divisor[row] = min(divisor, never)
    table.multiplier[row] = multiplier
    table.max_ticks[row] = kernels.MAX_TS_NS // multiplier


def _table(rows: int) -> InterfaceTable:
    return InterfaceTable(
        link_type=np.zeros(rows, np.uint16),
        snaplen=np.zeros(rows, np.int64),
        offset_ns=np.zeros(rows, np.int64),
        shift=np.zeros(rows, np.int64),
        divisor=np.ones(rows, np.uint64),
        multiplier=np.ones(rows, np.uint64),
        max_ticks=np.zeros(rows, np.uint64),
    )


def _grown(table: InterfaceTable) -> InterfaceTable:
    return InterfaceTable(*(np.concatenate([column, np.zeros_like(column)]) for column in table))


MAGIC_BYTES = b"\x0a\x0d\x0d\x0a"


def _open(_header: bytes) -> tuple[FileFormat, int]:
    return PcapngFormat(), 0


MAGICS = (Magic("pcapng", MAGIC_BYTES, 12, _open),)

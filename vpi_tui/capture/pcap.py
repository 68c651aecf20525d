"""Classic capture files (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds."""

from __future__ import annotations

import struct

from vpi_tui.capture.columns import FrameColumns
from vpi_tui.capture.formats import FileFormat, Indexed, Magic, link_type_of
from vpi_tui.capture.kernels import BAD_CAPLEN, MAX_CAPLEN, index_pcap
from vpi_tui.model.batch import U8

FILE_HEADER = 24
VARIANTS = {
    0xA1B2C3D4: ("pcap", 16, 1000),
    0xA1B23C4D: ("pcap with nanoseconds", 16, 1),
    0xA1B2CD34: ("modified pcap", 24, 1000),
}
"""Magic number: name, bytes of a record header, nanoseconds of a sub-second unit."""


class PcapFormat:
    """One file: all its packets share a link type and belong to interface 0."""

    interfaces = ("",)

    def __init__(self, header: bytes, *, big_endian: bool) -> None:
        order = ">" if big_endian else "<"
        magic, link_field = struct.unpack(f"{order}I16xI", header)
        _, self._record_header, self._subsecond_ns = VARIANTS[magic]
        self._big_endian = big_endian
        self._link_type = link_type_of(link_field)
        self._columns: FrameColumns | None = None

    def index(self, buf: U8, pos: int, end: int, columns: FrameColumns) -> Indexed:
        if columns is not self._columns:
            columns.link_type.fill(self._link_type)
            self._columns = columns
        count, pos, status = index_pcap(
            buf, pos, end, self._big_endian, self._record_header, self._subsecond_ns, columns, 0
        )
        fault = f"a record that claims more than {MAX_CAPLEN} bytes" if status == BAD_CAPLEN else ""
        return Indexed(count, pos, fault=fault)


def _magic(number: int, *, big_endian: bool) -> Magic:
    def open_(header: bytes) -> tuple[FileFormat, int]:
        return PcapFormat(header, big_endian=big_endian), FILE_HEADER

    first = number.to_bytes(4, "big" if big_endian else "little")
    return Magic(VARIANTS[number][0], first, FILE_HEADER, open_)


MAGICS = tuple(_magic(number, big_endian=big) for number in VARIANTS for big in (False, True))

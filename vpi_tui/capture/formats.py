"""What a capture file format does, and how to tell which one a file has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from vpi_tui.capture.columns import FrameColumns
from vpi_tui.model.batch import U8, LinkType

RAW_ALIASES = {12: int(LinkType.RAW), 14: int(LinkType.RAW)}
"""DLT_RAW of the BSDs, which old files carry in place of LINKTYPE_RAW."""


class Indexed(NamedTuple):
    """How far `FileFormat.index` came."""

    rows: int
    """Rows filled."""
    pos: int
    """First byte not done."""
    skip: int = 0
    """Bytes from pos on that hold nothing of interest; they may reach beyond the buffer."""
    fault: str = ""
    """What is wrong with the record at pos, as "a ... that ..."; "" = nothing."""


class FileFormat(Protocol):
    """Finds the packets in the bytes of one file; keeps what earlier bytes said."""

    def index(self, buf: U8, pos: int, end: int, columns: FrameColumns) -> Indexed:
        """Rows for the whole records in buf[pos:end], in `columns` from row 0 on."""

    @property
    def interfaces(self) -> tuple[str, ...]:
        """Names by number in PacketBatch.ifindex; "" = unnamed. Hostile text."""


class Magic(NamedTuple):
    """first: the bytes that such a file starts with. open: from a whole header, make the format."""

    name: str
    first: bytes
    header: int
    """Bytes that `open` wants."""
    open: Callable[[bytes], tuple[FileFormat, int]]
    """Gives the format and how many bytes the header takes away."""


def link_type_of(field: int) -> int:
    """The LinkType in a link type field: the upper half holds the length of frame checksums."""
    return RAW_ALIASES.get(field & 0xFFFF, field & 0xFFFF)

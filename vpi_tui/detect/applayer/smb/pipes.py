"""Named pipes: DCE/RPC in what is written to a file and read from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.dcerpc.calls import Calls
from vpi_tui.detect.applayer.dcerpc.parser import Pdus
from vpi_tui.detect.applayer.dcerpc.pdu import HEADER, parse_header
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction

MOST_PIPES: Final = 64
"""Pipes that are followed at a time; the one opened first makes room."""


def looks_like_rpc(data: bytes) -> bool:
    """Are the first bytes those of a PDU?"""
    return len(data) >= HEADER and data[0] == 5 and parse_header(data) is not None


class _Pipe:
    def __init__(self, make: Callable[[], SmbTransaction]) -> None:
        self.pdus = (Pdus(), Pdus(), Pdus())
        self.calls = Calls(make)

    def held(self) -> int:
        return len(self.pdus[1]) + len(self.pdus[2]) + self.calls.held() + 1024


class Pipes:
    """By file identifier. Calls that moved are put into `moved`."""

    def __init__(self, moved: dict[SmbTransaction, None]) -> None:
        self._pipes: dict[bytes, _Pipe] = {}
        self._moved = moved

    def __contains__(self, fid: bytes) -> bool:
        return fid in self._pipes

    def data(self, fid: bytes, direction: int, data: bytes, make: Callable[[], SmbTransaction]) -> None:
        """Bytes that went through a pipe. make: gives the transaction of a call."""
        pipe = self._pipes.get(fid)
        if pipe is None:
            while len(self._pipes) >= MOST_PIPES:
                self.close(next(iter(self._pipes)))
            pipe = self._pipes[fid] = _Pipe(make)
        for header, pdu in pipe.pdus[direction].feed(data):
            self._moved.update(dict.fromkeys(pipe.calls.pdu(direction, header, pdu)))

    def close(self, fid: bytes) -> None:
        """Nothing more goes through it."""
        pipe = self._pipes.pop(fid, None)
        if pipe is not None:
            self._moved.update(dict.fromkeys(pipe.calls.finish()))

    def finish(self) -> None:
        for fid in list(self._pipes):
            self.close(fid)

    def held(self) -> int:
        return sum(pipe.held() for pipe in self._pipes.values()) if self._pipes else 0

"""One flow of DCE/RPC: a stream is cut into PDUs, a datagram is one."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.dcerpc.calls import Call, Calls
from vpi_tui.detect.applayer.dcerpc.datagrams import Activities
from vpi_tui.detect.applayer.dcerpc.pdu import HEADER, Header, parse_header
from vpi_tui.detect.applayer.transaction import Transaction

_START: Final = re.compile(rb"\x05[\x00\x01][\x00-\x14][\x00-\xff][\x00\x01\x10\x11][\x00-\x03]")
"""First bytes that a header may have: version, kind, flags, byte order."""
_START_SIZE: Final = 6


class Pdus:
    """Cuts bytes of one direction into PDUs; what is no header is stepped over until one comes."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = bytearray()

    def __len__(self) -> int:
        return len(self._pending)

    def lose(self) -> None:
        """Bytes are missing before those that come next."""
        self._pending.clear()

    def feed(self, data: bytes) -> list[tuple[Header, bytes]]:
        """The PDUs that the bytes completed."""
        if not self._pending and len(data) >= HEADER:
            header = parse_header(data)
            if header is not None and header.length == len(data):
                return [(header, data)]
        self._pending += data
        pending, at = self._pending, 0
        found: list[tuple[Header, bytes]] = []
        while (start := _START.search(pending, at)) is not None:
            at = start.start()
            if at + HEADER > len(pending):
                break
            header = parse_header(pending[at : at + HEADER])
            if header is None:
                at += 1
            elif at + header.length > len(pending):
                break
            else:
                found.append((header, bytes(pending[at : at + header.length])))
                at += header.length
        else:
            at = max(at, len(pending) - _START_SIZE + 1)
        del pending[:at]
        return found


class DcerpcParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pdus = (Pdus(), Pdus(), Pdus())
        self._calls = Calls(Call)
        self._activities = Activities()

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        pdus = self._pdus[direction]
        if gap:
            pdus.lose()
        moved: dict[Transaction, None] = {}
        for header, pdu in pdus.feed(data):
            self.frames.add(direction, "pdu", pdu)
            self.frames.add(direction, "hdr", pdu[:HEADER])
            self.frames.add(direction, "data", pdu[HEADER:])
            moved.update(dict.fromkeys(self._calls.pdu(direction, header, pdu)))
        return list(moved)

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        return list(self._activities.datagram(direction, data))

    def finish(self) -> list[Transaction]:
        return list(dict.fromkeys((*self._calls.finish(), *self._activities.finish())))

    def held(self) -> int:
        return sum(map(len, self._pdus)) + self._calls.held() + self._activities.held()

"""Calls over datagrams: connectionless DCE/RPC, version 4. Source: C706, chapter 12.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.dcerpc.calls import A_CALL, CALLS_LIMIT, MOST_OPEN, Call
from vpi_tui.detect.applayer.dcerpc.pdu import Interface, Kind, number, parse_uuid
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
HEADER: Final = 80
_LAST_FRAGMENT: Final = 0x02
_FRAGMENT: Final = 0x04
_SIDES: Final[dict[int, int]] = {Kind.REQUEST: SERVER, Kind.RESPONSE: CLIENT, Kind.FAULT: CLIENT}

Key = tuple[bytes, int]
"""(activity, sequence number)"""


class _Header(NamedTuple):
    kind: int
    flags: int
    little: bool
    interface: Interface
    activity: bytes
    sequence: int
    opnum: int
    length: int


def _parse_header(data: bytes) -> _Header | None:
    if len(data) < HEADER or data[0] != 4 or data[4] & 0xEE or data[5] > 3:
        return None
    little = bool(data[4] & 0x10)
    # The major version is the lower half of a number of 32 bits.
    version = number(data, 60, 4, little)
    interface = Interface(0, parse_uuid(data[24:40], little), version & 0xFFFF, version >> 16, True)
    return _Header(
        data[1], data[2], little, interface, data[40:56],
        number(data, 64, 4, little), number(data, 68, 2, little), number(data, 74, 2, little),
    )  # fmt: skip


class Activities:
    """The calls of one flow that wait for more fragments or for their response."""

    def __init__(self) -> None:
        self._open: dict[Key, Call] = {}
        self._held = 0

    def datagram(self, direction: int, data: bytes) -> Iterator[Call]:
        """The calls that a datagram moved on."""
        header = _parse_header(data)
        if header is None or _SIDES.get(header.kind) != direction:
            return
        key = header.activity, header.sequence
        call = self._open.get(key)
        if call is None or call.stage[direction] == Stage.DONE:
            call = self._new(key, header)
        before = call.size
        call.extend(direction, data[HEADER : HEADER + header.length])
        self._held += call.size - before
        if direction == SERVER:
            call.request, call.opnum, call.interfaces = Kind.REQUEST, header.opnum, (header.interface,)
        else:
            call.response = header.kind
        if not header.flags & _FRAGMENT or header.flags & _LAST_FRAGMENT:
            call.stage[direction] = Stage.DONE
            if direction == CLIENT:
                self._drop(key)
            yield call
        while self._open and (len(self._open) > MOST_OPEN or self._held > CALLS_LIMIT):
            oldest = next(iter(self._open))
            yield from self._ended(self._open[oldest])
            self._drop(oldest)

    def finish(self) -> Iterator[Call]:
        """Calls that lack fragments are seen as far as they go."""
        for call in self._open.values():
            yield from self._ended(call)
        self._open.clear()
        self._held = 0

    def held(self) -> int:
        return self._held + A_CALL * len(self._open)

    def _new(self, key: Key, header: _Header) -> Call:
        self._drop(key)
        made = self._open[key] = Call()
        made.call_id, made.little_endian = header.sequence, header.little
        made.activity = parse_uuid(header.activity, header.little)
        return made

    def _drop(self, key: Key) -> None:
        call = self._open.pop(key, None)
        if call is not None:
            self._held -= call.size

    def _ended(self, call: Call) -> Iterator[Call]:
        for direction in (SERVER, CLIENT):
            if call.fragments[direction] and call.stage[direction] != Stage.DONE:
                call.stage[direction] = Stage.DONE
                yield call

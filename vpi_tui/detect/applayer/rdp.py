"""rdp: how a remote desktop is set up, in the clear, up to where TLS begins ([MS-RDPBCGR], 1.3.1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

_VERSION: Final = 3
_REQUEST, _CONFIRM, _DATA = 0xE0, 0xD0, 0xF0
_NEGOTIATION: Final = {0xE0: 1, 0xD0: 2}
_FAILURE: Final = 3
_COOKIE: Final = re.compile(rb"Cookie: mstshash=([^\r\n]{0,256})\r\n")
_CONNECT_INITIAL, _CONNECT_RESPONSE = b"\x7f\x65", b"\x7f\x66"
_CORE, _NET = 0xC001, 0xC003
MOST_CHANNELS: Final = 31
"""[MS-RDPBCGR], 2.2.1.3.4."""
_HEADER: Final = 4


@dataclass(slots=True)
class Client:
    """What a client says of itself; what it leaves out is 0 or empty."""

    version: int = 0
    width: int = 0
    height: int = 0
    color_depth: int = 0
    keyboard_layout: int = 0
    build: int = 0
    name: str = ""
    keyboard_type: int = 0
    keyboard_subtype: int = 0
    function_keys: int = 0
    ime: str = ""
    product: int = 0
    serial: int = 0
    capabilities: int = 0
    """Early capability flags."""
    identifier: str = ""


@dataclass(slots=True)
class Message:
    """kind: EVE's word for it."""

    kind: str
    cookie: bytes = b""
    protocols: int | None = None
    """Bits of the security protocols that are offered, or the number of the one that is chosen."""
    error: int | None = None
    flags: int = 0
    client: Client | None = None
    channels: list[bytes] = field(default_factory=list)


def parse_packet(body: bytes) -> Message | None:
    """body: what stands behind the TPKT header. None = it says nothing about the setup."""
    if len(body) < 3:
        return None
    if body[1] in _NEGOTIATION:
        return _connection(body)
    if body[1] != _DATA:
        return None
    inside = body[3:]
    if inside.startswith(_CONNECT_INITIAL):
        return _connect(inside)
    return Message("connect_response") if inside.startswith(_CONNECT_RESPONSE) else None


def _connection(body: bytes) -> Message:
    made = Message("initial_request" if body[1] == _REQUEST else "initial_response")
    variable = body[7:]
    cookie = _COOKIE.match(variable)
    if cookie is not None:
        made.cookie = cookie[1]
        variable = variable[cookie.end() :]
    if len(variable) >= 8:
        value = int.from_bytes(variable[4:8], "little")
        made.flags = variable[1]
        if variable[0] == _NEGOTIATION[body[1]]:
            made.protocols = value
        elif variable[0] == _FAILURE and body[1] == _CONFIRM:
            made.error = value
    return made


def _connect(data: bytes) -> Message:
    """The blocks of a client's data, which stand behind the key of a conference's user data."""
    made = Message("connect_request")
    at = data.find(b"Duca") + 4
    at += 2 if data[at : at + 1] >= b"\x80" else 1
    while at + _HEADER <= len(data):
        kind, size = (int.from_bytes(data[at + n : at + n + 2], "little") for n in (0, 2))
        block = data[at + _HEADER : at + size]
        if kind == _CORE:
            made.client = _client(block)
        elif kind == _NET:
            count = min(int.from_bytes(block[:4], "little"), MOST_CHANNELS)
            names = [block[4 + 12 * n : 12 + 12 * n].rstrip(b"\0") for n in range(count)]
            made.channels = [name for name in names if name]
        if size < _HEADER:
            break
        at += size
    return made


def _client(block: bytes) -> Client:
    def number(at: int, size: int) -> int:
        return int.from_bytes(block[at : at + size], "little")

    def text(at: int, size: int) -> str:
        return block[at : at + size].decode("utf-16-le", "replace").partition("\0")[0]

    return Client(
        version=number(0, 4),
        width=number(4, 2),
        height=number(6, 2),
        color_depth=number(8, 2),
        keyboard_layout=number(12, 4),
        build=number(16, 4),
        name=text(20, 32),
        keyboard_type=number(52, 4),
        keyboard_subtype=number(56, 4),
        function_keys=number(60, 4),
        ime=text(64, 64),
        product=number(130, 2),
        serial=number(132, 4),
        capabilities=number(140, 2),
        identifier=text(142, 64),
    )


class RdpParser(Parser):
    """One connection: each message of its setup is a transaction of its own."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending: list[bytearray | None] = [None, bytearray(), bytearray()]

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        pending = self._pending[direction]
        if pending is None:
            return []
        if gap:
            self._pending[direction] = None
            return []
        pending += data
        found: list[Transaction] = []
        while pending and self._pending[direction] is not None:
            if pending[0] != _VERSION:
                self._pending[direction] = None  # TLS, or nothing that is known
                break
            size = int.from_bytes(pending[2:_HEADER]) if len(pending) >= _HEADER else 0
            if len(pending) < _HEADER or len(pending) < size:
                break
            message = parse_packet(bytes(pending[_HEADER:size]))
            del pending[: max(size, _HEADER)]
            if message is not None:
                found.append(MessageTransaction(direction, message))
                if message.kind in ("connect_request", "connect_response"):
                    self._pending[direction] = None  # what follows is encrypted, or is no setup
        return found

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return sum(len(pending or b"") for pending in self._pending)

    def over(self) -> bool:
        return self._pending[Direction.TO_SERVER] is None and self._pending[Direction.TO_CLIENT] is None


RDP: Final[Application] = application("rdp", RdpParser, ())

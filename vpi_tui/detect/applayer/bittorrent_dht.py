"""bittorrent-dht: queries, responses and errors of the hash table (BEP 5), in bencoding (BEP 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.messages import DatagramParser, MessageTransaction
from vpi_tui.detect.applayer.transaction import Transaction

MOST_DEPTH: Final = 8
MOST_VALUES: Final = 4_096
"""Values of one message, inner ones included."""
_STARTS: Final = (b"d1:ad", b"d1:rd", b"d2:ip", b"d1:el")
_INTEGER: Final = re.compile(rb"i(0|-?[1-9][0-9]{0,18})e")
_LENGTH: Final = re.compile(rb"(0|[1-9][0-9]{0,5}):")
_KINDS: Final = {b"q": b"a", b"r": b"r", b"e": b"e"}
"""What a message says that it is -> the key of what it says then."""


@dataclass(frozen=True, slots=True)
class Message:
    kind: bytes
    """q, r or e: query, response, error."""
    transaction: bytes
    request_type: bytes
    """ping, find_node, get_peers, announce_peer; b"" = it is no query."""
    body: Any
    """A dict of a query or a response, a list of an error."""
    client_version: bytes


class _Decoder:
    """Reads bencoding. Raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._left = MOST_VALUES

    def value(self, depth: int = 0) -> Any:
        self._left -= 1
        start = self._data[self._at : self._at + 1]
        if depth > MOST_DEPTH or self._left < 0:
            raise ValueError
        if start == b"d":
            return self._dictionary(depth)
        if start == b"l":
            return self._list(depth)
        return self._number() if start == b"i" else self._string()

    def _ended(self) -> bool:
        if self._data[self._at : self._at + 1] != b"e":
            return False
        self._at += 1
        return True

    def _dictionary(self, depth: int) -> dict[bytes, Any]:
        self._at += 1
        found: dict[bytes, Any] = {}
        while not self._ended():
            key = self._string()
            found[key] = self.value(depth + 1)
        return found

    def _list(self, depth: int) -> list[Any]:
        self._at += 1
        found = []
        while not self._ended():
            found.append(self.value(depth + 1))
        return found

    def _number(self) -> int:
        found = _INTEGER.match(self._data, self._at)
        if found is None:
            raise ValueError
        self._at = found.end()
        return int(found[1])

    def _string(self) -> bytes:
        found = _LENGTH.match(self._data, self._at)
        if found is None or found.end() + int(found[1]) > len(self._data):
            raise ValueError
        self._at = found.end() + int(found[1])
        return self._data[found.end() : self._at]


def parse_message(data: bytes) -> Message | None:
    """None = it is malformed."""
    try:
        whole = _Decoder(data).value()
    except ValueError:
        return None
    if not isinstance(whole, dict):
        return None
    kind, transaction, version = whole.get(b"y"), whole.get(b"t"), whole.get(b"v", b"")
    if not isinstance(kind, bytes) or kind not in _KINDS:
        return None
    body, request = whole.get(_KINDS[kind]), whole.get(b"q", b"")
    fits = isinstance(body, list) if kind == b"e" else isinstance(body, dict) and b"id" in body
    if not isinstance(transaction, bytes) or not isinstance(version, bytes) or not isinstance(request, bytes):
        return None
    if not fits or (kind == b"q" and not request):
        return None
    return Message(kind, transaction, request if kind == b"q" else b"", body, version)


class DhtParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        """Nothing is remembered between datagrams."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        if not data.startswith(_STARTS):
            return []
        message = parse_message(data)
        events = ("bittorrent-dht.malformed_packet",) if message is None else ()
        return [MessageTransaction(direction, message, events)]


BITTORRENT_DHT: Final[Application] = application("bittorrent-dht", DhtParser, (), transports=("udp",))

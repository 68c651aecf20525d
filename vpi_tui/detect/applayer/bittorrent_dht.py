"""bittorrent-dht: queries, responses and errors of the hash table (BEP 5), in bencoding (BEP 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.messages import DatagramParser, MessageTransaction
from vpi_tui.detect.applayer.transaction import Transaction

MOST_DEPTH: Final = 3
"""Dictionaries and lists in each other, as Suricata reads them."""
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
        if self._left < 0:
            raise ValueError
        if start in (b"d", b"l"):
            if depth >= MOST_DEPTH:
                raise ValueError
            return self._dictionary(depth) if start == b"d" else self._list(depth)
        return self._number() if start == b"i" else self._string()

    def _ended(self) -> bool:
        if self._data[self._at : self._at + 1] != b"e":
            return False
        self._at += 1
        return True

    def _dictionary(self, depth: int) -> dict[bytes, Any]:
        self._at += 1
        found: dict[bytes, Any] = {}
        before: bytes | None = None
        while not self._ended():
            key = self._string()
            if before is not None and key <= before:
                raise ValueError  # BEP 3: sorted
            found[key] = self.value(depth + 1)
            before = key
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
    if not isinstance(whole, dict) or not _fits(whole, _OF_MESSAGE):
        return None
    kind, transaction = whole.get(b"y"), whole.get(b"t")
    if kind not in _KINDS:
        return None
    body = whole.get(_KINDS[kind])
    if body is None or transaction is None or (kind == b"q" and b"q" not in whole):
        return None
    request = whole[b"q"] if kind == b"q" else b""
    return Message(kind, transaction, request, body, whole.get(b"v", b""))


def _fits(found: dict[bytes, Any], fields: dict[bytes, Callable[[Any], bool]]) -> bool:
    """Is all that it has of the fields what it should be?"""
    return all(test(found[name]) for name, test in fields.items() if name in found)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, bytes)


def _number_below(limit: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and 0 <= value < limit


def _is_body(value: Any) -> bool:
    """Of a query or a response; both name the sender."""
    return isinstance(value, dict) and b"id" in value and _fits(value, _OF_BODY)


def _is_error(value: Any) -> bool:
    """A number and a text, in whatever order."""
    if not isinstance(value, list) or not any(map(_is_bytes, value)):
        return False
    numbers = [one for one in value if isinstance(one, int)]
    return bool(numbers) and all(map(_number_below(1 << 16), numbers))


_OF_BODY: Final[dict[bytes, Callable[[Any], bool]]] = {
    **dict.fromkeys((b"id", b"target", b"info_hash", b"token", b"nodes"), _is_bytes),
    b"implied_port": _number_below(1 << 8), b"port": _number_below(1 << 16),
    b"values": lambda value: isinstance(value, list) and all(map(_is_bytes, value)),
}  # fmt: skip
_OF_MESSAGE: Final[dict[bytes, Callable[[Any], bool]]] = {
    **dict.fromkeys((b"y", b"q", b"t", b"v"), _is_bytes), b"a": _is_body, b"r": _is_body, b"e": _is_error,
}  # fmt: skip


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

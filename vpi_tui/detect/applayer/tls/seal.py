"""When a connection is encrypted: at the first record with data of the application, whoever sends it.

Neither side's announcement that it is going to encrypt counts. Data before the server's hello is early data
if the client has said that it would send some (RFC 8446, 4.2.10), and the handshake goes on. As Suricata: see
SSLV3_APPLICATION_PROTOCOL in its app-layer-ssl.c.
"""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.tls.records import ALERT, DATA, HEAD, problem_of
from vpi_tui.detect.applayer.tls.transaction import TlsTransaction
from vpi_tui.detect.applayer.window import ANY_SIZE
from vpi_tui.model.batch import Direction

_SEEN: Final = HEAD + 1
"""Bytes of a record that are looked at: an empty one says nothing."""
_EARLY_DATA: Final = 42
_LEAST: Final = {ALERT: 2}
"""Bytes of a record's body, where it is more than one."""
_SSL2_HEAD: Final = 2


class _Heads:
    """One direction."""

    __slots__ = ("begun", "head", "skip")

    def __init__(self) -> None:
        self.head = b""
        """Of the record that comes now, less than _SEEN bytes."""
        self.skip = 0
        """Bytes up to the next record."""
        self.begun = False
        """A record has come."""


class Seal:
    """Looks at the head of each record. is_wanted: does anybody want to know?"""

    __slots__ = ("_handshake", "_heads", "holds", "settled")

    def __init__(self, handshake: TlsTransaction, is_wanted: bool) -> None:
        self._handshake = handshake
        self._heads = (_Heads(), _Heads(), _Heads())
        self.holds = False
        """All that follows is encrypted."""
        self.settled = not is_wanted
        """Nothing that may still come changes that."""

    def give_up(self) -> None:
        """The connection is no TLS, or not all of it was seen: nobody knows what follows."""
        self.settled = True

    def patience(self, direction: int) -> int:
        """How many bytes bring nothing."""
        heads = self._heads[direction]
        return ANY_SIZE if self.settled else heads.skip + _SEEN - len(heads.head) - 1

    def feed(self, direction: int, data: bytes) -> None:
        """The next bytes, behind the parser of messages: what a hello in them says is known."""
        heads = self._heads[direction]
        if heads.head:
            data = heads.head + data
        at, end = heads.skip, len(data)
        while at + _SEEN <= end and not self.settled:
            at += self._record(heads, data, at)
        heads.head = b"" if self.settled else data[at:]
        heads.skip = max(at - end, 0)

    def _record(self, heads: _Heads, data: bytes, at: int) -> int:
        """Look at the head of a record. How many bytes has the record?"""
        kind, length = data[at], data[at + 3] << 8 | data[at + 4]
        first, heads.begun = not heads.begun, True
        if first and kind & 0x80:
            return _SSL2_HEAD + ((kind & 0x7F) << 8 | data[at + 1])
        if length < _LEAST.get(kind, 1) or problem_of(kind, data[at + 1], length):
            self.give_up()
        elif kind == DATA and not self._is_early():
            self.holds = self.settled = True
        return HEAD + length

    def _is_early(self) -> bool:
        offered = self._handshake.side[Direction.TO_SERVER].hello
        answered = self._handshake.side[Direction.TO_CLIENT].hello
        return answered is None and offered is not None and offered.has(_EARLY_DATA)

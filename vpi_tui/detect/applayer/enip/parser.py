"""Messages out of streams and datagrams, and which response belongs to which request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.enip.message import (
    HEADER,
    LIST_INTERFACES,
    NOP,
    REGISTER_SESSION,
    UNREGISTER_SESSION,
    Message,
    parse_message,
)
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.applayer.words import ENIP_COMMANDS, ENIP_STATUSES
from vpi_tui.model.batch import Direction

MOST_WAITING: Final = 1_024
"""Requests that wait for a response, as Suricata's enip.max-tx."""
KEPT_LIMIT: Final = 1_048_576
"""Bytes of those; beyond either none waits any more."""
A_VALUE: Final = 40
"""Bytes that a class, instance or attribute takes which a CIP service names."""

_NO_OPTIONS: Final = bytes(4)
_SIZES: Final = {REGISTER_SESSION: (4,), UNREGISTER_SESSION: (4, 0)}
"""Bytes behind the header that messages of sessions have."""
_COMMANDS: Final = frozenset(ENIP_COMMANDS.values())
_STATUSES: Final = frozenset(ENIP_STATUSES.values())

_Key = tuple[int, int, int | None]


class EnipTransaction(Transaction):
    """A request and its response; None = it was not seen."""

    __slots__ = ("request", "response", "size")

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        """Bytes of the request and of what it names."""
        self.request: Message | None = None
        self.response: Message | None = None

    def of(self, direction: int) -> Message | None:
        return self.request if direction == Direction.TO_SERVER else self.response

    def take(self, direction: int, message: Message) -> None:
        if direction == Direction.TO_SERVER:
            self.request = message
        else:
            self.response = message
        self.stage[direction] = Stage.DONE
        if not message.is_valid:
            self.event(direction, "enip.invalid_pdu")

    def look_again(self) -> None:
        """Rules about the client's way look at the transaction once its response has come, too."""
        if self.inspected[Direction.TO_SERVER] is Stage.DONE:
            self.inspected[Direction.TO_SERVER] = Stage.HEAD
            self.cache.clear()


class EnipParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())
        self._lost = [False, False, False]
        """By Direction: where the next message begins is not known."""
        self._begun = self._over = False
        """Has the flow begun with a message? One that does not is none of EtherNet/IP."""
        self._waiting: dict[_Key, list[EnipTransaction]] = {}
        """Requests by command, session and sequence number, the oldest first."""
        self._count = self._kept = 0
        """How many those are, and their bytes."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        size = _size(data)
        if not size or len(data) < size or not self._begins(data):
            return []
        return [self._message(direction, data[:size])]

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        pending = self._pending[direction]
        if gap:
            pending.clear()
            self._lost[direction] = True
        if self._lost[direction]:  # the stretch behind it begins with a message, or is passed over
            if not _begins_message(data):
                return []
            self._lost[direction] = False
        pending += data
        return list(dict.fromkeys(self._messages(direction, pending)))

    def finish(self) -> list[Transaction]:
        return []

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        return sum(map(len, self._pending)) + 1024 * self._count + self._kept

    def _messages(self, direction: int, pending: bytearray) -> Iterator[Transaction]:
        while size := _size(pending):
            if len(pending) < size or not self._begins(pending):
                return
            message = bytes(pending[:size])
            del pending[:size]
            made = self._message(direction, message)
            if direction == Direction.TO_CLIENT:
                made.look_again()  # a datagram is looked at by itself
            yield made

    def _begins(self, data: bytes | bytearray) -> bool:
        """Asked of each message: has the flow begun with one?"""
        self._over = self._over or not (self._begun or _begins_message(bytes(data)))
        self._begun = not self._over
        return self._begun

    def _message(self, direction: int, sent: bytes) -> EnipTransaction:
        of_request = direction == Direction.TO_SERVER
        message = parse_message(sent[:HEADER], sent[HEADER:], of_request=of_request)
        self._emit(direction, sent, message)
        made = self._request(message, len(sent)) if of_request else self._response(message)
        made.take(direction, message)
        return made

    def _emit(self, direction: int, sent: bytes, message: Message) -> None:
        if self.frames.wanted:
            self.frames.add(direction, "hdr", sent[:HEADER])
            self.frames.add(direction, "data", sent[HEADER:])
            self.frames.add(direction, "pdu", sent)
            for item in message.items:
                self.frames.add(direction, "enip_item", item)
            for packet, cip in zip(message.data_items, message.cips, strict=False):
                self.frames.add(direction, "cip", packet)
                for begin, end in cip.spans:
                    self.frames.add(direction, "cip", packet[begin:end])

    def _request(self, message: Message, size: int) -> EnipTransaction:
        made = EnipTransaction()
        made.size = size + A_VALUE * sum(cip.values for cip in message.services())
        if self._count >= MOST_WAITING or self._kept > KEPT_LIMIT:
            self._waiting.clear()
            self._count = self._kept = 0
            made.event(Direction.TO_SERVER, "enip.too_many_transactions")
        self._waiting.setdefault(_key(message), []).append(made)
        self._count += 1
        self._kept += made.size
        return made

    def _response(self, message: Message) -> EnipTransaction:
        waiting = self._waiting.get(_key(message))
        if waiting is None:
            return EnipTransaction()
        found = waiting.pop(0)
        if not waiting:
            del self._waiting[_key(message)]
        self._count -= 1
        self._kept -= found.size
        return found


def _key(message: Message) -> _Key:
    """The session is told only in the response to its registration."""
    session = 0 if message.command == REGISTER_SESSION else message.session
    return message.command, session, message.sequence


def _size(data: bytes | bytearray) -> int:
    """Bytes of the message that begins there; 0 = its header is not whole."""
    return HEADER + int.from_bytes(data[2:4], "little") if len(data) >= HEADER else 0


def _begins_message(data: bytes) -> bool:
    """Is there the header of a command that is known, with an outcome that is, and what belongs to it?"""
    command, size, status = (
        int.from_bytes(data[at : at + n], "little") for at, n in ((0, 2), (2, 2), (8, 4))
    )
    if len(data) < HEADER or command not in _COMMANDS or status not in _STATUSES:
        return False
    if command == NOP:
        return data[20:HEADER] == _NO_OPTIONS
    if command == LIST_INTERFACES:
        listed = data[HEADER:]
        return bool(listed) and parse_message(data[:HEADER], listed, of_request=False).is_valid
    return size in _SIZES.get(command, (size,))

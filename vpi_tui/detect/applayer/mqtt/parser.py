"""Messages out of a stream, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.cursor import Cursor, TooShortError
from vpi_tui.detect.applayer.mqtt.message import (
    Kind,
    MalformedError,
    Message,
    parse_message,
    variable_number,
)
from vpi_tui.detect.applayer.transaction import Stage, Transaction

MESSAGE_LIMIT: Final = 1_048_576
"""Bytes of a message; longer ones are passed over, as Suricata's mqtt.max-msg-length."""
MOST_OPEN: Final = 1_024
"""Requests that may wait for an answer, as Suricata's mqtt.max-tx."""
KEPT_LIMIT: Final = 1_048_576
"""Bytes of their messages; the oldest make room."""
MOST_MESSAGES: Final = 32
"""Messages of one transaction that are kept."""
_THE_CONNECT: Final = -1
"""Stands for the packet identifier that a CONNECT does not have."""
_ASKS: Final = frozenset({Kind.PUBLISH, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE})
_ENDS: Final = {
    Kind.CONNACK: "mqtt.missing_connect",
    Kind.PUBACK: "mqtt.missing_publish",
    Kind.PUBCOMP: "mqtt.missing_publish",
    Kind.SUBACK: "mqtt.missing_subscribe",
    Kind.UNSUBACK: "mqtt.missing_unsubscribe",
}
"""What ends a transaction -> the event when there was none."""
_GOES_ON: Final = {Kind.PUBREC: "mqtt.missing_publish", Kind.PUBREL: "mqtt.missing_publish"}
_NEEDS_NO_CONNECTION: Final = frozenset({Kind.CONNECT, Kind.CONNACK, Kind.UNASSIGNED})


class MqttTransaction(Transaction):
    """A message and those that answer it. It is seen in the direction of the first one."""

    __slots__ = ("direction", "messages", "version")

    def __init__(self, direction: int, version: int, message: Message | None = None) -> None:
        super().__init__()
        self.direction = direction
        self.version = version
        """Of the protocol; 0 = no CONNECT was seen."""
        self.messages = [message] if message is not None else []

    def weight(self) -> int:
        return super().weight() + self.size()

    def size(self) -> int:
        """Bytes of its messages."""
        return sum(one.size for one in self.messages)

    def complete(self) -> None:
        self.stage[self.direction] = Stage.DONE


class MqttParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())
        self._skip = [0, 0, 0]
        """Bytes of a message that is passed over which are still to come."""
        self._open: dict[int, list[MqttTransaction]] = {}
        """By packet identifier: requests that wait, the oldest first."""
        self._waiting = self._kept = 0
        """How many those are, and bytes of their messages."""
        self._version = 0
        self._connected = False
        self._over = False

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        pending = self._pending[direction]
        if gap and gap > self._skip[direction]:
            return self._stop()
        self._skip[direction] -= gap
        pending += data
        found: dict[MqttTransaction, None] = {}
        try:
            for message in self._messages(direction, pending):
                found.update(dict.fromkeys(self._take(direction, message)))
        except MalformedError:
            broken = MqttTransaction(direction, self._version)
            broken.event(direction, "mqtt.malformed_traffic")
            broken.complete()
            return [*found, broken, *self._stop()]
        return list(found)

    def finish(self) -> list[Transaction]:
        return self._stop()

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        return sum(map(len, self._pending)) + 1024 * self._waiting + self._kept

    def _stop(self) -> list[Transaction]:
        """Nothing more is read; who waits for an answer is seen as it is."""
        self._over = True
        left = [one for waiting in self._open.values() for one in waiting]
        self._open.clear()
        self._waiting = self._kept = 0
        for pending in self._pending:
            pending.clear()
        for one in left:
            one.complete()
        return [*left]

    def _messages(self, direction: int, pending: bytearray) -> Iterator[Message]:
        """The messages that are whole. Raises MalformedError."""
        while True:
            passed = min(self._skip[direction], len(pending))
            del pending[:passed]
            self._skip[direction] -= passed
            head = Cursor(bytes(pending[:5]))
            try:
                first, size = head.number(1), variable_number(head)
            except TooShortError:
                return
            begin = min(5, len(pending)) - len(head.rest())
            if size > MESSAGE_LIMIT:
                self._skip[direction] = begin + size
                yield Message(Kind(first >> 4), first & 15, skipped=begin + size)
                continue
            if len(pending) < begin + size:
                return
            body = bytes(pending[begin : begin + size])
            if self.frames.wanted:
                self.frames.add(direction, "pdu", bytes(pending[: begin + size]))
                # As in Suricata the head is two bytes however long it is.
                self.frames.add(direction, "header", bytes(pending[:2]))
                self.frames.add(direction, "data", bytes(pending[2 : 2 + size]))
            del pending[: begin + size]
            yield parse_message(first, body, self._version)

    def _take(self, direction: int, message: Message) -> Iterator[MqttTransaction]:
        """The transactions that a message begins, adds to or ends."""
        if message.skipped:
            yield self._single(direction, message)
        elif message.kind is Kind.CONNECT:
            self._version = message.version
            yield from self._wait(direction, message, _THE_CONNECT)
        elif message.kind in _ASKS and message.qos in {1, 2} and message.packet_id is not None:
            yield from self._wait(direction, message, message.packet_id)
        elif message.kind in _ENDS or message.kind in _GOES_ON:
            yield self._answer(direction, message)
        else:
            made = self._single(direction, message)
            if message.kind is Kind.UNASSIGNED:
                made.event(direction, "mqtt.unassigned_msg_type")
            elif message.kind in _ASKS and message.qos == 3:
                made.event(direction, "mqtt.invalid_qos_level")
            yield made

    def _begin(self, direction: int, message: Message) -> MqttTransaction:
        made = MqttTransaction(direction, self._version, message)
        if message.kind is Kind.CONNECT and self._connected:
            made.event(direction, "mqtt.double_connect")
        if not (self._connected or message.skipped or message.kind in _NEEDS_NO_CONNECTION):
            made.event(direction, "mqtt.unintroduced_message")
        return made

    def _single(self, direction: int, message: Message) -> MqttTransaction:
        made = self._begin(direction, message)
        made.complete()
        return made

    def _wait(self, direction: int, message: Message, packet_id: int) -> Iterator[MqttTransaction]:
        while self._waiting > MOST_OPEN or (self._waiting and self._kept > KEPT_LIMIT):
            oldest = self._close(next(iter(self._open)))
            oldest.event(oldest.direction, "mqtt.too_many_transactions")
            yield oldest
        made = self._begin(direction, message)
        made.stage[direction] = Stage.HEAD
        self._open.setdefault(packet_id, []).append(made)
        self._waiting += 1
        self._kept += message.size
        yield made

    def _answer(self, direction: int, message: Message) -> MqttTransaction:
        packet_id = _THE_CONNECT if message.kind is Kind.CONNACK else message.packet_id
        if packet_id is None or packet_id not in self._open:
            made = self._single(direction, message)
            made.event(direction, _ENDS.get(message.kind) or _GOES_ON[message.kind])
            return made
        found = self._close(packet_id) if message.kind in _ENDS else self._open[packet_id][0]
        if len(found.messages) < MOST_MESSAGES:
            found.messages.append(message)
            if message.kind in _GOES_ON:
                self._kept += message.size
        self._connected |= message.kind is Kind.CONNACK
        return found

    def _close(self, packet_id: int) -> MqttTransaction:
        """The oldest request of this identifier no longer waits."""
        waiting = self._open[packet_id]
        found = waiting.pop(0)
        if not waiting:
            del self._open[packet_id]
        self._waiting -= 1
        self._kept -= found.size()
        found.complete()
        return found

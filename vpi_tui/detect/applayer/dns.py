"""dns: queries and answers over UDP and TCP (RFC 1035). Each message is a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.base import (
    BOTH,
    TO_CLIENT,
    TO_SERVER,
    Application,
    Buffer,
    Limits,
    Parser,
    Stage,
    Transaction,
    application,
)
from vpi_tui.model.batch import Direction

HEADER: Final = 12
NAME_LIMIT: Final = 1_025
"""Bytes of a name; Suricata cuts longer ones there."""
MOST_LABELS: Final = 255
"""Labels of a name and jumps in it; as Suricata's."""
MOST_RECORDS: Final = 256
"""Records of one section that are looked at."""
_NAMES_AT: Final = {2: 0, 5: 0, 12: 0, 15: 2, 33: 6, 39: 0}
"""Types whose data ends in a name -> bytes before it: NS, CNAME, PTR, MX, SRV, DNAME."""
_SOA: Final = 6


class Question(NamedTuple):
    name: bytes
    kind: int


class Record(NamedTuple):
    name: bytes
    kind: int
    names: tuple[bytes, ...]
    """Names in its data."""
    ttl: int = 0
    data: bytes = b""
    """As sent, so a compressed name in it says nothing by itself."""


@dataclass(slots=True)
class Message:
    """One DNS message, as far as it can be read."""

    id: int = 0
    flags: int = 0
    questions: list[Question] = field(default_factory=list)
    sections: tuple[list[Record], list[Record], list[Record]] = field(default_factory=lambda: ([], [], []))
    """Answers, authorities, additionals."""
    events: list[str] = field(default_factory=list)

    @property
    def is_response(self) -> bool:
        return bool(self.flags & 0x8000)

    @property
    def opcode(self) -> int:
        return self.flags >> 11 & 15

    @property
    def rcode(self) -> int:
        return self.flags & 15


class _CutError(Exception):
    """The message ends before what it announces."""


def read_name(data: bytes, at: int, odd: list[str]) -> tuple[bytes, int]:
    """(name with dots, where what follows it begins). What is odd about it is added. Raises _CutError."""
    labels: list[bytes] = []
    size = 0
    end = -1
    for _ in range(MOST_LABELS):
        if at >= len(data):
            raise _CutError
        length = data[at]
        if length == 0:
            return b".".join(labels), at + 1 if end < 0 else end
        if length & 0xC0 == 0xC0:
            if at + 1 >= len(data):
                raise _CutError
            end = at + 2 if end < 0 else end
            target = (length & 0x3F) << 8 | data[at + 1]
            if target == at:
                odd.append("dns.infinite_loop")
                return b".".join(labels), end
            at = target
            continue
        label = data[at + 1 : at + 1 + length]
        if length & 0xC0 or len(label) < length:
            raise _CutError
        at += 1 + length
        if size < NAME_LIMIT:
            labels.append(label[: NAME_LIMIT - size])
            size += length + 1
            if size > NAME_LIMIT + 1:
                odd.append("dns.name_too_long")
    odd.append("dns.too_many_labels")
    if end < 0:
        raise _CutError
    return b".".join(labels), end


def parse_message(data: bytes) -> Message:
    """What of the message can be read; what cannot is an event."""
    message = Message()
    try:
        _fill(message, data)
    except _CutError:
        message.events.append("dns.malformed_data")
    return message


def _fill(message: Message, data: bytes) -> None:
    message.id = _u16(data, 0)
    message.flags = _u16(data, 2)
    if message.flags & 0x40:
        message.events.append("dns.z_flag_set")
    if message.opcode >= 7:
        message.events.append("dns.invalid_opcode")
    at = HEADER
    if len(data) < at:
        raise _CutError
    for _ in range(min(_u16(data, 4), MOST_RECORDS)):
        name, at = read_name(data, at, message.events)
        message.questions.append(Question(name, _u16(data, at)))
        at += 4
    at = _fill_section(message, 0, data, at)
    for number, event in _LAST_SECTIONS:
        try:
            at = _fill_section(message, number, data, at)
        except _CutError:
            message.events.append(event)
            return


_LAST_SECTIONS: Final = ((1, "dns.invalid_authorities"), (2, "dns.invalid_additionals"))
"""What cannot be read there leaves the rest as it is."""


def _fill_section(message: Message, number: int, data: bytes, at: int) -> int:
    section = message.sections[number]
    for _ in range(min(_u16(data, 6 + 2 * number), MOST_RECORDS)):
        record, at = _record(data, at, message.events)
        section.append(record)
    return at


def _record(data: bytes, at: int, odd: list[str]) -> tuple[Record, int]:
    name, at = read_name(data, at, odd)
    kind, size = _u16(data, at), _u16(data, at + 8)
    begin, end = at + 10, at + 10 + size
    if end > len(data):
        raise _CutError
    names: tuple[bytes, ...] = ()
    if kind in _NAMES_AT and size > _NAMES_AT[kind]:
        names = (read_name(data, begin + _NAMES_AT[kind], odd)[0],)
    elif kind == _SOA and size:
        first, behind = read_name(data, begin, odd)
        names = (first, read_name(data, behind, odd)[0])
    ttl = int.from_bytes(data[at + 4 : at + 8])
    return Record(name, kind, names, ttl, data[begin:end]), end


def _u16(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise _CutError
    return data[at] << 8 | data[at + 1]


class DnsTransaction(Transaction):
    __slots__ = ("message",)

    def __init__(self, message: Message, direction: int) -> None:
        super().__init__()
        self.message = message
        self.stage[direction] = Stage.DONE
        for name in message.events:
            self.event(direction, name)


_WRONG_WAY: Final = {
    Direction.TO_SERVER: "dns.not_request",
    Direction.TO_CLIENT: "dns.not_response",
}


class DnsUdpOrTcp(Parser):
    """Datagrams, or a stream of messages with their length before them."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending: list[bytearray | None] = [None, bytearray(), bytearray()]
        self._asks = 0
        """The Direction of queries, as the first message tells; 0 = there was none yet."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        self.frames.add(direction, "pdu", data)
        return [self._made(direction, data)]

    def _made(self, direction: int, data: bytes) -> DnsTransaction:
        message = parse_message(data)
        made = DnsTransaction(message, direction)
        if not self._asks:  # a flow that begins with an answer was seen from its middle on
            self._asks = direction if not message.is_response else 3 - direction
        elif message.is_response is (direction == self._asks):
            made.event(direction, _WRONG_WAY[Direction(direction)])
        return made

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        pending = self._pending[direction]
        if pending is None:
            return []
        if gap:
            self._pending[direction] = None  # where the next message begins is not known
            return []
        pending += data
        found: list[Transaction] = []
        at = 0
        while at + 2 <= len(pending):
            size = pending[at] << 8 | pending[at + 1]
            if at + 2 + size > len(pending):
                break
            if size >= HEADER:
                message = bytes(pending[at + 2 : at + 2 + size])
                self.frames.add(direction, "pdu", message)
                found.append(self._made(direction, message))
            at += 2 + size
        del pending[:at]
        return found

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return sum(len(pending or b"") for pending in self._pending)


Get = Callable[[Message], Iterator[bytes]]


def _buffer(name: str, get: Get, directions: int = BOTH) -> Buffer:
    def instances(transaction: DnsTransaction, direction: int) -> Sequence[bytes]:
        return list(get(transaction.message)) if transaction.stage[direction] else ()

    return Buffer(name, directions, Stage.DONE, instances)


def _queries(message: Message) -> Iterator[bytes]:
    return (question.name for question in message.questions)


def _section(number: int) -> Get:
    return lambda message: (record.name for record in message.sections[number])


def _all_names(message: Message) -> Iterator[bytes]:
    yield from _queries(message)
    for section in message.sections:
        for record in section:
            yield record.name
            yield from record.names


def _number(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _types(message: Message) -> Iterator[bytes]:
    yield from (_number(question.kind) for question in message.questions)
    yield from (_number(record.kind) for record in message.sections[0])


def _rcode(message: Message) -> Iterator[bytes]:
    if message.is_response:
        yield _number(message.rcode)


DNS: Final[Application] = application(
    "dns",
    DnsUdpOrTcp,
    (
        _buffer("dns.query", _queries, TO_SERVER),
        _buffer("dns.queries.rrname", _queries),
        _buffer("dns.answers.rrname", _section(0)),
        _buffer("dns.authorities.rrname", _section(1)),
        _buffer("dns.additionals.rrname", _section(2)),
        _buffer("dns.response.rrname", _all_names, TO_CLIENT),
        _buffer("dns.opcode", lambda m: iter((_number(m.opcode),))),
        _buffer("dns.rcode", _rcode),
        _buffer("dns.rrtype", _types),
    ),
    transports=("tcp", "udp"),
)

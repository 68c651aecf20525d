"""dns: queries and answers over UDP and TCP (RFC 1035). Each message is a transaction of its own."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.transaction import DONE, Stage, Transaction
from vpi_tui.model.batch import Direction

HEADER: Final = 12
NAME_LIMIT: Final = 1_025
"""Bytes of a name; Suricata cuts longer ones there."""
MOST_LABELS: Final = 255
"""Labels of a name and jumps in it; as Suricata's."""
MOST_RECORDS: Final = 256
"""Records of one section that are looked at."""
_NAMES_AT: Final = {2: 0, 5: 0, 12: 0, 15: 2, 33: 6}
"""Types whose data ends in a name -> bytes before it: NS, CNAME, PTR, MX, SRV."""
_SOA, _SRV = 6, 33
_LEAST_OF_RECORD: Final = 2
"""Bytes by which it is told that a message cannot have so many records."""
_HEAD: Final = struct.Struct(">6H")
_RECORD: Final = struct.Struct(">H2xIH")
"""Type, time to live and bytes of data, with the class between them."""
_POINTER: Final = 0xC0
_LONGEST_LABEL: Final = 63
_USUAL_STEPS: Final = 64
_USUAL_SIZE: Final = 255
"""Labels and jumps, and bytes, of a name that is far from any limit (RFC 1035, 2.3.4)."""


class Question(NamedTuple):
    name: bytes
    kind: int


class Record(NamedTuple):
    name: bytes
    kind: int
    names: tuple[bytes, ...]
    """Names in its data that rules look at: not the target of an SRV, nor the mailbox of an SOA."""
    ttl: int = 0
    data: bytes = b""
    """As sent, so a compressed name in it says nothing by itself."""
    others: tuple[bytes, ...] = ()
    """The other names in its data."""


class Message:
    """One DNS message, as far as it can be read."""

    __slots__ = ("events", "flags", "id", "questions", "readable", "sections")

    def __init__(self) -> None:
        self.id = 0
        self.flags = 0
        self.questions: list[Question] = []
        self.sections: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
        """Answers, authorities, additionals."""
        self.events: list[str] = []
        self.readable = True
        """Rules see what it says; as in Suricata, they see no part of one that cannot be read to its end."""

    def give_up(self, event: str) -> None:
        """It is nothing but an event."""
        self.readable, self.events = False, [event]
        self.questions, self.sections = [], ([], [], [])

    @property
    def is_response(self) -> bool:
        return bool(self.flags & 0x8000)

    @property
    def opcode(self) -> int:
        return self.flags >> 11 & 15

    @property
    def rcode(self) -> int:
        return self.flags & 15


class CutError(Exception):
    """The message ends before what it announces."""


Names = dict[int, tuple[bytes, int]]
"""Where a name of a message begins -> the name, and in how many steps it was read: what is compressed points
to one that was read before."""


def read_name(data: bytes, at: int, odd: list[str], known: Names) -> tuple[bytes, int]:
    """(name with dots, where what follows it begins). What is odd about it is added. Raises CutError.

    A usual name is read here: some labels, and the end or a pointer to a name that is known, or is nothing
    but labels. All others are followed step by step.
    """
    labels: list[bytes] = []
    place, steps = at, 0
    try:
        while 0 < (length := data[place]) <= _LONGEST_LABEL and steps < _USUAL_STEPS:
            place += 1
            labels.append(data[place : place + length])
            place += length
            steps += 1
        if length >= _POINTER:
            target = (length & 0x3F) << 8 | data[place + 1]
            found = known.get(target)
            if found is None:
                found = known[target] = _labels(data, target)
            name, more = found
            if name:
                labels.append(name)
            place, steps = place + 1, steps + 1 + more
        elif length:
            return follow_name(data, at, odd)
    except (IndexError, KeyError):
        return follow_name(data, at, odd)
    name = b".".join(labels)
    if steps >= _USUAL_STEPS or len(name) > _USUAL_SIZE:
        return follow_name(data, at, odd)
    known[at] = name, steps
    return name, place + 1


def _labels(data: bytes, at: int) -> tuple[bytes, int]:
    """A name that is nothing but labels, as the end of a longer one is, and how many they are.

    Raises KeyError and IndexError of any other.
    """
    labels: list[bytes] = []
    while 0 < (length := data[at]) <= _LONGEST_LABEL and len(labels) < _USUAL_STEPS:
        labels.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    if length:
        raise KeyError(at)
    return b".".join(labels), len(labels)


def follow_name(data: bytes, at: int, odd: list[str]) -> tuple[bytes, int]:
    """The same for any name."""
    labels: list[bytes] = []
    size = 0
    end = -1
    for _ in range(MOST_LABELS):
        if at >= len(data):
            raise CutError
        length = data[at]
        if length == 0:
            return b".".join(labels), at + 1 if end < 0 else end
        if length & 0xC0 == 0xC0:
            if at + 1 >= len(data):
                raise CutError
            end = at + 2 if end < 0 else end
            target = (length & 0x3F) << 8 | data[at + 1]
            if target == at:
                odd.append("dns.infinite_loop")
                return b".".join(labels), end
            at = target
            continue
        label = data[at + 1 : at + 1 + length]
        if length & 0xC0 or len(label) < length:
            raise CutError
        at += 1 + length
        if size < NAME_LIMIT:
            labels.append(label[: NAME_LIMIT - size])
            size += length + 1
            if size > NAME_LIMIT + 1:
                odd.append("dns.name_too_long")
    odd.append("dns.too_many_labels")
    if end < 0:
        raise CutError
    return b".".join(labels), end


def parse_message(data: bytes, *, head_only: bool = False) -> Message:
    """What of the message can be read; what cannot is an event. head_only: nobody asks for its records."""
    message = Message()
    try:
        counts = _fill_head(message, data)
        if not head_only:
            _fill(message, data, counts)
    except CutError:
        message.give_up("dns.malformed_data")
    return message


def is_plausible(data: bytes, size: int) -> bool:
    """Can a message of so many bytes have the head that `data` begins with? What has another is none."""
    if len(data) < HEADER:
        return False
    _, flags, questions, *others = _HEAD.unpack_from(data)
    records = questions + sum(others)
    if _LEAST_OF_RECORD * records > size or (not records and size > HEADER):
        return False
    return bool(questions or flags & 0x8000)


def _fill_head(message: Message, data: bytes) -> list[int]:
    """How many questions, answers, authorities and additionals it announces. Raises CutError."""
    counts: list[int] = []
    if len(data) >= HEADER:
        message.id, message.flags, *counts = _HEAD.unpack_from(data)
    else:
        message.id = _u16(data, 0)
        message.flags = _u16(data, 2)
    if message.flags & 0x40:
        message.events.append("dns.z_flag_set")
    if (message.flags & 0x7800) >= 0x3800:  # the operations up to 6 are known
        message.events.append("dns.invalid_opcode")
    if not counts:
        raise CutError
    return counts


def _fill(message: Message, data: bytes, counts: Sequence[int]) -> None:
    at, known = HEADER, Names()
    for _ in range(min(counts[0], MOST_RECORDS)):
        name, at = read_name(data, at, message.events, known)
        if at + 2 > len(data):
            raise CutError
        message.questions.append(Question(name, data[at] << 8 | data[at + 1]))
        at += 4
    if counts[1]:
        at = _fill_section(message, 0, counts[1], data, at, known)
    for number, event in _LAST_SECTIONS:
        if not counts[1 + number]:
            continue
        try:
            at = _fill_section(message, number, counts[1 + number], data, at, known)
        except CutError:
            message.events.append(event)
            return


_LAST_SECTIONS: Final = ((1, "dns.invalid_authorities"), (2, "dns.invalid_additionals"))
"""What cannot be read there leaves the rest as it is."""


def _fill_section(message: Message, number: int, count: int, data: bytes, at: int, known: Names) -> int:
    section = message.sections[number]
    for _ in range(min(count, MOST_RECORDS)):
        record, at = _record(data, at, message.events, known)
        section.append(record)
    return at


def _record(data: bytes, at: int, odd: list[str], known: Names) -> tuple[Record, int]:
    name, at = read_name(data, at, odd, known)
    begin = at + _RECORD.size
    if begin > len(data):
        raise CutError
    kind, ttl, size = _RECORD.unpack_from(data, at)
    end = begin + size
    if end > len(data):
        raise CutError
    names: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()
    if kind in _NAMES_AT and size > _NAMES_AT[kind]:
        name_in_data = (read_name(data, begin + _NAMES_AT[kind], odd, known)[0],)
        names, others = (name_in_data, ()) if kind != _SRV else ((), name_in_data)
    elif kind == _SOA and size:
        first, behind = read_name(data, begin, odd, known)
        names, others = (first,), (read_name(data, behind, odd, known)[0],)
    return Record(name, kind, names, ttl, data[begin:end], others), end


def _u16(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise CutError
    return data[at] << 8 | data[at + 1]


class DnsTransaction(Transaction):
    __slots__ = ("message",)

    def __init__(self, message: Message, direction: int) -> None:
        super().__init__()
        self.message = message
        self.stage[direction] = DONE
        for name in message.events:
            self.event(direction, name)


_OF_CLIENTS: Final = frozenset({"dns.query"})
"""Buffers that only messages to a server have."""


class DnsUdpOrTcp(Parser):
    """Datagrams, or a stream of messages with their length before them."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._pending: list[bytearray | None] = [None, bytearray(), bytearray()]
        self._lost = [False, False, False]
        """By Direction: bytes were lost, and behind them no message has begun."""
        limits = limits or Limits()
        self._heads_only = not limits.logged and limits.buffers is not None and limits.buffers <= _OF_CLIENTS
        """What servers say is asked for by nobody: only which way a message goes is of interest."""
        self._asks = 0
        """The Direction of queries, as the first message tells; 0 = there was none yet."""

    def sifted(self) -> None:
        self._asks = Direction.TO_SERVER

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        if self.frames.wanted:
            self.frames.add(direction, "pdu", data)
        return [self._made(direction, data)] if is_plausible(data, len(data)) else []

    def _made(self, direction: int, data: bytes) -> DnsTransaction:
        message = parse_message(data, head_only=self._heads_only and direction == Direction.TO_CLIENT)
        is_response = message.flags & 0x8000 != 0
        if not self._asks:  # a flow that begins with an answer was seen from its middle on
            self._asks = direction if not is_response else 3 - direction
        elif is_response is (direction == self._asks) and message.readable:
            if direction == Direction.TO_SERVER:
                message.give_up("dns.not_request")
            else:
                message.events.append("dns.not_response")
        return DnsTransaction(message, direction)

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        pending = self._pending[direction]
        if pending is None:
            return []
        if gap:
            pending.clear()
            self._lost[direction] = True
        if self._lost[direction]:
            if len(data) > 1 and not is_plausible(data[2:], data[0] << 8 | data[1]):
                return []  # where the next message begins is not known
            self._lost[direction] = not data
        pending += data
        found: list[Transaction] = []
        at = 0
        while at + 2 <= len(pending):
            size = pending[at] << 8 | pending[at + 1]
            if at + 2 + size > len(pending):
                break
            if size and not self._message(direction, bytes(pending[at + 2 : at + 2 + size]), found):
                self._pending = [None, None, None]
                return found
            at += 2 + size
        del pending[:at]
        return found

    def _message(self, direction: int, data: bytes, found: list[Transaction]) -> bool:
        """One message of a stream. False = it is none, or cannot be read: nothing behind it is looked at."""
        self.frames.add(direction, "pdu", data)
        if not is_plausible(data, len(data)):
            return False
        made = self._made(direction, data)
        found.append(made)
        return made.message.readable

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return len(self._pending[1] or b"") + len(self._pending[2] or b"")


Get = Callable[[Message], Iterator[bytes]]


def _buffer(name: str, get: Get, directions: int = BOTH) -> Buffer:
    """get: what rules may see; the root, whose name is empty, they do not."""

    def instances(transaction: DnsTransaction, direction: int) -> Sequence[bytes]:
        message = transaction.message
        seen = transaction.stage[direction] and message.readable
        return [value for value in get(message) if value] if seen else ()

    return Buffer(name, directions, Stage.DONE, instances)


def _of_answers(name: str, get: Get) -> Buffer:
    """The same, and in what clients send it is absent."""
    whole = _buffer(name, get)

    def instances(transaction: DnsTransaction, direction: int) -> Sequence[bytes]:
        return whole.get(transaction, direction) if direction == Direction.TO_CLIENT else ()

    return Buffer(name, BOTH, Stage.DONE, instances)


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


def _types(transaction: DnsTransaction, direction: int) -> Sequence[bytes]:
    """As in Suricata: those of questions in what clients send, those of answers in what servers send."""
    if not transaction.stage[direction]:
        return ()
    message = transaction.message
    asked = direction == Direction.TO_SERVER
    return [_number(one.kind) for one in (message.questions if asked else message.sections[0])]


DNS: Final[Application] = application(
    "dns",
    DnsUdpOrTcp,
    (
        _buffer("dns.query", _queries, TO_SERVER),
        _buffer("dns.queries.rrname", _queries),
        _buffer("dns.answers.rrname", _section(0)),
        _of_answers("dns.authorities.rrname", _section(1)),
        _of_answers("dns.additionals.rrname", _section(2)),
        _buffer("dns.response.rrname", _all_names, TO_CLIENT),
        _buffer("dns.opcode", lambda m: iter((_number(m.opcode),))),
        _buffer("dns.rcode", lambda m: iter((_number(m.rcode),))),
        Buffer("dns.rrtype", BOTH, Stage.DONE, _types),
    ),
    transports=("tcp", "udp"),
)

"""One MQTT message. Source: MQTT Version 5.0 (OASIS), chapters 2 and 3; 3.1.1 where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from vpi_tui.detect.applayer.cursor import Cursor, TooShortError

MOST_TOPICS: Final = 100
"""Topics of one message that are kept, as Suricata's subscribe-topic-match-limit."""
MOST_PROPERTIES: Final = 64
MOST_CODES: Final = 1_024
"""Reason codes of one message that are kept."""


class Kind(IntEnum):
    """Control packet types; UNASSIGNED stands for the reserved 0."""

    UNASSIGNED = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Connect(IntEnum):
    """Bits of the flags of a CONNECT."""

    CLEAN_SESSION = 0x02
    WILL = 0x04
    WILL_RETAIN = 0x20
    PASSWORD = 0x40
    USERNAME = 0x80


Property = int | bytes | tuple[bytes, bytes]
Properties = list[tuple[int, Property]]
"""(identifier, value) in order."""


@dataclass(slots=True)
class Message:
    """What a message says; what its type does not have keeps its default."""

    kind: Kind
    flags: int
    """The low four bits of the first byte: DUP, QoS, RETAIN."""
    packet_id: int | None = None
    codes: bytes = b""
    """Reason codes (return code, QoS granted), a byte each."""
    properties: Properties = field(default_factory=list)
    topics: list[bytes] = field(default_factory=list)
    topic_qos: list[int] = field(default_factory=list)
    """Of a SUBSCRIBE: what is asked for each topic."""
    payload: bytes = b""
    session_present: bool | None = None
    """None = it is no CONNACK."""
    protocol: bytes = b""
    version: int = 0
    connect_flags: int | None = None
    """None = it is no CONNECT."""
    client_id: bytes = b""
    will_properties: Properties = field(default_factory=list)
    will_topic: bytes = b""
    will_message: bytes = b""
    username: bytes = b""
    password: bytes = b""
    size: int = 0
    """Bytes behind its head."""
    skipped: int = 0
    """Bytes of a message that was too long to be read; 0 = it was read."""

    @property
    def qos(self) -> int:
        return self.flags >> 1 & 3


class MalformedError(ValueError):
    """The bytes are no message of this type."""


def variable_number(cursor: Cursor) -> int:
    """A number of up to four bytes, seven bits each. Raises TooShortError, MalformedError."""
    value = 0
    for shift in (0, 7, 14, 21):
        byte = cursor.number(1)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise MalformedError


def _string(cursor: Cursor) -> bytes:
    return cursor.field(2)


def _pair(cursor: Cursor) -> tuple[bytes, bytes]:
    return _string(cursor), _string(cursor)


def _sized(size: int) -> Callable[[Cursor], int]:
    return lambda cursor: cursor.number(size)


_READERS: Final[dict[int, Callable[[Cursor], Property]]] = {
    **dict.fromkeys((1, 23, 25, 36, 37, 40, 41, 42), _sized(1)),
    **dict.fromkeys((19, 33, 34, 35), _sized(2)),
    **dict.fromkeys((2, 17, 24, 39), _sized(4)),
    **dict.fromkeys((3, 8, 9, 18, 21, 22, 26, 28, 31), _string),
    11: variable_number,
    38: _pair,
}
"""Identifier of a property -> how its value is read (2.2.2.2)."""


def _properties(cursor: Cursor) -> Properties:
    inner = Cursor(cursor.take(variable_number(cursor)))
    found: Properties = []
    while inner:
        identifier = variable_number(inner)
        reader = _READERS.get(identifier)
        if reader is None:
            continue
        value = reader(inner)
        if len(found) < MOST_PROPERTIES:
            found.append((identifier, value))
    return found


def _connect(message: Message, cursor: Cursor, _version: int) -> None:
    message.protocol = _string(cursor)
    message.version = cursor.number(1)
    flags = message.connect_flags = cursor.number(1)
    cursor.take(2)  # keep alive
    if message.version == 5:
        message.properties = _properties(cursor)
    message.client_id = _string(cursor)
    if flags & Connect.WILL:
        if message.version == 5:
            message.will_properties = _properties(cursor)
        message.will_topic, message.will_message = _pair(cursor)
    if flags & Connect.USERNAME:
        message.username = _string(cursor)
    if flags & Connect.PASSWORD:
        message.password = _string(cursor)


def _connack(message: Message, cursor: Cursor, version: int) -> None:
    message.session_present = bool(cursor.number(1) & 1)
    message.codes = cursor.take(1)
    if version == 5:
        message.properties = _properties(cursor)


def _publish(message: Message, cursor: Cursor, version: int) -> None:
    message.topics.append(_string(cursor))
    if message.qos:
        message.packet_id = cursor.number(2)
    if version == 5:
        message.properties = _properties(cursor)
    message.payload = cursor.rest()


def _acknowledgement(message: Message, cursor: Cursor, version: int) -> None:
    """PUBACK and its kin: success unless they say otherwise (3.4.2.1)."""
    message.packet_id = cursor.number(2)
    if version < 5:
        return
    message.codes = cursor.take(1) if cursor else b"\0"
    if cursor:
        message.properties = _properties(cursor)


def _subscribe(message: Message, cursor: Cursor, version: int) -> None:
    message.packet_id = cursor.number(2)
    if version == 5:
        message.properties = _properties(cursor)
    _topics(message, cursor, with_qos=True)
    if not message.topics:
        raise MalformedError  # it has to name one (3.8.3)


def _unsubscribe(message: Message, cursor: Cursor, version: int) -> None:
    message.packet_id = cursor.number(2)
    if version == 5:
        message.properties = _properties(cursor)
    _topics(message, cursor, with_qos=False)


def _topics(message: Message, cursor: Cursor, *, with_qos: bool) -> None:
    """The topics that are whole; what follows them does not count."""
    while cursor and len(message.topics) < MOST_TOPICS:
        try:
            topic = _string(cursor)
            if with_qos:
                message.topic_qos.append(cursor.number(1))
        except TooShortError:
            return
        message.topics.append(topic)


def _granted(message: Message, cursor: Cursor, version: int) -> None:
    message.packet_id = cursor.number(2)
    if version == 5:
        message.properties = _properties(cursor)
    message.codes = cursor.rest()[:MOST_CODES]


def _disconnect(message: Message, cursor: Cursor, version: int) -> None:
    if version < 5:
        return
    message.codes = cursor.take(1) if cursor else b"\0"
    if cursor:
        message.properties = _properties(cursor)
    else:
        message.codes = b"\0"  # without properties Suricata takes it for a usual end, whatever it says


def _auth(message: Message, cursor: Cursor, _version: int) -> None:
    message.codes = cursor.take(1)
    message.properties = _properties(cursor)


def _nothing(_message: Message, _cursor: Cursor, _version: int) -> None:
    return


_BODIES: Final[dict[Kind, Callable[[Message, Cursor, int], None]]] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBLISH: _publish,
    Kind.PUBACK: _acknowledgement,
    Kind.PUBREC: _acknowledgement,
    Kind.PUBREL: _acknowledgement,
    Kind.PUBCOMP: _acknowledgement,
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _granted,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: _granted,
    Kind.DISCONNECT: _disconnect,
    Kind.AUTH: _auth,
}


def parse_message(first: int, body: bytes, version: int) -> Message:
    """first: the first byte; body: what the remaining length counts; version: of the connection.

    Raises MalformedError.
    """
    message = Message(Kind(first >> 4), first & 15, size=len(body))
    try:
        _BODIES.get(message.kind, _nothing)(message, Cursor(body), version)
    except TooShortError as error:
        raise MalformedError from error
    return message

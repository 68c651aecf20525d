"""snmp: versions 1, 2c and 3 (RFC 1157, 3416, 3412, 3414). Each message is a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer import ber
from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.messages import (
    DatagramParser,
    MessageTransaction,
    message_buffer,
    number_buffer,
)
from vpi_tui.detect.applayer.transaction import Transaction

MOST_VARIABLES: Final = 256
_PDU: Final = 0xA0
_CLASS: Final = 0xE0
TRAP_V1 = 4
_KINDS1: Final = frozenset(range(5))
_KINDS2: Final = frozenset((0, 1, 2, 3, 5, 6, 7, 8))
"""PDUs of version 1 and of those after it."""
_IP_ADDRESS: Final = 0x40
_VERSIONS: Final = {0: 1, 1: 2, 3: 3}
"""As sent -> as written in rules."""
_USER_BASED: Final = 3


@dataclass(slots=True)
class Message:
    """What is encrypted or absent is None or empty; object identifiers are as sent."""

    version: int
    """Of the flow's first message, which rules look at in all of them."""
    community: bytes | None = None
    user: bytes | None = None
    pdu_type: int | None = None
    error: int | None = None
    trap_type: int | None = None
    trap_oid: bytes = b""
    trap_address: bytes = b""
    variables: list[bytes] = field(default_factory=list)
    encrypted: bool = False
    unknown_model: bool = False
    """Its security model is not the user-based one."""


class _MalformedError(Exception):
    """The message is not what it says."""


def parse_message(data: bytes) -> Message | None:
    """None = it is none, or not to its end."""
    try:
        return _message(data)
    except _MalformedError:
        return None


def _message(data: bytes) -> Message:
    parts = _expect(ber.inner(data, ber.SEQUENCE))
    version, *rest = parts
    number = _VERSIONS.get(_integer(version))
    if number is None:
        raise _MalformedError
    made = Message(number)
    if number == 3:
        _version3(made, rest)
    else:
        community, pdu = _first(rest, 2)
        made.community = _text(community)
        _pdu(made, pdu, _KINDS1 if number == 1 else _KINDS2)
    return made


def _expect(sequence: bytes | None) -> list[ber.Element]:
    found = list(ber.elements(sequence or b""))
    if not found:
        raise _MalformedError
    return found


def _first(parts: list[ber.Element], count: int) -> list[ber.Element]:
    if len(parts) < count:
        raise _MalformedError
    return parts[:count]


def _value(element: ber.Element, tag: int) -> bytes:
    if element.tag != tag:
        raise _MalformedError
    return element.value


def _text(element: ber.Element) -> bytes:
    value = _value(element, ber.OCTETS)
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        raise _MalformedError from None
    return value


def _integer(element: ber.Element) -> int:
    number = ber.integer(_value(element, ber.INTEGER))
    if number is None:
        raise _MalformedError
    return number


def _version3(made: Message, parts: list[ber.Element]) -> None:
    header, security, data = _first(parts, 3)
    about = _first(list(ber.elements(_value(header, ber.SEQUENCE))), 4)
    if _integer(about[3]) == _USER_BASED:
        fields = _first(_expect(ber.inner(_value(security, ber.OCTETS), ber.SEQUENCE)), 4)
        made.user = _text(fields[3])
    else:
        made.unknown_model = True
    if data.tag == ber.OCTETS:
        made.encrypted = True
    else:
        _, _, pdu = _first(list(ber.elements(_value(data, ber.SEQUENCE))), 3)
        _pdu(made, pdu, _KINDS2)


def _pdu(made: Message, pdu: ber.Element, kinds: frozenset[int]) -> None:
    kind = pdu.tag & 0x1F
    if pdu.tag & _CLASS != _PDU or kind not in kinds:
        raise _MalformedError
    made.pdu_type = kind
    parts = list(ber.elements(pdu.value))
    if kind == TRAP_V1:
        enterprise, address, generic, _, _, listed = _first(parts, 6)
        made.trap_type = _integer(generic)
        made.trap_oid = _value(enterprise, ber.OID)
        made.trap_address = _value(address, _IP_ADDRESS)
    else:
        _, status, _, listed = _first(parts, 4)
        made.error = _integer(status)
    made.variables = list(_variables(_value(listed, ber.SEQUENCE)))


def _variables(data: bytes) -> Iterator[bytes]:
    for number, pair in enumerate(ber.elements(data)):
        name = ber.inner(pair.value, ber.OID)
        if number >= MOST_VARIABLES:
            return
        if name is not None:
            yield name


class SnmpParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._version = 0
        """Of the flow's first message."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        message = parse_message(data)
        if message is None:
            return []
        self._version = self._version or message.version
        events = []
        if message.version != self._version:
            events.append("snmp.version_mismatch")
            message.version = self._version
        if message.unknown_model:
            events.append("snmp.unknown_security_model")
        return [MessageTransaction(direction, message, events)]


def _known(text: bytes | None) -> tuple[bytes, ...]:
    """One that is empty is one all the same."""
    return () if text is None else (text,)


SNMP: Final[Application] = application(
    "snmp",
    SnmpParser,
    (
        message_buffer("snmp.community", lambda m: _known(m.community), empty=True),
        message_buffer("snmp.usm", lambda m: _known(m.user), empty=True),
        message_buffer("snmp.trap_oid", lambda m: (ber.object_identifier(m.trap_oid).encode("ascii"),)),
        message_buffer("snmp.trap_address", lambda m: (".".join(map(str, m.trap_address)).encode("ascii"),)),
        number_buffer("snmp.version", lambda m: m.version),
        number_buffer("snmp.pdu_type", lambda m: m.pdu_type),
        number_buffer("snmp.trap_type", lambda m: m.trap_type),
    ),
    transports=("udp",),
)

"""One LDAP message, each field as far as it can be read. Source: RFC 4511, chapter 4."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from vpi_tui.detect.applayer import ber

MOST_ATTRIBUTES: Final = 1_024
"""Attributes of one message that are kept."""
MOST_VALUES: Final = 64
"""Values of one attribute that are kept."""
_APPLICATION: Final = 0x40
_CLASS: Final = 0xC0
_NUMBER: Final = 0x1F
_NAME, _VALUE = 0x80, 0x81
_SASL_CREDENTIALS, _RESPONSE_NAME, _RESPONSE_VALUE = 0x87, 0x8A, 0x8B


class Operation(IntEnum):
    """Numbers of the application tags."""

    BIND_REQUEST = 0
    BIND_RESPONSE = 1
    UNBIND_REQUEST = 2
    SEARCH_REQUEST = 3
    SEARCH_RESULT_ENTRY = 4
    SEARCH_RESULT_DONE = 5
    MODIFY_REQUEST = 6
    MODIFY_RESPONSE = 7
    ADD_REQUEST = 8
    ADD_RESPONSE = 9
    DEL_REQUEST = 10
    DEL_RESPONSE = 11
    MOD_DN_REQUEST = 12
    MOD_DN_RESPONSE = 13
    COMPARE_REQUEST = 14
    COMPARE_RESPONSE = 15
    ABANDON_REQUEST = 16
    SEARCH_RESULT_REFERENCE = 19
    EXTENDED_REQUEST = 23
    EXTENDED_RESPONSE = 24
    INTERMEDIATE_RESPONSE = 25


Attribute = tuple[bytes, tuple[bytes, ...]]
"""(type, values)."""


@dataclass(slots=True)
class Message:
    """dn: whom it is about (a request) or what was matched; result, text: of responses that have them."""

    number: int
    operation: Operation
    dn: bytes = b""
    attributes: list[Attribute] = field(default_factory=list)
    result: int | None = None
    text: bytes = b""
    numbers: tuple[int, ...] = ()
    """Of a bind the version; of a search scope, dereferencing, size limit, time limit, types only; of a
    modification what each change does; of an abandon the message."""
    name: bytes = b""
    """The extended operation (its OID), the SASL mechanism, or the new relative name."""
    value: bytes = b""
    """Of the extended operation, or SASL credentials."""


def parse_message(data: bytes) -> Message | None:
    """data: the whole message. None = it is none."""
    outer = next(ber.elements(data), None)
    if outer is None or outer.tag != ber.SEQUENCE:
        return None
    parts = [*ber.elements(outer.value)][:2]
    if len(parts) < 2 or parts[0].tag != ber.INTEGER or parts[1].tag & _CLASS != _APPLICATION:
        return None
    number, kind = ber.integer(parts[0].value), parts[1].tag & _NUMBER
    if number is None or kind not in _READERS:
        return None
    message = Message(number, Operation(kind))
    _READERS[message.operation](message, parts[1].value)
    return message


def _octets(fields: Iterable[ber.Element]) -> list[bytes]:
    return [found.value for found in fields if found.tag == ber.OCTETS]


def _numbers(fields: Iterable[ber.Element]) -> tuple[int, ...]:
    kinds = {ber.INTEGER, ber.ENUMERATED, ber.BOOLEAN}
    return tuple(ber.integer(found.value) or 0 for found in fields if found.tag in kinds)


def _sequences(fields: Iterable[ber.Element]) -> list[bytes]:
    return [found.value for found in fields if found.tag == ber.SEQUENCE]


def _attribute(data: bytes) -> Attribute | None:
    """A type and the set of its values."""
    fields = [*ber.elements(data)][:2]
    if not fields or fields[0].tag != ber.OCTETS:
        return None
    values = _octets(ber.elements(fields[1].value)) if len(fields) > 1 else []
    return fields[0].value, tuple(values[:MOST_VALUES])


def _attributes(message: Message, data: bytes) -> None:
    for one in ber.elements(data):
        found = _attribute(one.value)
        if found is not None and len(message.attributes) < MOST_ATTRIBUTES:
            message.attributes.append(found)


def _named(message: Message, data: bytes) -> list[ber.Element]:
    """The fields; the first octets among them are the name of the entry."""
    fields = [*ber.elements(data)]
    message.dn = next(iter(_octets(fields)), b"")
    return fields


def _bind(message: Message, data: bytes) -> None:
    fields = _named(message, data)
    message.numbers = _numbers(fields)
    sasl = next((found.value for found in fields if found.tag == 0xA3), b"")
    message.name, message.value = [*_octets(ber.elements(sasl)), b"", b""][:2]


def _search(message: Message, data: bytes) -> None:
    fields = _named(message, data)
    message.numbers = _numbers(fields)
    for wanted in _sequences(fields[-1:]):
        names = _octets(ber.elements(wanted))
        message.attributes = [(name, ()) for name in names[:MOST_ATTRIBUTES]]


def _modify(message: Message, data: bytes) -> None:
    kinds = []
    for changes in _sequences(_named(message, data)):
        for change in _sequences(ber.elements(changes))[:MOST_ATTRIBUTES]:
            parts = [*ber.elements(change)]
            found = _attribute(next(iter(_sequences(parts)), b""))
            if found is not None:
                message.attributes.append(found)
                kinds.append(next(iter(_numbers(parts)), 0))
    message.numbers = tuple(kinds)


def _entry(message: Message, data: bytes) -> None:
    for attributes in _sequences(_named(message, data)):
        _attributes(message, attributes)


def _delete(message: Message, data: bytes) -> None:
    message.dn = data


def _rename(message: Message, data: bytes) -> None:
    fields = _named(message, data)
    message.name = [*_octets(fields), b"", b""][1]
    message.numbers = _numbers(fields)
    message.value = next((found.value for found in fields if found.tag == _NAME), b"")


def _compare(message: Message, data: bytes) -> None:
    for assertion in _sequences(_named(message, data)):
        name, value = [*_octets(ber.elements(assertion)), b"", b""][:2]
        message.attributes = [(name, (value,))]


def _extended(message: Message, data: bytes) -> None:
    by_tag = ber.by_tag(data)
    message.name, message.value = by_tag.get(_NAME, b""), by_tag.get(_VALUE, b"")


def _abandon(message: Message, data: bytes) -> None:
    message.numbers = (ber.integer(data) or 0,)


def _result(message: Message, data: bytes) -> None:
    fields = [*ber.elements(data)]
    if fields and fields[0].tag == ber.ENUMERATED:
        code = ber.integer(fields[0].value, 4)
        message.result = code if code is not None and code >= 0 else None
    message.dn, message.text = [*_octets(fields), b"", b""][:2]
    by_tag = ber.by_tag(data)
    message.name = by_tag.get(_RESPONSE_NAME, b"")
    message.value = by_tag.get(_RESPONSE_VALUE, by_tag.get(_SASL_CREDENTIALS, b""))


def _references(message: Message, data: bytes) -> None:
    message.text = b" ".join(_octets(ber.elements(data))[:MOST_VALUES])


def _nothing(_message: Message, _data: bytes) -> None:
    return


_READERS: Final[dict[int, Callable[[Message, bytes], None]]] = {
    Operation.BIND_REQUEST: _bind,
    Operation.UNBIND_REQUEST: _nothing,
    Operation.SEARCH_REQUEST: _search,
    Operation.SEARCH_RESULT_ENTRY: _entry,
    Operation.MODIFY_REQUEST: _modify,
    Operation.ADD_REQUEST: _entry,
    Operation.DEL_REQUEST: _delete,
    Operation.MOD_DN_REQUEST: _rename,
    Operation.COMPARE_REQUEST: _compare,
    Operation.ABANDON_REQUEST: _abandon,
    Operation.SEARCH_RESULT_REFERENCE: _references,
    Operation.EXTENDED_REQUEST: _extended,
    Operation.INTERMEDIATE_RESPONSE: _extended,
    **dict.fromkeys(
        (
            Operation.BIND_RESPONSE,
            Operation.SEARCH_RESULT_DONE,
            Operation.MODIFY_RESPONSE,
            Operation.ADD_RESPONSE,
            Operation.DEL_RESPONSE,
            Operation.MOD_DN_RESPONSE,
            Operation.COMPARE_RESPONSE,
            Operation.EXTENDED_RESPONSE,
        ),
        _result,
    ),
}

"""One Modbus message: what its function does, to which addresses, and what is wrong with it.

Addresses are those of the data model, which begin at 1 (V1.1b3, 4.4); those on the wire begin at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final

from vpi_tui.detect.applayer.cursor import Cursor, TooShortError

EXCEPTION: Final = 0x80
HEADER: Final = 6
"""Bytes before those that the length counts: transaction, protocol, length."""
LEAST, MOST = 2, 254
"""Bytes that the length may count."""
_MOST_BITS: Final = 2_000
_MOST_REGISTERS: Final = 125
_DIAGNOSTICS: Final = 8
_MEI: Final = 43


class Access(IntFlag):
    """What a function does, and to which table; equal to the words of the keyword."""

    READ = 0x01
    WRITE = 0x02
    DISCRETES = 0x04
    COILS = 0x08
    INPUT = 0x10
    HOLDING = 0x20


class Category(IntFlag):
    """Kinds of function codes (V1.1b3, 4.2)."""

    ASSIGNED = 1
    UNASSIGNED = 2
    USER = 4
    RESERVED = 8


_ACCESS: Final = {
    1: Access.READ | Access.COILS,
    2: Access.READ | Access.DISCRETES,
    3: Access.READ | Access.HOLDING,
    4: Access.READ | Access.INPUT,
    5: Access.WRITE | Access.COILS,
    6: Access.WRITE | Access.HOLDING,
    15: Access.WRITE | Access.COILS,
    16: Access.WRITE | Access.HOLDING,
    22: Access.WRITE | Access.HOLDING,
    23: Access.READ | Access.WRITE | Access.HOLDING,
}
_ASSIGNED: Final = frozenset({*range(1, 25), _DIAGNOSTICS, _MEI})
_RESERVED: Final = frozenset({*range(9, 15), 41, 42, 90, 91, 125, 126, 127})
_USER: Final = frozenset({*range(65, 73), *range(100, 111)})
_SINGLE: Final = frozenset({5, 6})
"""Functions that write one value."""
_SUBFUNCTIONS: Final = frozenset({*range(5), *range(10, 22)})
_MEI_TYPES: Final = frozenset({13, 14})
_FILES: Final = frozenset({20, 21})
_WITHOUT_CHECK: Final = frozenset({_DIAGNOSTICS, _MEI})
"""Requests of these are not looked at for the bit that says exception."""
_PARITY: Final = 8
"""The exception that only a function about files may answer with (V1.1b3, 7)."""
_EXCEPTIONS: Final = frozenset({*range(1, 9), 10, 11})


@dataclass(slots=True)
class Message:
    """addresses: (first, last), or nothing; data: bytes that are read or written."""

    transaction: int
    unit: int
    code: int
    """The function as sent, with the bit that says exception."""
    body: bytes
    is_exception: bool = False
    subfunction: int | None = None
    exception: int | None = None
    addresses: tuple[int, ...] = ()
    quantity: int = 0
    to_read: int = 0
    """The quantity that is read of a request that reads and writes."""
    value: int | None = None
    """What a single write sets; the quantity in answers to multiple writes."""
    masks: bytes = b""
    data: bytes = b""
    events: list[str] = field(default_factory=list)

    @property
    def function(self) -> int:
        """Without the bit that says exception."""
        return self.code & ~EXCEPTION

    @property
    def access(self) -> Access:
        return _ACCESS.get(self.function, Access(0))

    @property
    def category(self) -> Category:
        """None of them where the function is not known and the bit is set, or what names it is missing."""
        function = self.function
        if function == _DIAGNOSTICS:
            return _category(self.subfunction, _SUBFUNCTIONS)
        if function == _MEI:
            return _category(self.body[0] if self.body and not self.is_exception else None, _MEI_TYPES)
        if function in _ASSIGNED:
            return Category.ASSIGNED
        if not function or self.code >= EXCEPTION:
            return Category(0)
        if function in _RESERVED:
            return Category.RESERVED
        return Category.USER if function in _USER else Category.UNASSIGNED

    @property
    def writes(self) -> int:
        """How many values are set; no more than a request may set."""
        if self.value is not None:
            return int(self.function in _SINGLE)  # otherwise it is the quantity that an answer repeats
        held = len(self.data) * 8 if self.access & Access.COILS else len(self.data) // 2
        return min(self.quantity, held, _MOST_BITS)

    def written(self) -> Iterator[tuple[int, int]]:
        """(address, value) of what a request sets; a coil is 0 or 1."""
        is_coil = bool(self.access & Access.COILS)
        if not self.addresses:
            return
        for n in range(self.writes):
            if self.value is not None:
                yield self.addresses[0], int(self.value != 0) if is_coil else self.value
                return
            if is_coil:
                yield self.addresses[0] + n, self.data[n >> 3] >> (n & 7) & 1
            else:
                yield self.addresses[0] + n, int.from_bytes(self.data[2 * n : 2 * n + 2], "big")


def _category(number: int | None, known: frozenset[int]) -> Category:
    """Of a function that has a number behind it; None = it is missing."""
    if number is None:
        return Category(0)
    return Category.ASSIGNED if number in known else Category.RESERVED


def _read(message: Message, cursor: Cursor) -> None:
    first, quantity = cursor.number(2), cursor.number(2)
    bits = message.access & (Access.COILS | Access.DISCRETES)
    _quantity(message, quantity, _MOST_BITS if bits else _MOST_REGISTERS)
    _span(message, first, quantity)


def _span(message: Message, first: int, quantity: int) -> None:
    """Addresses in a row; there are none when they are too many for two bytes."""
    message.quantity = quantity
    if 0 < quantity <= 0xFFFF - first:
        message.addresses = first + 1, first + quantity


def _write_one(message: Message, cursor: Cursor) -> None:
    first = cursor.number(2) + 1
    message.value = cursor.number(2)
    message.addresses = first, first
    if message.function == 5 and message.value not in {0, 0xFF00}:
        message.events.append("modbus.invalid_value")


def _write_many(message: Message, cursor: Cursor) -> None:
    first, quantity, count = cursor.number(2), cursor.number(2), cursor.number(1)
    is_bits = bool(message.access & Access.COILS)
    message.data = cursor.rest()
    if quantity == 0 or count != len(message.data):
        message.events.append("modbus.invalid_length")
    most, needed = (_MOST_BITS, -(-quantity // 8)) if is_bits else (_MOST_REGISTERS, 2 * quantity)
    if quantity > most or count != needed:
        message.events.append("modbus.invalid_value")
    _span(message, first, quantity)


def _mask(message: Message, cursor: Cursor) -> None:
    first = cursor.number(2) + 1
    message.addresses = first, first
    message.masks = cursor.take(4)


def _read_and_write(message: Message, cursor: Cursor) -> None:
    cursor.take(2)
    message.to_read = cursor.number(2)
    _quantity(message, message.to_read, _MOST_REGISTERS)
    _write_many(message, cursor)


def _diagnostics(message: Message, cursor: Cursor) -> None:
    message.subfunction = cursor.number(2)
    message.data = cursor.rest()
    if len(message.data) != 2:
        message.events.append("modbus.invalid_length")
    elif message.subfunction in _SUBFUNCTIONS and not _diagnostic_holds(message.subfunction, message.data):
        message.events.append("modbus.invalid_value")


def _diagnostic_holds(subfunction: int, data: bytes) -> bool:
    """Is this what the data of a diagnostic request may be? (V1.1b3, 6.8.1)"""
    if subfunction in {0, 4}:
        return True
    if subfunction == 1:
        return data in {b"\0\0", b"\xff\0"}
    return data[1] == 0 if subfunction == 3 else data == b"\0\0"


def _exactly(size: int) -> Callable[[Message, Cursor], None]:
    def read(message: Message, cursor: Cursor) -> None:
        message.data = cursor.rest()
        if len(message.data) != size:
            message.events.append("modbus.invalid_length")

    return read


def _some(message: Message, cursor: Cursor) -> None:
    message.data = cursor.take(1) + cursor.rest()


def _anything(message: Message, cursor: Cursor) -> None:
    message.data = cursor.rest()


def _quantity(message: Message, quantity: int, most: int) -> None:
    if not 1 <= quantity <= most:
        message.events.append("modbus.invalid_value")


def _answer_to_read(message: Message, cursor: Cursor) -> None:
    count = cursor.number(1)
    message.data = cursor.rest()
    if not 1 <= count <= 250 or count != len(message.data):
        message.events.append("modbus.invalid_value")


def _answer_to_write(message: Message, cursor: Cursor) -> None:
    first = cursor.number(2) + 1
    message.addresses = first, first
    message.value = cursor.number(2)


def _answer_to_writes(message: Message, cursor: Cursor) -> None:
    """The quantity's limits are each other's here, as in Suricata."""
    _answer_to_write(message, cursor)
    most = _MOST_REGISTERS if message.access & Access.COILS else _MOST_BITS
    _quantity(message, message.value or 0, most)


def _diagnostic_answer(message: Message, cursor: Cursor) -> None:
    message.subfunction = cursor.number(2)
    message.data = cursor.rest()


_Reader = Callable[[Message, Cursor], None]
_REQUESTS: Final[dict[int, _Reader]] = {
    **dict.fromkeys((1, 2, 3, 4), _read), **dict.fromkeys((5, 6), _write_one),
    **dict.fromkeys((15, 16), _write_many), **dict.fromkeys((7, 11, 12, 17), _exactly(0)),
    **dict.fromkeys((20, 21), _some), _DIAGNOSTICS: _diagnostics, 22: _mask, 23: _read_and_write,
    24: _exactly(2), _MEI: _some,
}  # fmt: skip
_RESPONSES: Final[dict[int, _Reader]] = {
    **dict.fromkeys((1, 2, 3, 4, 23), _answer_to_read), **dict.fromkeys((5, 6), _answer_to_write),
    **dict.fromkeys((15, 16), _answer_to_writes),
    7: _exactly(1), 11: _exactly(4), _DIAGNOSTICS: _diagnostic_answer, 22: _mask, _MEI: _some,
}  # fmt: skip


def parse_message(transaction: int, unit: int, code: int, body: bytes, *, of_request: bool) -> Message:
    """What the bytes behind the function code say; what is wrong with them stands in the events."""
    message = Message(transaction, unit, code, body, code >= EXCEPTION and not of_request)
    function = message.function
    if of_request and not 0 < code < EXCEPTION and function not in _WITHOUT_CHECK:
        message.events.append("modbus.invalid_function_code")
    read = _exception if message.is_exception else (_REQUESTS if of_request else _RESPONSES).get(function)
    cursor = Cursor(body)
    try:
        (read or _anything)(message, cursor)
        if cursor:
            message.events.append("modbus.invalid_length")
    except TooShortError:
        message.events.append("modbus.invalid_length")
    return message


def begins_flow(data: bytes) -> bool:
    """Does Suricata take a flow for Modbus that begins with this message, whoever sends it?"""
    if not LEAST <= len(data) - HEADER <= MOST or data[2:4] != b"\0\0":
        return False
    message = parse_message(0, data[6], data[7], data[8:], of_request=False)
    if message.is_exception:
        return not message.events
    least = {_DIAGNOSTICS: 2, _MEI: 1}.get(message.function, 0)
    return len(message.body) >= least


def _exception(message: Message, cursor: Cursor) -> None:
    code = message.exception = cursor.number(1)
    if code not in _EXCEPTIONS or (code == _PARITY and message.function not in _FILES):
        message.events.append("modbus.invalid_exception_code")


def answers(response: Message, request: Message) -> bool:
    """Can it be the response to a request of the same transaction, unit and function?"""
    if response.is_exception or response.category is not Category.ASSIGNED:
        return True
    if response.function == _DIAGNOSTICS:
        return response.subfunction == request.subfunction
    if response.function == _MEI:
        return response.body[:1] == request.body[:1]
    return bool(response.body or not response.access & Access.READ)


def mismatches(request: Message, response: Message) -> bool:
    """Does the response say something else than what was asked?"""
    if response.is_exception:
        return False
    if response.masks:
        return (response.addresses, response.masks) != (request.addresses, request.masks)
    if response.value is not None:
        asked = request.quantity if request.value is None else request.value
        return response.addresses[:1] != request.addresses[:1] or response.value != asked
    if request.access & Access.READ:
        bits = request.access & (Access.COILS | Access.DISCRETES)
        quantity = request.to_read or request.quantity
        return len(response.data) != (-(-quantity // 8) if bits else 2 * quantity)
    return False

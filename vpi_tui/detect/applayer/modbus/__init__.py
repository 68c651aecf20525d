"""modbus: requests to devices and their responses over TCP (Modbus Application Protocol V1.1b3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.modbus.message import Message
from vpi_tui.detect.applayer.modbus.parser import ModbusParser, ModbusTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _number(name: str, size: int, get: Callable[[Message], Iterable[int]]) -> Buffer:
    """A number of the request; of the response where nobody has asked."""

    def instances(transaction: ModbusTransaction, _direction: int) -> Sequence[bytes]:
        message = transaction.request or transaction.response
        return [value.to_bytes(size, "big") for value in get(message)] if message is not None else ()

    return Buffer(name, TO_SERVER, Stage.DONE, instances)


def _one(value: int | None) -> Iterable[int]:
    return () if value is None else (value,)


MODBUS: Final[Application] = application(
    "modbus",
    ModbusParser,
    (
        _number("modbus.unit", 1, lambda m: (m.unit,)),
        _number("modbus.function", 1, lambda m: (m.function,)),
        _number("modbus.subfunction", 2, lambda m: _one(m.subfunction)),
        _number("modbus.category", 1, lambda m: (m.category,)),
        _number("modbus.access", 1, lambda m: (m.access,)),
        _number("modbus.first", 3, lambda m: m.addresses[:1]),
        _number("modbus.last", 3, lambda m: m.addresses[1:]),
        _number("modbus.written", 5, lambda m: (address << 16 | value for address, value in m.written())),
    ),
)

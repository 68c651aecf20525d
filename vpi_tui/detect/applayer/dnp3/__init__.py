"""dnp3: requests and responses of control stations and outstations over TCP (IEEE 1815)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, Application, Buffer, application
from vpi_tui.detect.applayer.dnp3.message import Message
from vpi_tui.detect.applayer.dnp3.parser import Dnp3Parser, Dnp3Transaction
from vpi_tui.detect.applayer.transaction import Stage


def _buffer(name: str, directions: int, get: Callable[[Message], Iterable[bytes]]) -> Buffer:
    def instances(transaction: Dnp3Transaction, _direction: int) -> Sequence[bytes]:
        message = transaction.message
        return list(get(message)) if message is not None else ()

    return Buffer(name, directions, Stage.DONE, instances)


DNP3: Final[Application] = application(
    "dnp3",
    Dnp3Parser,
    (
        _buffer("dnp3.data", BOTH, lambda m: (m.data,)),
        _buffer("dnp3_func", BOTH, lambda m: (bytes((m.function,)),)),
        _buffer("dnp3_ind", TO_CLIENT, lambda m: (m.indications,) if m.indications else ()),
        _buffer("dnp3_obj", BOTH, lambda m: (bytes((o.group, o.variation)) for o in m.objects)),
    ),
)

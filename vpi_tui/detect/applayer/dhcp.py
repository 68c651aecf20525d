"""dhcp: messages with their options (RFC 2131, 2132). Each is a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.cursor import Cursor, TooShortError
from vpi_tui.detect.applayer.messages import DatagramParser, MessageTransaction, number_buffer
from vpi_tui.detect.applayer.transaction import Transaction

_HEADER: Final = 236
_COOKIE: Final = bytes.fromhex("63825363")
_PAD, _END = 0, 255
LEASE_TIME, RENEWAL_TIME, REBINDING_TIME, CLIENT_ID = 51, 58, 59, 61
_TIMES: Final = frozenset((LEASE_TIME, RENEWAL_TIME, REBINDING_TIME))


@dataclass(slots=True)
class Message:
    """Addresses are four bytes each."""

    operation: int
    """1 = request, 2 = reply."""
    transaction: int
    client: bytes
    assigned: bytes
    next_server: bytes
    relay: bytes
    hardware: bytes
    options: dict[int, bytes] = field(default_factory=dict)
    """Code -> value; of several with the same code the first."""
    truncated: bool = False


def parse_message(data: bytes) -> Message | None:
    """None = it is no such message."""
    if len(data) < _HEADER + len(_COOKIE) or data[_HEADER : _HEADER + len(_COOKIE)] != _COOKIE:
        return None
    made = Message(
        operation=data[0],
        transaction=int.from_bytes(data[4:8]),
        client=data[12:16],
        assigned=data[16:20],
        next_server=data[20:24],
        relay=data[24:28],
        hardware=data[28 : 28 + min(data[2], 16)],
    )
    try:
        _options(made, Cursor(data[_HEADER + len(_COOKIE) :]))
    except TooShortError:
        made.truncated = True
    return made


def _options(made: Message, cursor: Cursor) -> None:
    """Up to the one that says that it is the last. Raises TooShortError when there is none.

    As in Suricata a time is four bytes whatever its length says, and an identifier too short for its type
    ends the options as their want does: its malformed_options is never raised.
    """
    while True:
        code = cursor.number(1)
        if code == _END:
            return
        if code == _PAD:
            continue
        if code in _TIMES:
            cursor.take(1)
            value = cursor.take(4)
        else:
            value = cursor.field(1)
        if code == CLIENT_ID and len(value) < 2:
            raise TooShortError
        made.options.setdefault(code, value)


class DhcpParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        """Nothing is remembered between datagrams."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        message = parse_message(data)
        if message is None:
            return []
        events = ["dhcp.truncated_options"] if message.truncated else []
        return [MessageTransaction(direction, message, events)]


def _time(code: int) -> Callable[[Message], int | None]:
    return lambda message: int.from_bytes(message.options[code]) if code in message.options else None


DHCP: Final[Application] = application(
    "dhcp",
    DhcpParser,
    (
        number_buffer("dhcp.leasetime", _time(LEASE_TIME)),
        number_buffer("dhcp.renewal_time", _time(RENEWAL_TIME)),
        number_buffer("dhcp.rebinding_time", _time(REBINDING_TIME)),
    ),
    transports=("udp",),
)

"""ntp: messages of versions 3 and 4 (RFC 1305, 5905). Each is a transaction of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.messages import (
    DatagramParser,
    MessageTransaction,
    message_buffer,
    number_buffer,
)
from vpi_tui.detect.applayer.transaction import Transaction

_SIZE: Final = 48


@dataclass(frozen=True, slots=True)
class Message:
    version: int
    mode: int
    stratum: int
    reference: bytes
    """Reference identifier."""


def parse_message(data: bytes) -> Message | None:
    """None = it is no message of a version that is read."""
    if len(data) < _SIZE or data[0] >> 3 & 7 not in (3, 4):
        return None
    return Message(data[0] >> 3 & 7, data[0] & 7, data[1], data[12:16])


class NtpParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._seen = False
        """Has a message been read? A flow that begins with something else is taken for none of NTP."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        message = parse_message(data)
        if message is not None:
            self._seen = True
            return [MessageTransaction(direction, message)]
        return [MessageTransaction(direction, None, ("ntp.malformed_data",))] if self._seen else []


_BUFFERS: Final = (
    number_buffer("ntp.version", lambda message: int(message.version)),
    number_buffer("ntp.mode", lambda message: int(message.mode)),
    number_buffer("ntp.stratum", lambda message: int(message.stratum)),
    message_buffer("ntp.reference_id", lambda message: (message.reference,)),
)
NTP: Final[Application] = application("ntp", NtpParser, _BUFFERS, transports=("udp",))

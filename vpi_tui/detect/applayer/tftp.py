"""tftp: the requests to read and to write a file (RFC 1350). What follows goes over ports of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.messages import DatagramParser, MessageTransaction
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

_PACKETS: Final = {1: "read", 2: "write"}
_MODES: Final = frozenset((b"netascii", b"octet", b"mail"))
MOST: Final = 1024
"""Bytes of a name that are kept."""


@dataclass(frozen=True, slots=True)
class Request:
    packet: str
    """read or write"""
    file: bytes
    mode: bytes
    """In lower case."""


def parse_request(data: bytes) -> Request | None:
    """None = it is no request. Both texts have their zero, and are UTF-8, as in Suricata."""
    packet = _PACKETS.get(int.from_bytes(data[:2])) if len(data) > 2 else None
    name, mode, *rest = [*data[2:].split(b"\0", 2), b"", b""]
    if packet is None or not name or len(rest) < 3 or mode.lower() not in _MODES or not _is_text(name):
        return None
    return Request(packet, name[:MOST], mode.lower())


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


class TftpParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        """Nothing is remembered between datagrams."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        request = parse_request(data) if direction == Direction.TO_SERVER else None
        return [] if request is None else [MessageTransaction(direction, request)]


TFTP: Final[Application] = application("tftp", TftpParser, (), transports=("udp",))

"""One message of the encapsulation of EtherNet/IP (volume 2, chapter 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vpi_tui.detect.applayer.cursor import TooShortError
from vpi_tui.detect.applayer.enip.cip import Cip, parse_cip
from vpi_tui.detect.applayer.enip.reader import Reader

HEADER: Final = 24
MOST_ITEMS: Final = 32
NOP, LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES = 0x00, 0x04, 0x63, 0x64
REGISTER_SESSION, UNREGISTER_SESSION = 0x65, 0x66
SEND_RR_DATA, SEND_UNIT_DATA = 0x6F, 0x70
_IDENTITY, _SERVICES = 0x0C, 0x100
_CONNECTED, _UNCONNECTED = 0xB1, 0xB2
"""Types of items."""


@dataclass(slots=True)
class Identity:
    """revision: major and minor, a byte each."""

    version: int
    vendor: int
    device_type: int
    product: int
    revision: int
    status: int
    serial: int
    name: bytes
    state: int


@dataclass(slots=True)
class Offer:
    """A service of a device, beside CIP."""

    version: int
    capabilities: int
    name: bytes


@dataclass(slots=True)
class Message:
    command: int
    session: int
    status: int
    versions: list[int] = field(default_factory=list)
    """Of the protocol, where the command has one."""
    options: int = 0
    """Of a session that is registered."""
    identities: list[Identity] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    cips: list[Cip] = field(default_factory=list)
    sequence: int | None = None
    """Of connected data."""
    items: list[bytes] = field(default_factory=list)
    """As sent, with type and length."""
    data_items: list[bytes] = field(default_factory=list)
    """CIP as sent."""
    is_valid: bool = True

    def services(self) -> Iterator[Cip]:
        """The CIP services, those of multiple service packets behind them."""
        for cip in self.cips:
            yield cip
            yield from cip.inner


def parse_message(header: bytes, data: bytes, *, of_request: bool) -> Message:
    """data: what the header's length counts. What does not hold what it says has its header alone."""
    message = _headed(header)
    reader = _READERS.get(message.command)
    if reader is None or (message.command in _LISTS and not data):
        return message
    try:
        reader(message, Reader(data))
    except TooShortError:
        message = _headed(header)
        message.is_valid = False
    if of_request and message.command in _LISTS:  # what only responses tell
        message.versions, message.identities, message.offers = [], [], []
    return message


def _headed(header: bytes) -> Message:
    fields = Reader(header)
    command = fields.number(2)
    fields.take(2)
    return Message(command, fields.number(4), fields.number(4))


def _session(message: Message, reader: Reader) -> None:
    message.versions.append(reader.number(2))
    message.options = reader.number(2)


def _items(message: Message, reader: Reader) -> Iterator[tuple[int, Reader]]:
    """(type, data) of each item. Raises TooShortError."""
    for _ in range(min(reader.number(2), MOST_ITEMS)):
        kind, size = reader.number(2), reader.number(2)
        data = reader.take(size)
        message.items.append(kind.to_bytes(2, "little") + size.to_bytes(2, "little") + data)
        yield kind, Reader(data)


def _identities(message: Message, reader: Reader) -> None:
    for kind, item in _items(message, reader):
        if kind != _IDENTITY:
            continue
        version = item.number(2)
        item.take(16)  # the socket's address
        vendor, device_type, product = (item.number(2) for _ in range(3))
        revision = item.number(1) << 8 | item.number(1)
        status, serial = item.number(2), item.number(4)
        name = item.take(item.number(1))
        message.identities.append(
            Identity(version, vendor, device_type, product, revision, status, serial, name, item.number(1))
        )
        message.versions.append(version)


def _offers(message: Message, reader: Reader) -> None:
    for kind, item in _items(message, reader):
        if kind == _SERVICES:
            version, capabilities = item.number(2), item.number(2)
            message.offers.append(Offer(version, capabilities, item.take(16).partition(b"\0")[0]))
            message.versions.append(version)


def _data(message: Message, reader: Reader) -> None:
    reader.take(6)  # interface handle, timeout
    for kind, item in _items(message, reader):
        if kind == _CONNECTED:
            message.sequence = item.number(2)
        elif kind != _UNCONNECTED:
            continue
        sent = item.rest()
        message.data_items.append(sent)
        message.cips.append(parse_cip(sent))


def _interfaces(message: Message, reader: Reader) -> None:
    list(_items(message, reader))  # nothing in them is looked at


_LISTS: Final = frozenset((LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES))
"""Commands whose requests are empty."""
_READERS: Final[dict[int, Callable[[Message, Reader], None]]] = {
    REGISTER_SESSION: _session,
    LIST_IDENTITY: _identities,
    LIST_SERVICES: _offers,
    LIST_INTERFACES: _interfaces,
    SEND_RR_DATA: _data,
    SEND_UNIT_DATA: _data,
}

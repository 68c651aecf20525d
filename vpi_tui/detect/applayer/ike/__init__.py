"""ike: the key exchange of IPsec over UDP, versions 1 and 2. Each message is a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.application import TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.ike.message import ATTRIBUTES1, NOTHING_SAID, Message, parse_message
from vpi_tui.detect.applayer.ike.weakness import events_of
from vpi_tui.detect.applayer.messages import (
    DatagramParser,
    MessageTransaction,
    message_buffer,
    number_buffer,
)
from vpi_tui.detect.applayer.names import IKE_ATTRIBUTE
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction


class IkeParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._said = NOTHING_SAID
        """What the messages of IKEv1 have said so far."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        message = parse_message(data)
        if message is None:
            return []
        if message.version == 1:
            self._said = message.said = self._said.then(message, direction)
        made = MessageTransaction(direction, message, events_of(message))
        if message.version == 1 and direction == Direction.TO_CLIENT and len(message.proposals) > 1:
            made.event(direction, "ike.multiple_server_proposal")
        return [made]

    def held(self) -> int:
        return self._said.weight()


def _chosen(word: str) -> Buffer:
    def get(message: Message) -> int | None:
        """In IKEv1 what stands in the first proposal, in IKEv2 the first that has it."""
        proposals = message.proposals[:1] if message.version == 1 else message.proposals
        values = (proposal.attributes(message.version).get(word) for proposal in proposals)
        return next((value for value in values if value is not None), None)

    return number_buffer(f"{IKE_ATTRIBUTE}{word}", get, TO_CLIENT)


def _of_version_1(get: Callable[[Message], bytes]) -> Callable[[Message], tuple[bytes, ...]]:
    """Rules see these payloads of IKEv1 only, as in Suricata."""
    return lambda message: (get(message),) if message.version == 1 else ()


def _size_of(get: Callable[[Message], bytes]) -> Callable[[Message], int | None]:
    return lambda message: len(get(message)) or None if message.version == 1 else None


def _vendors(message: Message) -> list[bytes]:
    return [one.hex().encode("ascii") for one in message.vendors] if message.version == 1 else []


IKE: Final[Application] = application(
    "ike",
    IkeParser,
    (
        message_buffer("ike.init_spi", lambda m: (m.init_spi.hex().encode("ascii"),), TO_SERVER),
        message_buffer("ike.resp_spi", lambda m: (m.resp_spi.hex().encode("ascii"),), TO_CLIENT),
        message_buffer("ike.vendor", _vendors, TO_SERVER),
        message_buffer("ike.key_exchange_payload", _of_version_1(lambda m: m.key_exchange)),
        message_buffer("ike.nonce_payload", _of_version_1(lambda m: m.nonce)),
        number_buffer("ike.exchtype", lambda m: m.exchange),
        number_buffer("ike.key_exchange_payload_length", _size_of(lambda m: m.key_exchange)),
        number_buffer("ike.nonce_payload_length", _size_of(lambda m: m.nonce)),
        *(_chosen(word) for word in ATTRIBUTES1.values()),
    ),
    apps=("ikev1", "ikev2"),
    transports=("udp",),
)

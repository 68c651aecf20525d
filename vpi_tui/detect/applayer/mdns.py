"""mdns: names in multicast DNS (RFC 6762), whose messages are those of DNS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.dns import Message, is_plausible, parse_message
from vpi_tui.detect.applayer.messages import DatagramParser, Get, MessageTransaction, message_buffer
from vpi_tui.detect.applayer.transaction import Transaction


class MdnsParser(DatagramParser):
    def __init__(self, _limits: Limits | None = None) -> None:
        """Nothing is remembered between datagrams."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        self.frames.add(direction, "pdu", data)
        if not is_plausible(data, len(data)):
            return []
        message = parse_message(data)
        return [MessageTransaction(direction, message, (f"m{name}" for name in message.events))]


def _section(number: int) -> Get:
    return lambda message: (record.name for record in message.sections[number])


def _section_of_response(number: int) -> Get:
    """As in Suricata, those of queries are not looked at."""
    get = _section(number)
    return lambda message: get(message) if message.is_response else ()


def _all_names(message: Message) -> Iterator[bytes]:
    if not message.is_response:
        return
    yield from (question.name for question in message.questions)
    for section in message.sections:
        for record in section:
            yield record.name
            yield from record.names


MDNS: Final[Application] = application(
    "mdns",
    MdnsParser,
    (
        message_buffer("mdns.queries.rrname", lambda m: (question.name for question in m.questions)),
        message_buffer("mdns.answers.rrname", _section(0)),
        message_buffer("mdns.authorities.rrname", _section_of_response(1)),
        message_buffer("mdns.additionals.rrname", _section_of_response(2)),
        message_buffer("mdns.response.rrname", _all_names),
    ),
    transports=("udp",),
)

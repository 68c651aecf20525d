"""krb5: Kerberos 5 over UDP and TCP (RFC 4120). Each message is a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from vpi_tui.detect.applayer import ber
from vpi_tui.detect.applayer.application import TO_CLIENT, Application, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.messages import MessageTransaction, Prefixed, message_buffer, number_buffer
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.applayer.words import KRB5_STRONG
from vpi_tui.model.batch import Direction

MESSAGE_LIMIT: Final = 131_072
"""Bytes of a message over TCP."""
MOST_PARTS: Final = 64
"""Parts of a principal's name."""
AS_REQ, AS_REP, TGS_REQ, TGS_REP, ERROR = 10, 11, 12, 13, 30
_AP_REQ: Final = 14
_AP_REQ_TOKEN: Final = bytes.fromhex("06092a864886f7120102020100")
"""The mechanism's name and the kind of token."""
_APPLICATION: Final = 0x60
_CLASS: Final = 0xE0


def _explicit(number: int) -> int:
    """The context-specific, constructed tag of a field."""
    return 0xA0 | number


@dataclass(slots=True)
class Message:
    """Fields that a message does not have, or that could not be read, are empty or None."""

    kind: int
    realm: bytes = b""
    cname: tuple[bytes, ...] = ()
    sname: tuple[bytes, ...] = ()
    encryption: int | None = None
    """Of the part that is for the client, in a reply."""
    ticket_encryption: int | None = None
    error_code: int | None = None
    failed: int | None = None
    """Of an error: the kind of the request that it answers, None = that was not seen."""

    @property
    def is_weak(self) -> bool:
        return self.encryption is not None and self.encryption not in KRB5_STRONG


class Ticket(NamedTuple):
    """What a ticket says without its key: the realm and the parts of the service's name."""

    realm: bytes
    sname: tuple[bytes, ...]


def parse_ticket(blob: bytes) -> Ticket | None:
    """The ticket of the AP-REQ in a token of GSS (RFC 4121, 4.1), wherever that stands; None = none."""
    at = blob.find(_AP_REQ_TOKEN)
    first = next(ber.elements(blob[at + len(_AP_REQ_TOKEN) :]), None) if at >= 0 else None
    if first is None or first.tag != _APPLICATION | _AP_REQ:
        return None
    fields = ber.by_tag(ber.inner(first.value, ber.SEQUENCE) or b"")
    ticket = next(ber.elements(fields.get(_explicit(3), b"")), None)
    inside = ber.by_tag((ber.inner(ticket.value, ber.SEQUENCE) if ticket is not None else None) or b"")
    realm, sname = _string(inside.get(_explicit(1))), _principal(inside.get(_explicit(2)))
    return Ticket(realm, sname) if realm or sname else None


def parse_message(data: bytes) -> Message | None:
    """None = it is none of the messages that are read, or its end is missing."""
    first = next(ber.elements(data), None)
    if first is None or first.tag & _CLASS != _APPLICATION:
        return None
    made = Message(first.tag & 0x1F)
    fill = _FILL.get(made.kind)
    body = ber.inner(first.value, ber.SEQUENCE)
    if fill is None or body is None:
        return None
    fill(made, ber.by_tag(body))
    return made


Fields = dict[int, bytes]


def _request(made: Message, fields: Fields) -> None:
    body = ber.inner(fields.get(_explicit(4), b""), ber.SEQUENCE)
    inside = ber.by_tag(body or b"")
    made.cname = _principal(inside.get(_explicit(1)))
    made.realm = _string(inside.get(_explicit(2)))
    made.sname = _principal(inside.get(_explicit(3)))


def _reply(made: Message, fields: Fields) -> None:
    made.realm = _string(fields.get(_explicit(3)))
    made.cname = _principal(fields.get(_explicit(4)))
    made.encryption = _encryption(fields.get(_explicit(6)))
    ticket = next(ber.elements(fields.get(_explicit(5), b"")), None)
    body = ber.inner(ticket.value, ber.SEQUENCE) if ticket is not None else None
    inside = ber.by_tag(body or b"")
    made.sname = _principal(inside.get(_explicit(2)))
    made.ticket_encryption = _encryption(inside.get(_explicit(3)))


def _error(made: Message, fields: Fields) -> None:
    made.error_code = ber.integer(ber.inner(fields.get(_explicit(6), b""), ber.INTEGER), 4)
    made.realm = _string(fields.get(_explicit(7)))
    made.cname = _principal(fields.get(_explicit(8)))
    made.sname = _principal(fields.get(_explicit(10)))


_FILL: Final = {AS_REQ: _request, TGS_REQ: _request, AS_REP: _reply, TGS_REP: _reply, ERROR: _error}


def _string(field: bytes | None) -> bytes:
    first = next(ber.elements(field or b""), None)
    return first.value if first is not None else b""


def _principal(field: bytes | None) -> tuple[bytes, ...]:
    """The parts of a PrincipalName."""
    name = ber.by_tag(ber.inner(field or b"", ber.SEQUENCE) or b"")
    parts = ber.inner(name.get(_explicit(1), b""), ber.SEQUENCE) or b""
    return tuple(part.value for part in ber.elements(parts))[:MOST_PARTS]


def _encryption(field: bytes | None) -> int | None:
    """The type of EncryptedData."""
    data = ber.by_tag(ber.inner(field or b"", ber.SEQUENCE) or b"")
    return ber.integer(ber.inner(data.get(_explicit(0), b""), ber.INTEGER), 4)


class Krb5Parser(Parser):
    """Datagrams, or a stream of messages with their length before them."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._streams = [Prefixed(4, MESSAGE_LIMIT) for _ in range(3)]
        self._over = False
        """Something came in a stream that is no message."""
        self._asked: int | None = None
        """Kind of the request that is not answered yet."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        message = parse_message(data)
        if message is None:  # a message of another kind is none that rules see
            return []
        if message.kind == ERROR:
            message.failed = self._asked
        self._asked = message.kind if message.kind in (AS_REQ, TGS_REQ) else None
        return [MessageTransaction(direction, message, ("krb5.weak_encryption",) if message.is_weak else ())]

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        found: list[Transaction] = []
        if self._over:
            return found
        for message in self._streams[direction].feed(data, gap):
            if ber.head(message) is None:
                self._over = True
                if found:  # as in Suricata it is said of the message before it, when both come at once
                    found[-1].event(direction, "krb5.malformed_data")
                break
            found += self.datagram(direction, message)
        return found

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return sum(map(len, self._streams))

    def over(self) -> bool:
        return self._over or all(
            self._streams[way].lost for way in (Direction.TO_SERVER, Direction.TO_CLIENT)
        )


def _cname(message: Message) -> Iterator[bytes]:
    return iter(message.cname)


def _sname(message: Message) -> Iterator[bytes]:
    return iter(message.sname)


KRB5: Final[Application] = application(
    "krb5",
    Krb5Parser,
    (
        # As in Suricata rules see the names that the server answers with, not those that are asked for.
        message_buffer("krb5.cname", _cname, TO_CLIENT),
        message_buffer("krb5.sname", _sname, TO_CLIENT),
        number_buffer("krb5_msg_type", lambda m: m.kind),
        number_buffer("krb5_err_code", lambda m: m.error_code),
        number_buffer("krb5.ticket_encryption", lambda m: m.ticket_encryption),
    ),
    transports=("tcp", "udp"),
)

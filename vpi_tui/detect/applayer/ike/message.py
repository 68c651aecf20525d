"""One ISAKMP message: its header and the payloads that are not encrypted (RFC 2408, 2409 and 7296)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from vpi_tui.detect.applayer.cursor import Cursor, TooShortError
from vpi_tui.model.batch import Direction

HEADER: Final = 28
MOST_PAYLOADS: Final = 256
"""Payloads, proposals, transforms or attributes that are looked at, of each kind side by side."""
_A_TRANSFORM: Final = 100
"""Bytes that an attribute costs."""
_ENCRYPTED_FLAG: Final = 1
_LONG: Final = 4
_SA1, _PROPOSAL1, _TRANSFORM1, _KE1, _NONCE1, _NOTIFY1, _VENDOR1 = 1, 2, 3, 4, 10, 11, 13
_SA2, _KE2, _NONCE2, _NOTIFY2, _VENDOR2, _ENCRYPTED2 = 33, 34, 40, 41, 43, 46
_IPSEC: Final = 1
"""The one domain of interpretation whose proposals are known."""
_FIRST_STATUS: Final = 16_384
"""Kinds of notification below it are errors (RFC 7296, 3.10.1)."""
ATTRIBUTES1: Final = {
    1: "alg_enc", 2: "alg_hash", 3: "alg_auth", 4: "alg_dh", 5: "sa_group_type", 11: "sa_life_type",
    12: "sa_life_duration", 13: "alg_prf", 14: "sa_key_length", 15: "sa_field_size",
}  # fmt: skip
"""RFC 2409, appendix A."""
TRANSFORMS2: Final = {1: "alg_enc", 2: "alg_prf", 3: "alg_auth", 4: "alg_dh", 5: "alg_esn"}
"""RFC 7296, 3.3.2."""


class Transform(NamedTuple):
    """kind: in IKEv2 one of TRANSFORMS2 (others are unknown); in IKEv1 an attribute's."""

    kind: int
    value: int
    raw: bytes = b""
    """What an attribute of IKEv1 says that is no number; value is then 0."""


class Proposal(NamedTuple):
    """What one side offers or chooses together. In IKEv1 each transform with its attributes is one."""

    protocol: int
    transforms: tuple[Transform, ...]

    def attributes(self, version: int) -> dict[str, int]:
        """Word of the rule language -> number; of several with the same word the first."""
        words = ATTRIBUTES1 if version == 1 else TRANSFORMS2
        found: dict[str, int] = {}
        for kind, value, raw in self.transforms:
            if kind in words and not raw:
                found.setdefault(words[kind], value)
        return found


class Secrets(NamedTuple):
    """What one side of IKEv1 contributes to the keys; b"" = nothing."""

    key_exchange: bytes = b""
    nonce: bytes = b""


_NO_SECRETS: Final = Secrets()


@dataclass(frozen=True, slots=True)
class Said:
    """What the messages of IKEv1 of one flow have said so far."""

    domain: int | None = None
    """The latest of interpretation; None = there was none."""
    client: Secrets = _NO_SECRETS
    """Those of its latest message, as with the server."""
    server: Secrets = _NO_SECRETS
    chosen: tuple[Transform, ...] = ()
    """The first proposal of the server's latest association."""

    def then(self, message: Message, direction: int) -> Said:
        """The same after one more message."""
        if message.encrypted:
            return self
        domain = self.domain if message.domain is None else message.domain
        secrets = Secrets(message.key_exchange, message.nonce)
        if direction == Direction.TO_SERVER:
            return replace(self, domain=domain, client=secrets)
        chosen = self.chosen
        if _SA1 in message.payloads:
            chosen = message.proposals[0].transforms if message.proposals else ()
        return replace(self, domain=domain, server=secrets, chosen=chosen)

    def weight(self) -> int:
        """Bytes that it keeps, roughly."""
        return sum(map(len, (*self.client, *self.server))) + _A_TRANSFORM * len(self.chosen)


NOTHING_SAID: Final = Said()


@dataclass(slots=True)
class Message:
    """What is encrypted, or cannot be read, is empty."""

    init_spi: bytes
    resp_spi: bytes
    version: int
    minor: int
    exchange: int
    flags: int
    number: int
    payloads: list[int] = field(default_factory=list)
    """Kinds of payload: first that which the header names, then those that the payloads name. In IKEv1 each
    once, and of an association those inside it as well."""
    proposals: list[Proposal] = field(default_factory=list)
    key_exchange: bytes = b""
    nonce: bytes = b""
    vendors: list[bytes] = field(default_factory=list)
    notifications: list[int] = field(default_factory=list)
    domain: int | None = None
    """Of interpretation (IKEv1); None = it says none."""
    extra: bool = False
    """Bytes stand behind the last payload."""
    said: Said = NOTHING_SAID
    """What the messages of IKEv1 have said, this one included."""

    def note(self, kind: int) -> None:
        """There is such a payload."""
        if kind not in self.payloads:
            self.payloads.append(kind)

    @property
    def encrypted(self) -> bool:
        """Are the payloads of IKEv1 encrypted?"""
        return bool(self.flags & _ENCRYPTED_FLAG)

    @property
    def errors(self) -> int:
        """Notifications of errors."""
        return sum(kind < _FIRST_STATUS for kind in self.notifications)


def parse_message(data: bytes) -> Message | None:
    """None = it is no message of a version that is read, or of version 1 and its payloads are not.

    Of one of version 2 whose payloads are not what they say its header is left, as in Suricata.
    """
    if len(data) < HEADER or data[17] >> 4 not in (1, 2):
        return None
    made = _header(data)
    if made.version == 1 and made.encrypted:
        return made
    try:
        _payloads(made, data[16], data[HEADER:])
    except TooShortError:
        if made.version == 1:
            return None
        made = _header(data)
        made.payloads.clear()
    return made


def _header(data: bytes) -> Message:
    return Message(
        init_spi=data[:8],
        resp_spi=data[8:16],
        version=data[17] >> 4,
        minor=data[17] & 15,
        exchange=data[18],
        flags=data[19],
        number=int.from_bytes(data[20:24]),
        payloads=[data[16]],
    )


class _Payload(NamedTuple):
    kind: int
    body: bytes
    following: int
    """Kind of the next one."""


def _chain(first: int, cursor: Cursor) -> Iterator[_Payload]:
    """Payloads, each of which names the kind of the next one. Raises TooShortError."""
    kind = first
    for _ in range(MOST_PAYLOADS):
        if not kind:
            return
        following = cursor.number(1)
        cursor.number(1)
        size = cursor.number(2)
        if size < 4:
            raise TooShortError
        yield _Payload(kind, cursor.take(size - 4), following)
        if kind == _ENCRYPTED2:
            return
        kind = following


def _payloads(made: Message, first: int, data: bytes) -> None:
    """Raises TooShortError."""
    handlers = _HANDLERS[made.version]
    cursor = Cursor(data)
    payloads = _whole(first, cursor, made) if made.version == 1 else _chain(first, cursor)
    for kind, body, following in payloads:
        if made.version == 1:
            made.note(kind)
        else:
            made.payloads.append(following)
        handler = handlers.get(kind)
        if handler is not None:
            handler(made, body)
    made.extra = made.extra or bool(cursor)


def _whole(first: int, cursor: Cursor, made: Message) -> Iterator[_Payload]:
    """The payloads up to one that is cut: of that the bytes are extra."""
    try:
        yield from _chain(first, cursor)
    except TooShortError:
        made.extra = True


# IKEv1 -----------------------------------------------------------------------------------------


def _sa1(made: Message, body: bytes) -> None:
    cursor = Cursor(body)
    made.domain = cursor.number(4)
    if made.domain != _IPSEC:
        return
    cursor.take(4)  # situation
    for kind, proposal, _ in _chain(_PROPOSAL1, cursor):
        made.note(kind)
        inside = Cursor(proposal)
        inside.number(1)
        protocol, spi_size = inside.number(1), inside.number(1)
        inside.number(1)
        inside.take(spi_size)
        for inner, transform, _ in _chain(_TRANSFORM1, inside):
            made.note(inner)
            if inner == _TRANSFORM1 and len(made.proposals) < MOST_PAYLOADS:
                made.proposals.append(Proposal(protocol, tuple(_attributes(transform[4:]))))


def _attributes(data: bytes) -> Iterator[Transform]:
    """Attributes of two or four bytes are numbers; those of other sizes are not taken for such."""
    cursor = Cursor(data)
    for _ in range(MOST_PAYLOADS):
        if not cursor:
            return
        kind, value = cursor.number(2), cursor.take(2)
        if not kind & 0x8000:
            value = cursor.take(int.from_bytes(value))
            if len(value) != _LONG:
                yield Transform(kind, 0, value)
                continue
        yield Transform(kind & 0x7FFF, int.from_bytes(value))


def _key_exchange1(made: Message, body: bytes) -> None:
    made.key_exchange = body


def _nonce(made: Message, body: bytes) -> None:
    made.nonce = body


def _vendor(made: Message, body: bytes) -> None:
    made.vendors.append(body)


def _notify1(made: Message, body: bytes) -> None:
    cursor = Cursor(body)
    cursor.take(6)
    made.notifications.append(cursor.number(2))


# IKEv2 -----------------------------------------------------------------------------------------


def _sa2(made: Message, body: bytes) -> None:
    cursor = Cursor(body)
    while cursor and len(made.proposals) < MOST_PAYLOADS:
        inside = Cursor(_structure(cursor))
        inside.number(1)
        protocol, spi_size, count = inside.number(1), inside.number(1), inside.number(1)
        inside.take(spi_size)
        transforms = [_transform2(_structure(inside)) for _ in range(count)]
        made.proposals.append(Proposal(protocol, tuple(transforms)))


def _structure(cursor: Cursor) -> bytes:
    """What stands behind `last, reserved, length` of a proposal or a transform."""
    cursor.take(2)
    size = cursor.number(2)
    if size < 4:
        raise TooShortError
    return cursor.take(size - 4)


def _transform2(body: bytes) -> Transform:
    cursor = Cursor(body)
    kind = cursor.number(1)
    cursor.number(1)
    return Transform(kind, cursor.number(2))


def _key_exchange2(made: Message, body: bytes) -> None:
    made.key_exchange = body[4:]


def _notify2(made: Message, body: bytes) -> None:
    cursor = Cursor(body)
    cursor.take(2)
    made.notifications.append(cursor.number(2))


_HANDLERS: Final[dict[int, dict[int, Callable[[Message, bytes], None]]]] = {
    1: {_SA1: _sa1, _KE1: _key_exchange1, _NONCE1: _nonce, _NOTIFY1: _notify1, _VENDOR1: _vendor},
    2: {_SA2: _sa2, _KE2: _key_exchange2, _NONCE2: _nonce, _NOTIFY2: _notify2, _VENDOR2: _vendor},
}

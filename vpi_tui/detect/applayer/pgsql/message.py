"""Messages of PostgreSQL's protocol 3. Source: chapter "Frontend/Backend Protocol" of its manual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

BODY_LIMIT: Final = 65_536
"""Bytes of a message that are kept; the rest is passed over."""
MOST_PAIRS: Final = 64
"""Parameters or fields of one message that are kept."""
VALUE_LIMIT: Final = 4_096
"""Bytes of a parameter that the server tells."""
SSL, GSSENC, CANCEL = 0x04D2162F, 0x04D21630, 0x04D2162E
"""Versions that stand for requests."""
_MAJOR: Final = 3

Pairs = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Request:
    """kind: the byte before the message; "" for those at the start, which have none."""

    kind: bytes
    code: int = 0
    """Of a message at the start: version, or what it asks for."""
    query: bytes = b""
    parameters: Pairs = field(default_factory=list)
    """At the start: user, database ..."""
    secret: bytes = b""
    """Password, or what SASL sends; of a cancellation the process and its key."""

    def size(self) -> int:
        """Bytes that are kept of it."""
        pairs = sum(len(name) + len(value) for name, value in self.parameters)
        return len(self.query) + len(self.secret) + pairs


@dataclass(slots=True)
class Outcome:
    """What the server answered, summed up."""

    messages: int = 0
    authentication: int | None = None
    challenge: bytes = b""
    """What goes with MD5, and with the last step of SASL."""
    parameters: Pairs = field(default_factory=list)
    fields: int = 0
    rows: int = 0
    row_bytes: int = 0
    copies: dict[str, int] = field(default_factory=dict)
    """Columns of a COPY: in, from the client, or out."""
    copied: int = 0
    copied_bytes: int = 0
    """Rows of one out, and their bytes."""
    completed: bytes = b""
    error: Pairs = field(default_factory=list)
    """(kind of field, text): S severity, C code, M message ...; of a notice where there is no error."""
    process: bytes = b""
    """Number of the process and its key, four bytes each."""
    encrypted: bool | None = None
    """The answer to a request for encryption."""


REQUEST_KINDS: Final = frozenset(b"BCDEFHPQSXcdfp")
RESPONSE_KINDS: Final = frozenset(b"123ACDEGHIKNRSTVWZcdnstv")
"""Kinds that there are; a message of another one is passed over."""
REQUEST_SIZES: Final = {ord("X"): range(1)}
RESPONSE_SIZES: Final = {
    ord("R"): range(4, 1 << 32), ord("K"): range(8, 9), ord("Z"): range(1, 2), ord("T"): range(3, 1 << 32),
    ord("D"): range(3, 1 << 32), ord("E"): range(7, 1 << 32), ord("N"): range(7, 1 << 32),
    ord("A"): range(6, 1 << 32),
}  # fmt: skip
"""Kind -> bytes that its body may have, as Suricata checks them; others may have any."""
MD5, SASL_FINAL = 5, 12
AUTHENTICATIONS: Final = frozenset((0, 3, MD5, 9, 10, 11, SASL_FINAL))
"""Those that Suricata knows: none left, in the clear, MD5, SSPI, and the steps of SASL."""


def parse_start(body: bytes) -> Request | None:
    """body: a message without kind, without its length. None = it is none."""
    code = int.from_bytes(body[:4])
    if code in {SSL, GSSENC, CANCEL}:
        needed = 12 if code == CANCEL else 4
        return Request(b"", code, secret=body[4:]) if len(body) == needed else None
    if not 1 <= code >> 16 <= _MAJOR:
        return None
    words = body[4:].split(b"\0")
    pairs = list(zip(words[::2], words[1::2], strict=False))
    return Request(b"", code, parameters=[pair for pair in pairs if pair[0]][:MOST_PAIRS])


def parse_request(kind: int, body: bytes) -> Request:
    request = Request(bytes((kind,)))
    if kind == ord("Q"):
        request.query = body.partition(b"\0")[0]
    elif kind == ord("p"):
        request.secret = body
    return request


def add_response(outcome: Outcome, kind: int, body: bytes, size: int) -> None:
    """size: bytes of the body, those that were passed over included."""
    outcome.messages += 1
    reader = _RESPONSES.get(kind)
    if reader is not None:
        reader(outcome, body, size)


def _authentication(outcome: Outcome, body: bytes, _size: int) -> None:
    outcome.authentication = int.from_bytes(body[:4])
    if outcome.authentication in (MD5, SASL_FINAL):
        outcome.challenge = body[4 : 4 + VALUE_LIMIT]


def _parameter(outcome: Outcome, body: bytes, _size: int) -> None:
    name, _, value = body.partition(b"\0")
    if len(outcome.parameters) < MOST_PAIRS:
        outcome.parameters.append((name[:VALUE_LIMIT], value.partition(b"\0")[0][:VALUE_LIMIT]))


def _key(outcome: Outcome, body: bytes, _size: int) -> None:
    outcome.process = body[:8]


def _description(outcome: Outcome, body: bytes, _size: int) -> None:
    outcome.fields = int.from_bytes(body[:2])


def _row(outcome: Outcome, body: bytes, size: int) -> None:
    """Each value has its length in four bytes in front of it."""
    outcome.rows += 1
    outcome.row_bytes += max(0, size - 2 - 4 * int.from_bytes(body[:2]))


def _copy_in(outcome: Outcome, body: bytes, _size: int) -> None:
    outcome.copies["in"] = int.from_bytes(body[1:3])


def _copy_out(outcome: Outcome, body: bytes, _size: int) -> None:
    outcome.copies["out"] = int.from_bytes(body[1:3])


def _copied(outcome: Outcome, _body: bytes, size: int) -> None:
    outcome.copied += 1
    outcome.copied_bytes += size


def _complete(outcome: Outcome, body: bytes, _size: int) -> None:
    outcome.completed = body.partition(b"\0")[0]


def _notice(outcome: Outcome, body: bytes, size: int) -> None:
    if not outcome.error:
        _error(outcome, body, size)


def _error(outcome: Outcome, body: bytes, _size: int) -> None:
    parts = body.split(b"\0")[:MOST_PAIRS]
    outcome.error = [(part[:1], part[1:]) for part in parts if part]


_RESPONSES: Final[dict[int, Callable[[Outcome, bytes, int], None]]] = {
    ord("R"): _authentication,
    ord("S"): _parameter,
    ord("K"): _key,
    ord("T"): _description,
    ord("D"): _row,
    ord("C"): _complete,
    ord("E"): _error,
    ord("N"): _notice,
    ord("G"): _copy_in,
    ord("H"): _copy_out,
    ord("d"): _copied,
}

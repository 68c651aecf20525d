"""Messages out of a stream, and which answers belong to which request."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.pgsql.message import (
    AUTHENTICATIONS,
    BODY_LIMIT,
    CANCEL,
    GSSENC,
    REQUEST_KINDS,
    REQUEST_SIZES,
    RESPONSE_KINDS,
    RESPONSE_SIZES,
    SSL,
    Outcome,
    Request,
    add_response,
    parse_request,
    parse_start,
)
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

MOST_WAITING: Final = 1_024
"""Requests that wait for their answer, as Suricata's pgsql.max-tx."""
KEPT_LIMIT: Final = 1_048_576
"""Bytes of those; the oldest make room."""
START_LIMIT: Final = 10_000
"""Bytes of a message at the start, as the server bounds them."""
MOST_RESPONSES: Final = 1_024
"""Messages that answer one request, rows not counted, before that is an event."""
_LENGTH: Final = 4
_ANY_SIZE: Final = range(1 << 32)
_READY, _AUTHENTICATION, _ERROR = ord("Z"), ord("R"), ord("E")
_BEGINS: Final = frozenset({b"", b"p", b"Q", b"X"})
"""Kinds of messages that each begin a transaction; others belong to the one that is open."""


class PgsqlTransaction(Transaction):
    __slots__ = ("outcome", "request", "size")

    def __init__(self, request: Request | None) -> None:
        super().__init__()
        self.request = request
        self.outcome = Outcome()
        self.size = request.size() if request is not None else 0

    def weight(self) -> int:
        return super().weight() + self.size


_NO_LENGTH: Final = "pgsql.invalid_length"
"""The one event behind which nothing can be read: where the next message begins is not known."""


class _MessageError(ValueError):
    """What has come is no message. The text is the event that says so, "" for none."""


class PgsqlParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())
        self._skip = [0, 0, 0]
        """Bytes of a message that are passed over and still to come."""
        self._waiting: deque[PgsqlTransaction] = deque()
        self._kept = 0
        """Bytes of those."""
        self._asked_encryption = False
        self._lost = [False, False, False]
        """By Direction: bytes are missing, and where the next message begins is not known; most likely with
        what comes next."""
        self._over = False
        self._successor: Successor | None = None

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        if gap > self._skip[direction]:
            self._pending[direction].clear()
            self._skip[direction] = 0
            self._lost[direction] = True
        else:
            self._skip[direction] -= gap
        self._pending[direction].extend(data)
        found: dict[PgsqlTransaction, None] = {}
        messages = self._requests() if direction == Direction.TO_SERVER else self._responses()
        try:
            for one in messages:
                found[one] = None
        except _MessageError as error:
            self._pending[direction].clear()
            if self._lost[direction] or not str(error):
                return list(found)
            broken = PgsqlTransaction(None)
            broken.event(direction, str(error))
            broken.stage[direction] = Stage.DONE
            return [*found, broken, *(self._stop() if str(error) == _NO_LENGTH else ())]
        return [*found, *self._stop()] if self._over else list(found)

    def finish(self) -> list[Transaction]:
        return self._stop()

    def over(self) -> bool:
        return self._over and self._successor is None

    def successor(self) -> Successor | None:
        """TLS, once the server has agreed to it."""
        return self._successor

    def held(self) -> int:
        return sum(map(len, self._pending)) + 1024 * len(self._waiting) + self._kept

    def _stop(self) -> list[Transaction]:
        """Nothing more is read; who waits is seen with what there is."""
        self._over = True
        left = [*self._waiting]
        self._waiting.clear()
        self._kept = 0
        for pending in self._pending:
            pending.clear()
        for one in left:
            one.stage[Direction.TO_CLIENT] = Stage.DONE
        return [*left]

    def _skipped(self, direction: int) -> bytearray:
        """The bytes of a direction, without those that are passed over."""
        pending = self._pending[direction]
        passed = min(self._skip[direction], len(pending))
        del pending[:passed]
        self._skip[direction] -= passed
        return pending

    def _message(
        self, direction: int, kinds: frozenset[int], sizes: Mapping[int, range]
    ) -> tuple[int, bytes, int] | None:
        """(kind, body, size of the body); None = it is not whole. Raises _MessageError."""
        pending = self._skipped(direction)
        if not pending:
            return None
        if self._lost[direction] and pending[0] not in kinds:
            raise _MessageError
        if len(pending) < 1 + _LENGTH:
            return None
        size = int.from_bytes(pending[1 : 1 + _LENGTH]) - _LENGTH
        if size not in sizes.get(pending[0], _ANY_SIZE):
            raise _MessageError(_NO_LENGTH)
        end = 1 + _LENGTH + min(size, BODY_LIMIT)
        if len(pending) < end:
            return None
        kind, body = pending[0], bytes(pending[1 + _LENGTH : end])
        del pending[:end]
        self._skip[direction] = size - len(body)
        self._lost[direction] = False
        return kind, body, size

    # Requests ------------------------------------------------------------------------------------

    def _requests(self) -> Iterator[PgsqlTransaction]:
        """Raises _MessageError."""
        while (request := self._request()) is not None:
            if request.kind not in _BEGINS and self._waiting:
                continue
            while len(self._waiting) > MOST_WAITING or (self._waiting and self._kept > KEPT_LIMIT):
                oldest = self._first()
                oldest.event(Direction.TO_CLIENT, "pgsql.too_many_transactions")
                oldest.stage[Direction.TO_CLIENT] = Stage.DONE
                yield oldest
            made = PgsqlTransaction(request)
            made.stage[Direction.TO_SERVER] = Stage.DONE
            if request.kind != b"X" and request.code != CANCEL:
                self._waiting.append(made)
                self._kept += made.size
            self._asked_encryption = not request.kind and request.code in {SSL, GSSENC}
            yield made

    def _first(self) -> PgsqlTransaction:
        """The oldest request, which no longer waits."""
        found = self._waiting.popleft()
        self._kept -= found.size
        return found

    def _request(self) -> Request | None:
        pending = self._skipped(Direction.TO_SERVER)
        if pending[:1] == b"\0":
            return self._start(pending)
        found = self._message(Direction.TO_SERVER, REQUEST_KINDS, REQUEST_SIZES)
        return parse_request(found[0], found[1]) if found is not None else None

    def _start(self, pending: bytearray) -> Request | None:
        if len(pending) < _LENGTH:
            return None
        size = int.from_bytes(pending[:_LENGTH])
        if not 2 * _LENGTH <= size <= START_LIMIT:
            raise _MessageError(_NO_LENGTH)
        if len(pending) < size:
            return None
        request = parse_start(bytes(pending[_LENGTH:size]))
        if request is None:
            raise _MessageError("pgsql.malformed_request")
        del pending[:size]
        return request

    # Responses -----------------------------------------------------------------------------------

    def _responses(self) -> Iterator[PgsqlTransaction]:
        """The transactions that are answered. Raises _MessageError."""
        while not self._over:
            if self._asked_encryption:
                if not (pending := self._pending[Direction.TO_CLIENT]):
                    return
                self._asked_encryption = False
                if pending[:1] != b"E":
                    yield self._encryption(pending)
                    continue
            found = self._message(Direction.TO_CLIENT, RESPONSE_KINDS, RESPONSE_SIZES)
            if found is None:
                return
            kind, body, size = found
            if kind == _AUTHENTICATION and int.from_bytes(body[:4]) not in AUTHENTICATIONS:
                raise _MessageError("pgsql.malformed_response")
            if not self._waiting:  # what it answers was not seen, or nobody asked
                continue
            outcome = self._waiting[0].outcome
            add_response(outcome, kind, body, size)
            if outcome.messages - outcome.rows - outcome.copied > MOST_RESPONSES:
                self._waiting[0].event(Direction.TO_CLIENT, "pgsql.too_many_responses")
            asks_more = kind == _AUTHENTICATION and outcome.authentication != 0
            if kind == _READY or asks_more:
                yield self._answered()

    def _encryption(self, pending: bytearray) -> PgsqlTransaction:
        """One byte: will the server encrypt?"""
        answer = bytes(pending[:1])
        del pending[:1]
        if answer not in {b"S", b"N", b"G"} or not self._waiting:
            raise _MessageError
        self._waiting[0].outcome.encrypted = self._over = answer != b"N"
        if answer == b"S":
            self._successor = Successor(
                "tls", (b"", bytes(self._pending[Direction.TO_SERVER]), bytes(pending))
            )
        return self._answered()

    def _answered(self) -> PgsqlTransaction:
        done = self._first()
        done.stage[Direction.TO_CLIENT] = Stage.DONE
        return done

"""Messages out of streams and datagrams, and which responses belong to which request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vpi_tui.detect.applayer import ber
from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.files import NOTHING_GROWN
from vpi_tui.detect.applayer.ldap.message import Message, Operation, parse_message
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

MESSAGE_LIMIT: Final = 1_048_576
"""Bytes of a message; a longer one ends the reading of its flow."""
MOST_WAITING: Final = 256
"""Requests that wait for their last response, as Suricata's ldap.max-tx."""
KEPT_LIMIT: Final = 1_048_576
"""Bytes of those and of their responses; the oldest make room."""
RESPONSES_LIMIT: Final = 262_144
"""Bytes of the responses to one request that are kept; those beyond are counted."""
COUNT: Final = "ldap.responses.count"
START_TLS: Final = b"1.3.6.1.4.1.1466.20037"
_HEAD_LIMIT: Final = 6
_NO_RESPONSE: Final = frozenset({Operation.UNBIND_REQUEST, Operation.ABANDON_REQUEST})
_NOT_LAST: Final = frozenset(
    {Operation.SEARCH_RESULT_ENTRY, Operation.SEARCH_RESULT_REFERENCE, Operation.INTERMEDIATE_RESPONSE}
)


class LdapTransaction(Transaction):
    """A request and its responses; request None: what came has none."""

    __slots__ = ("_room", "count", "held", "request", "responses", "tells")

    def __init__(self, request: Message | None = None, size: int = 0) -> None:
        super().__init__()
        self.request = request
        self.responses: list[Message] = []
        self.count = 0
        """Responses, those that are not kept included."""
        self.held = size
        """Bytes of the request, and of the responses that are kept."""
        self._room = RESPONSES_LIMIT
        self.tells: set[int] = set()
        """How many responses there were, where rules are to be told."""

    def weight(self) -> int:
        return super().weight() + self.held

    def grown(self, direction: int) -> Mapping[str, Sequence[Window]]:
        """How many responses there are, each time that some have come."""
        if direction != Direction.TO_CLIENT or not self.tells:
            return NOTHING_GROWN
        told, self.tells = sorted(self.tells), set()
        return {COUNT: [Window(count.to_bytes(4, "big")) for count in told]}

    def add(self, response: Message, size: int) -> None:
        self.count += 1
        if size <= self._room:
            self._room -= size
            self.held += size
            self.responses.append(response)


class LdapParser(Parser):
    def __init__(self, limits: Limits | None = None) -> None:
        self._counts = limits is None or limits.wants(COUNT)
        self._pending = (bytearray(), bytearray(), bytearray())
        self._waiting: dict[int, LdapTransaction] = {}
        """By message number, the oldest first."""
        self._kept = 0
        """Bytes of those."""
        self._latest: LdapTransaction | None = None
        """That was made last, while anomalies of what is no message can still be said of it."""
        self._over = False
        self._encrypted = False
        self._is_stream = False

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        """One request, or any number of responses; what is none of them ends the reading."""
        found: list[Transaction] = []
        self._settle()
        at = 0
        while at < len(data) and not self._over:
            size = _size(data, at)
            if not size or at + size > len(data):
                found += self._fail(
                    direction, "ldap.invalid_data" if size is None else "ldap.incomplete_data"
                )
                break
            found += self._message(direction, data[at : at + size])
            at += size if direction == Direction.TO_CLIENT else len(data)
        return list(dict.fromkeys(found))

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        self._is_stream = True
        self._settle()
        pending = self._pending[direction]
        if gap:
            pending.clear()
        pending += data
        found: list[Transaction] = []
        while pending and not self._over:
            size = _size(pending, 0)
            is_whole = size is not None and 0 < size <= len(pending)
            if gap and not is_whole:  # the stretch behind one begins with a message, or is no LDAP
                return self.finish()
            if size is None or size > MESSAGE_LIMIT:
                found += self._fail(direction, "ldap.invalid_data")
                break
            if not is_whole:
                break
            message = bytes(pending[:size])
            del pending[:size]
            gap = 0
            found += self._message(direction, message)
        return list(dict.fromkeys(found))

    def finish(self) -> list[Transaction]:
        """Requests whose last response did not come are seen with those that did."""
        self._over = True
        left = [*self._waiting.values()]
        self._waiting.clear()
        self._kept = 0
        for pending in self._pending:
            pending.clear()
        for one in left:
            one.stage[Direction.TO_CLIENT] = Stage.DONE
            if self._counts and one.count == 0:
                one.tells.add(0)
        return [*left]

    def over(self) -> bool:
        return self._over and not self._encrypted

    def successor(self) -> Successor | None:
        """TLS, once the server has agreed to it (RFC 4511, 4.14)."""
        return Successor("tls") if self._encrypted else None

    def held(self) -> int:
        return sum(map(len, self._pending)) + 1024 * len(self._waiting) + self._kept

    def _message(self, direction: int, data: bytes) -> Iterator[Transaction]:
        self.frames.add(direction, "pdu", data)
        message = parse_message(data)
        if message is None:
            yield from self._fail(direction, "ldap.invalid_data")
        elif direction == Direction.TO_SERVER:
            yield from self._request(message, len(data))
        else:
            yield self._response(message, len(data))
            yield from self._make_room()

    def _settle(self) -> None:
        """Other bytes come: what is over by now is not heard of any more."""
        latest = self._latest
        if latest is None:
            return
        request = latest.request
        is_last_word = request is not None and request.operation is Operation.UNBIND_REQUEST
        if is_last_word or latest.stage[Direction.TO_CLIENT] == Stage.DONE:
            self._latest = None

    def _fail(self, direction: int, event: str) -> Iterator[Transaction]:
        """What comes is no message. As in Suricata that is said of the transaction before it, if of any, and
        not where it is a request in a stream."""
        latest = self._latest
        if latest is not None and (direction == Direction.TO_CLIENT or not self._is_stream):
            latest.event(direction, event)
            yield latest
        yield from self.finish()

    def _request(self, message: Message, size: int) -> Iterator[Transaction]:
        if len(self._waiting) > MOST_WAITING:
            while self._waiting:
                yield self._too_many()
            self._over = True
            return
        made = self._latest = LdapTransaction(message, size)
        made.stage[Direction.TO_SERVER] = Stage.DONE
        if message.operation not in _NO_RESPONSE:
            self._answered(message.number)  # a number that is used again asks for something else
            self._waiting[message.number] = made
            self._kept += size
            yield from self._make_room()
        yield made

    def _answered(self, number: int) -> LdapTransaction | None:
        """The request no longer waits. None = it did not."""
        found = self._waiting.pop(number, None)
        self._kept -= found.held if found is not None else 0
        return found

    def _make_room(self) -> Iterator[LdapTransaction]:
        while self._kept > KEPT_LIMIT and len(self._waiting) > 1:
            yield self._too_many()

    def _too_many(self) -> LdapTransaction:
        oldest = self._waiting.pop(next(iter(self._waiting)))
        self._kept -= oldest.held
        oldest.event(Direction.TO_CLIENT, "ldap.too_many_transactions")
        oldest.stage[Direction.TO_CLIENT] = Stage.DONE
        return oldest

    def _response(self, message: Message, size: int) -> LdapTransaction:
        is_last = message.operation not in _NOT_LAST
        known = self._waiting.get(message.number)
        made = known if known is not None else LdapTransaction()
        if known is None:
            self._latest = made
        answers = made.request is not None
        before = made.held
        if self._counts and made.count == 0 and answers and self._is_stream:
            made.tells.add(0)  # Suricata looks when the request is acknowledged, before it reads the response
        made.add(message, size)
        if self._counts:
            made.tells = made.tells & {0} | {made.count}
            made.stage[Direction.TO_CLIENT] = Stage.HEAD
        self._kept += made.held - before if known is not None else 0
        if known is None and message.operation is not Operation.EXTENDED_RESPONSE:
            made.event(Direction.TO_CLIENT, "ldap.request_not_found")
        if known is None or is_last:
            self._answered(message.number)
            made.stage[Direction.TO_CLIENT] = Stage.DONE
        if not answers:
            made.stage[Direction.TO_SERVER] = Stage.DONE  # rules about either side see that nobody has asked
        asked = known.request if known is not None else None
        if asked is not None and asked.name == START_TLS and message.result == 0:
            self._over = self._encrypted = True
        return made


def _size(data: bytes | bytearray, at: int) -> int | None:
    """Bytes of the message that begins there; 0 = its head is not whole; None = it is no message."""
    if data[at] != ber.SEQUENCE:
        return None
    found = ber.head(data, at)
    if found is None:
        return None if len(data) - at >= _HEAD_LIMIT else 0
    return found.size + found.length

"""Messages out of datagrams and streams; each is a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.sip.message import HEAD_END, Message, parse_message
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

HEAD_LIMIT: Final = 32_768
"""Bytes of first line and header fields."""
BODY_LIMIT: Final = 65_536
"""Bytes of a body that are kept; what is longer is read and dropped."""
_BLANK: Final = b"\r\n\0 "
"""Sent between messages to keep a connection alive."""
_LONGEST_END: Final = 3
"""Bytes of the longest end of a head, but for the last."""


class SipTransaction(Transaction):
    """One message."""

    __slots__ = ("message",)

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message


class _Half:
    """One direction of a stream: a message that is not whole yet."""

    __slots__ = ("body", "head", "message", "missing", "pending", "scanned")

    def __init__(self) -> None:
        self.pending = bytearray()
        """Bytes of a head."""
        self.scanned = 0
        """How many of them hold no end of a head."""
        self.message: Message | None = None
        """Its head is whole."""
        self.head = b""
        """That head as sent, up to its empty line, when a rule looks at frames."""
        self.body = bytearray()
        self.missing = 0
        """Bytes of its body that are to come."""


class SipParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._halves = (_Half(), _Half(), _Half())
        self._over = False
        """Something came in a stream that is no message."""

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        data = data.lstrip(_BLANK)
        if not data:
            return []
        end = HEAD_END.search(data)
        head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
        message = parse_message(head[:HEAD_LIMIT], of_request=direction == Direction.TO_SERVER)
        if message is None:
            return []
        message.body = body[:BODY_LIMIT]  # whatever Content-Length says: a datagram ends by itself
        if self.frames.wanted:
            self._emit(direction, data[: end.end()] if end else data, body)
        return [_done(direction, message)]

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        half = self._halves[direction]
        found = list(self._lost(direction, half, gap)) if gap else []
        half.pending += data
        found += self._messages(direction, half)
        if (
            found and self.over()
        ):  # as in Suricata it is said of the message before it, when both come at once
            found[-1].event(direction, "sip.invalid_data")
        return found

    def finish(self) -> list[Transaction]:
        """A message whose body was not sent to its end is seen as far as it goes."""
        return [
            self._complete(direction, self._halves[direction])
            for direction in (Direction.TO_SERVER, Direction.TO_CLIENT)
            if self._halves[direction].message is not None
        ]

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        return sum(
            len(half.pending) + len(half.body) + 2048 * (half.message is not None) for half in self._halves
        )

    def _messages(self, direction: int, half: _Half) -> Iterator[Transaction]:
        while half.pending:
            if half.message is not None:
                self._take_body(half)
                if half.missing:
                    return
                yield self._complete(direction, half)
                continue
            if half.pending[0] in _BLANK:
                del half.pending[: len(half.pending) - len(half.pending.lstrip(_BLANK))]
            end = HEAD_END.search(half.pending, half.scanned)
            half.scanned = max(len(half.pending) - _LONGEST_END, 0) if end is None else 0
            if end is None:
                self._over = len(half.pending) > HEAD_LIMIT
                return
            head = bytes(half.pending[: end.start()])
            if self.frames.wanted:
                half.head = bytes(half.pending[: end.end()])
            del half.pending[: end.end()]
            half.message = parse_message(head, of_request=direction == Direction.TO_SERVER)
            if half.message is None:
                self._over = True
                return
            half.missing = half.message.body_length or 0
            if not half.missing:
                yield self._complete(direction, half)

    def _take_body(self, half: _Half) -> None:
        count = min(half.missing, len(half.pending))
        half.body += half.pending[: min(count, BODY_LIMIT - len(half.body))]
        half.missing -= count
        del half.pending[:count]

    def _lost(self, direction: int, half: _Half, gap: int) -> Iterator[Transaction]:
        """Bytes are missing: a body that they belong to is over, a head is no longer one."""
        half.pending.clear()
        half.scanned = 0
        if half.message is None:
            return
        if gap < half.missing:
            half.missing -= gap
        else:
            yield self._complete(direction, half)

    def _complete(self, direction: int, half: _Half) -> SipTransaction:
        assert half.message is not None
        message, half.message = half.message, None
        message.body = bytes(half.body)
        half.body.clear()
        half.missing = 0
        if self.frames.wanted:
            self._emit(direction, half.head, message.body)
        return _done(direction, message)

    def _emit(self, direction: int, head: bytes, body: bytes) -> None:
        """The frames of a message. head: with its empty line."""
        kind = "request" if direction == Direction.TO_SERVER else "response"
        line = head.find(b"\n") + 1
        blank = 2 if head.endswith(b"\r\n") else 1
        self.frames.add(direction, "pdu", head + body)
        self.frames.add(direction, f"{kind}.line", head[:line])
        self.frames.add(direction, f"{kind}.headers", head[line : len(head) - blank])
        self.frames.add(direction, f"{kind}.body", body)


def _done(direction: int, message: Message) -> SipTransaction:
    made = SipTransaction(message)
    made.stage[direction] = Stage.DONE
    return made

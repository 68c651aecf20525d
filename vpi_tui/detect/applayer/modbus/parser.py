"""Messages out of a stream, and which response belongs to which request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.modbus.message import (
    HEADER,
    LEAST,
    MOST,
    Access,
    Message,
    answers,
    begins_flow,
    mismatches,
    parse_message,
)
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

FLOOD: Final = 500
"""Requests that wait for a response, as Suricata counts a flood."""
KEPT_LIMIT: Final = 1_048_576
"""Bytes of those; the oldest make room."""
A_VALUE: Final = 48
"""Bytes that one value takes which a request sets, as rules see it."""
_OF_DATA: Final = frozenset({"modbus.invalid_value", "modbus.invalid_length"})


class ModbusTransaction(Transaction):
    """A request, or the response to one, in its own direction."""

    __slots__ = ("request", "response", "size")

    def __init__(self, direction: int, request: Message | None, response: Message | None = None) -> None:
        super().__init__()
        self.request = request
        self.response = response
        self.size = 0
        """Bytes of a request that waits."""
        self.stage[direction] = Stage.DONE


class ModbusParser(Parser):
    def __init__(self, _limits: Limits | None = None) -> None:
        self._pending = (bytearray(), bytearray(), bytearray())
        self._waiting: dict[tuple[int, int, int], list[ModbusTransaction]] = {}
        """Requests by transaction, unit and function, the oldest first."""
        self._count = self._kept = 0
        """How many those are, and their bytes."""
        self._begun = self._over = False
        """Has the flow begun with a message? One that does not is none of Modbus."""
        self._given_up = False
        """Too many requests wait: nothing new is looked at before some have their response."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._over:
            return []
        pending = self._pending[direction]
        if gap:
            pending.clear()
        pending += data
        found: list[Transaction] = []
        while len(pending) >= HEADER:
            size = int.from_bytes(pending[4:6], "big")
            is_right = LEAST <= size <= MOST
            if is_right and len(pending) < HEADER + size:
                break
            message = bytes(pending[: HEADER + size * is_right])
            del pending[: HEADER + size]  # of a wrong one what is there already
            self._over = not self._begun and not begins_flow(message)
            if self._over:
                break
            self._begun = True
            found += self._message(direction, message)
        return found

    def finish(self) -> list[Transaction]:
        return []

    def over(self) -> bool:
        return self._over

    def held(self) -> int:
        return sum(map(len, self._pending)) + 1024 * self._count + self._kept

    def _message(self, direction: int, data: bytes) -> Iterator[Transaction]:
        """data: of one with a wrong length just what stands before its unit."""
        of_request = direction == Direction.TO_SERVER
        number = int.from_bytes(data[:2], "big")
        if len(data) == HEADER:
            message = Message(number, 0, 0, b"", events=["modbus.invalid_length"])
        else:
            message = parse_message(number, data[6], data[7], data[8:], of_request=of_request)
        made = self._request(message, len(data)) if of_request else self._response(message)
        if made is None:
            return
        for name in message.events:
            made.event(direction, name)
        if data[2:4] != b"\0\0":
            made.event(direction, "modbus.invalid_protocol_id")
        yield made

    def _request(self, message: Message, size: int) -> ModbusTransaction | None:
        if self._given_up:
            return None
        made = ModbusTransaction(Direction.TO_SERVER, message)
        if self._count >= FLOOD:
            made.event(Direction.TO_SERVER, "modbus.flooded")
            self._given_up = True
        self._waiting.setdefault(_key(message), []).append(made)
        made.size = size + A_VALUE * message.writes
        self._count += 1
        self._kept += made.size
        while self._kept > KEPT_LIMIT and self._count > 1:
            self._answered(next(iter(self._waiting)))
        return made

    def _response(self, message: Message) -> ModbusTransaction | None:
        key = _key(message)
        place = self._place(message, key)
        if place < 0:
            if self._given_up:
                return None
            made = ModbusTransaction(Direction.TO_CLIENT, None, message)
            _at_odds(message, False)
            made.event(Direction.TO_CLIENT, "modbus.unsolicited_response")
            for name in message.events:
                made.event(Direction.TO_CLIENT, name)
            made.stage[Direction.TO_SERVER] = Stage.DONE  # rules about either side see what is odd about it
            return made
        made = self._answered(key, place)
        made.response = message
        made.stage[Direction.TO_CLIENT] = Stage.DONE
        assert made.request is not None
        _at_odds(message, mismatches(made.request, message))
        return made

    def _place(self, response: Message, key: tuple[int, int, int]) -> int:
        """Which of the requests with this key it answers; -1 = none."""
        waiting = enumerate(self._waiting.get(key, ()))
        return next((n for n, one in waiting if one.request and answers(response, one.request)), -1)

    def _answered(self, key: tuple[int, int, int], place: int = 0) -> ModbusTransaction:
        """One of these requests, the oldest unless said otherwise, no longer waits."""
        waiting = self._waiting[key]
        found = waiting.pop(place)
        if not waiting:
            del self._waiting[key]
        self._count -= 1
        self._kept -= found.size
        self._given_up = self._given_up and self._count >= FLOOD
        return found


def _at_odds(message: Message, differs: bool) -> None:
    """What is wrong with the data of an answer is one event. differs: from what was asked."""
    if not message.access & (Access.READ | Access.WRITE):
        return
    if differs or not _OF_DATA.isdisjoint(message.events):
        message.events = [name for name in message.events if name not in _OF_DATA]
        message.events.append("modbus.value_mismatch")


def _key(message: Message) -> tuple[int, int, int]:
    return message.transaction, message.unit, message.function

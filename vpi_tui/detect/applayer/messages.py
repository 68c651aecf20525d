"""Protocols of which each message is a transaction of its own: what their modules have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from vpi_tui.detect.applayer.application import BOTH, Buffer
from vpi_tui.detect.applayer.base import Parser
from vpi_tui.detect.applayer.transaction import Stage, Transaction


class MessageTransaction(Transaction):
    """One message, done as soon as it is there. message: what could be read of it; None = nothing."""

    __slots__ = ("message",)

    def __init__(self, direction: int, message: Any, events: Iterable[str] = ()) -> None:
        super().__init__()
        self.message = message
        self.stage[direction] = Stage.DONE
        for name in events:
            self.event(direction, name)


class DatagramParser(Parser, ABC):
    """A protocol of datagrams that stand alone: nothing is kept between them."""

    @abstractmethod
    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        """The transactions of one datagram."""

    def feed(self, _direction: int, _data: bytes, _gap: int) -> list[Transaction]:
        return []

    def finish(self) -> list[Transaction]:
        return []


class Prefixed:
    """Cuts one direction of a stream into messages that have their length, big-endian, before them."""

    __slots__ = ("_digits", "_limit", "_pending", "lost")

    def __init__(self, digits: int, limit: int) -> None:
        """digits: bytes of the length; limit: bytes of a message."""
        self._digits = digits
        self._limit = limit
        self._pending = bytearray()
        self.lost = False
        """Where the next message begins is not known: nothing more is read."""

    def __len__(self) -> int:
        return len(self._pending)

    def feed(self, data: bytes, gap: int = 0) -> Iterator[bytes]:
        """The messages that are whole now, without their lengths. One beyond the limit ends the reading."""
        if gap or self.lost:
            self.lose()
            return
        self._pending += data
        while len(self._pending) >= self._digits:
            size = int.from_bytes(self._pending[: self._digits])
            if size > self._limit:
                self.lose()
                return
            end = self._digits + size
            if len(self._pending) < end:
                return
            message = bytes(self._pending[self._digits : end])
            del self._pending[:end]
            yield message

    def lose(self) -> None:
        self.lost = True
        self._pending.clear()


Get = Callable[[Any], Iterable[bytes]]


def message_buffer(name: str, get: Get, directions: int = BOTH, *, empty: bool = False) -> Buffer:
    """A buffer whose instances `get` makes of a message that could be read; those that are empty are left out
    unless `empty`."""

    def instances(transaction: MessageTransaction, direction: int) -> Sequence[bytes]:
        if not transaction.stage[direction] or transaction.message is None:
            return ()
        return [value for value in get(transaction.message) if value or empty]

    return Buffer(name, directions, Stage.DONE, instances)


def number_buffer(name: str, get: Callable[[Any], int | None], directions: int = BOTH) -> Buffer:
    """A buffer that holds a number of 32 bits (one below zero as its two's complement); None = none."""

    def instances(transaction: MessageTransaction, direction: int) -> Sequence[bytes]:
        if not transaction.stage[direction] or transaction.message is None:
            return ()
        value = get(transaction.message)
        return () if value is None else ((value & 0xFFFFFFFF).to_bytes(4, "big"),)

    return Buffer(name, directions, Stage.DONE, instances)

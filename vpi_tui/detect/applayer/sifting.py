"""Datagrams of which a sieve says that no rule can find anything in them: they meet no parser."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import I32, I64, U8, U32, DecodedBatch, Direction, FlowBatch, PacketBatch


class DatagramSieve(Protocol):
    """For one protocol whose datagrams are messages that stand alone."""

    def remarkable(self, buf: U8, start: I64, size: I64, direction: U8) -> NDArray[np.bool_]:
        """bool[n]: True = the parser has to see the datagram. start, size: int64[n], in buf."""
        ...


class Sifted:
    """Applies the sieves, and counts what they kept from parsers that may be asked later."""

    def __init__(self) -> None:
        self._sieves: Mapping[int, DatagramSieve] = {}
        self._count: U32 = np.zeros(0, np.uint32)
        """By slot: transactions of its flow that no parser has seen."""

    def use(self, sieves: Mapping[int, DatagramSieve]) -> None:
        """From now on. sieves: by number of the application."""
        self._sieves = sieves

    def forget(self, slots: I32) -> None:
        """Other flows have these slots now; those that are none of the table's are left out."""
        self._count[slots[(slots >= 0) & (slots < self._count.size)]] = 0

    def count(self, slot: int) -> int:
        """How many transactions of a flow no parser has seen."""
        return int(self._count[slot]) if slot < self._count.size else 0

    def sift(
        self,
        rows: I64,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        followed: Container[int],
    ) -> tuple[I64, list[tuple[int, int]]]:
        """(the rows that parsers have to see, by application how many of the others are to servers).

        Flows that have a parser already are not sifted: what it has seen must be whole.
        """
        begun = []
        for number, sieve in self._sieves.items():
            own = np.flatnonzero(flows.app[rows] == number)
            slots = flows.flow[rows[own]]
            own = own[[slot not in followed for slot in slots.tolist()]]
            if not own.size:
                continue
            of = rows[own]
            direction = flows.direction[of]
            start, size = decoded.payload_off[of].astype(np.int64), decoded.payload_len[of].astype(np.int64)
            dull = ~sieve.remarkable(packets.buf, start, size, direction)
            dull &= ~_behind(flows.flow[of], ~dull)
            begun.append((number, int(np.count_nonzero(direction[dull] == Direction.TO_SERVER))))
            self._add(flows.flow[of[dull]])
            rows = np.delete(rows, own[dull])
        return rows, begun

    def _add(self, slots: I32) -> None:
        most = int(slots.max(initial=-1)) + 1
        if most > self._count.size:
            grown = np.zeros(max(most, 2 * self._count.size), np.uint32)
            grown[: self._count.size] = self._count
            self._count = grown
        np.add.at(self._count, slots, 1)


def _behind(slots: I32, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which stand behind a marked one of the same slot?"""
    _, of = np.unique(slots, return_inverse=True)
    place = np.arange(slots.size)
    first = np.full(slots.size, slots.size)
    np.minimum.at(first, of[marked], place[marked])
    behind: NDArray[np.bool_] = place > first[of]
    return behind

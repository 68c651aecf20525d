"""Flows that another flow has arranged: the data connections of FTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vpi_tui.model.batch import U16, U64

if TYPE_CHECKING:
    from vpi_tui.detect.applayer.transaction import Transaction

MOST_EXPECTED: Final = 4_096
"""Flows that are expected at a time; the one that was arranged first makes room."""


class Ends(NamedTuple):
    """Who speaks with whom, by slot of the flow table: uint64[slots, 2] and uint16[slots]."""

    client: U64
    server: U64
    server_port: U16

    def numbers(self, slot: int) -> tuple[int, int]:
        """Addresses of (client, server), 128 bits each; IPv4 as ::ffff:a.b.c.d."""
        return _number(self.client, slot), _number(self.server, slot)

    def addresses(self, slot: int) -> tuple[bytes, bytes]:
        """The same, 16 bytes each."""
        client, server = self.numbers(slot)
        return client.to_bytes(16), server.to_bytes(16)


def _number(column: U64, slot: int) -> int:
    high, low = column[slot].tolist()
    number: int = high << 64 | low
    return number


class Arranged(NamedTuple):
    """A flow between the same two hosts that is to come. cause: the transaction that arranged it."""

    application: str
    port: int
    """Of the one who is called."""
    cause: Transaction


class Expectations:
    """What is arranged, by the two hosts and the port of the one who is called."""

    def __init__(self) -> None:
        self._expected: dict[tuple[frozenset[bytes], int], Arranged] = {}
        self.ports: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._expected)

    def add(self, hosts: tuple[bytes, bytes], arranged: Arranged) -> None:
        if len(self._expected) >= MOST_EXPECTED:
            self._drop(next(iter(self._expected)))
        key = frozenset(hosts), arranged.port
        self._expected.pop(key, None)
        self._expected[key] = arranged
        self.ports.add(arranged.port)

    def take(self, hosts: tuple[bytes, bytes], port: int) -> Arranged | None:
        """What a flow was arranged for, which it is then no longer expected for."""
        key = frozenset(hosts), port
        found = self._expected.get(key)
        if found is not None:
            self._drop(key)
        return found

    def _drop(self, key: tuple[frozenset[bytes], int]) -> None:
        del self._expected[key]
        if all(port != key[1] for _, port in self._expected):
            self.ports.discard(key[1])

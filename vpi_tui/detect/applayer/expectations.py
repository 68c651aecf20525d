"""Flows that another flow has arranged: the data connections of FTP."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from vpi_tui.model.batch import U16, U64

if TYPE_CHECKING:
    from vpi_tui.detect.applayer.transaction import Transaction

MOST_EXPECTED: Final = 4_096
"""Flows that are expected at a time; the one that was arranged first makes room."""
MOST_OF_PAIR: Final = 10
"""Those between two hosts, as in Suricata: nobody takes the room of all others."""
_Key = tuple[frozenset[bytes], int]


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
        self._expected: OrderedDict[_Key, Arranged] = OrderedDict()
        self._of_pair: dict[frozenset[bytes], list[int]] = {}
        """Ports of two hosts, the oldest first."""
        self.ports: Counter[int] = Counter()
        """How many flows are expected at each."""

    def __bool__(self) -> bool:
        return bool(self._expected)

    def add(self, hosts: tuple[bytes, bytes], arranged: Arranged) -> None:
        pair = frozenset(hosts)
        key = pair, arranged.port
        if key in self._expected:
            self._drop(key)
        of_pair = self._of_pair.get(pair, [])
        if len(of_pair) >= MOST_OF_PAIR:
            self._drop((pair, of_pair[0]))
        elif len(self._expected) >= MOST_EXPECTED:
            self._drop(next(iter(self._expected)))
        self._expected[key] = arranged
        self._of_pair.setdefault(pair, []).append(arranged.port)
        self.ports[arranged.port] += 1

    def take(self, hosts: tuple[bytes, bytes], port: int) -> Arranged | None:
        """What a flow was arranged for, which it is then no longer expected for."""
        key = frozenset(hosts), port
        found = self._expected.get(key)
        if found is not None:
            self._drop(key)
        return found

    def _drop(self, key: _Key) -> None:
        pair, port = key
        del self._expected[key]
        self._of_pair[pair].remove(port)
        if not self._of_pair[pair]:
            del self._of_pair[pair]
        self.ports[port] -= 1
        if not self.ports[port]:
            del self.ports[port]

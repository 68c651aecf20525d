"""Flows that another flow has arranged: the data connections of FTP."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from vpi_tui.model.batch import I16, I32, U16, U64

if TYPE_CHECKING:
    from vpi_tui.detect.applayer.transaction import Transaction

MOST_EXPECTED: Final = 4_096
"""Flows that are expected at a time; the one that was arranged first makes room."""
MOST_OF_PAIR: Final = 10
"""Those between two hosts, as in Suricata: nobody takes the room of all others. A control connection makes
room among its own first."""
MANY_OF_ONE: Final = 256
"""Those of one host, or of one port of a switch, beyond which it makes room for itself: whoever invents one
end of his connections takes the room of no other hosts, and who invents both of no other ports."""
_Key = tuple[frozenset[bytes], int]
_NOTHING: Final[OrderedDict[_Key, None]] = OrderedDict()
_One = TypeVar("_One")


class Ends(NamedTuple):
    """Who speaks with whom, by slot of the flow table: uint64[slots, 2], uint16[slots], int32[slots] and
    int16[slots]."""

    client: U64
    server: U64
    server_port: U16
    place: I32
    """Where the client's first packet entered, which nobody can forge; 0 = not known."""
    guest: I16
    """The client's position in the topology; below 0 = it is no guest, or nobody knows."""

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


class Control(NamedTuple):
    """The flow that arranges one."""

    slot: int
    place: int
    """As of Ends."""


class _Expected(NamedTuple):
    arranged: Arranged
    control: Control


class Expectations:
    """What is arranged, by the two hosts and the port of the one who is called."""

    def __init__(self) -> None:
        self._expected: OrderedDict[_Key, _Expected] = OrderedDict()
        self._of_pair: dict[frozenset[bytes], list[int]] = {}
        """Ports of two hosts, the oldest first."""
        self._of_host: dict[bytes, OrderedDict[_Key, None]] = {}
        self._of_place: dict[int, OrderedDict[_Key, None]] = {}
        self.ports: Counter[int] = Counter()
        """How many flows are expected at each."""

    def __bool__(self) -> bool:
        return bool(self._expected)

    def __len__(self) -> int:
        return len(self._expected)

    def add(self, hosts: tuple[bytes, bytes], arranged: Arranged, control: Control) -> None:
        pair = frozenset(hosts)
        key = pair, arranged.port
        if key in self._expected:
            self._drop(key)
        if len(self._of_pair.get(pair, ())) >= MOST_OF_PAIR:
            self._drop((pair, self._last_of_pair(pair, control.slot)))
        elif len(self._expected) >= MOST_EXPECTED:
            self._drop(self._least_needed(pair, control.place))
        self._expected[key] = _Expected(arranged, control)
        self._of_pair.setdefault(pair, []).append(arranged.port)
        for host in pair:
            self._of_host.setdefault(host, OrderedDict())[key] = None
        self._of_place.setdefault(control.place, OrderedDict())[key] = None
        self.ports[arranged.port] += 1

    def take(self, hosts: tuple[bytes, bytes], port: int) -> Arranged | None:
        """What a flow was arranged for, which it is then no longer expected for."""
        key = frozenset(hosts), port
        found = self._expected.get(key)
        if found is None:
            return None
        self._drop(key)
        return found.arranged

    def _last_of_pair(self, pair: frozenset[bytes], slot: int) -> int:
        """The oldest port of the flow that has arranged most between two hosts; of several that one."""
        ports = self._of_pair[pair]
        arrangers = [self._expected[pair, port].control.slot for port in ports]
        count = Counter(arrangers)
        heaviest = max(count, key=lambda one: (count[one], one == slot))
        return ports[arrangers.index(heaviest)]

    def _least_needed(self, pair: frozenset[bytes], place: int) -> _Key:
        """The oldest of that one of these hosts which has many, of the place if it has, else of all."""
        of_hosts = (self._of_host.get(host, _NOTHING) for host in pair)
        for some in (max(of_hosts, key=len), self._of_place.get(place, _NOTHING)):
            if len(some) >= MANY_OF_ONE:
                return next(iter(some))
        return next(iter(self._expected))

    def _drop(self, key: _Key) -> None:
        pair, port = key
        place = self._expected.pop(key).control.place
        self._of_pair[pair].remove(port)
        if not self._of_pair[pair]:
            del self._of_pair[pair]
        for host in pair:
            _forget(self._of_host, host, key)
        _forget(self._of_place, place, key)
        self.ports[port] -= 1
        if not self.ports[port]:
            del self.ports[port]


def _forget(kept: dict[_One, OrderedDict[_Key, None]], one: _One, key: _Key) -> None:
    del kept[one][key]
    if not kept[one]:
        del kept[one]

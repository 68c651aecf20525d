"""FlowColumns as numpy columns, with the vectorised tests of the filter language.

All work is over whole columns: 100,000 flows are filtered and sorted in milliseconds. Text is made only
for names (few), and for IPv6 addresses, whose text a plain word might be looked for in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import FlowState
from vpi_tui.model.snapshot import FlowColumns
from vpi_tui.model.topology import End, Locality
from vpi_tui.view.filters import Fields, Filter, FilterError, Term

Mask = NDArray[np.bool_]
Column = NDArray[Any]

_NAMELESS = {"client-unnamed": "src_guest", "server-unnamed": "dest_guest", "app-unknown": "app_proto"}
"""Flags of flows that lack a name, and the column that lacks it."""
_ENDS = {
    f"{side}-{end.name.lower()}": (column, end)
    for side, column in (("client", "src_end"), ("server", "dest_end"))
    for end in End
}
"""Flags of flows one of whose ends is no guest, the column that tells it, and what it is."""

FIELDS = Fields(
    keys=frozenset(
        {
            "src",
            "dst",
            "ip",
            "net",
            "port",
            "sport",
            "dport",
            "app",
            "proto",
            "guest",
            "switch",
            "state",
            "vlan",
            "locality",
        }
    ),
    flags=frozenset(
        {
            "alerted",
            "new",
            "established",
            "closed",
            "east-west",
            "north-south",
            "host",
            "external",
            "unknown",
            "app-unknown",
            *_NAMELESS,
            *_ENDS,
        }
    ),
)
STATE_NAMES = tuple(state.name.lower() for state in FlowState)
LOCALITY_NAMES = tuple(place.name.lower().replace("_", "-") for place in Locality)
PROTOCOLS = {
    1: "icmp",
    2: "igmp",
    6: "tcp",
    17: "udp",
    47: "gre",
    50: "esp",
    58: "icmp6",
    89: "ospf",
    132: "sctp",
}
_MAPPED = 0xFFFF

_TYPES = {
    "flow_id": "<u8",
    "src_port": "<u2",
    "dest_port": "<u2",
    "proto": "u1",
    "vlan": "<u2",
    "state": "u1",
    "locality": "u1",
    "alerted": "u1",
    "switch": "<u2",
    "src_guest": "<u2",
    "dest_guest": "<u2",
    "src_end": "u1",
    "dest_end": "u1",
    "app_proto": "<u2",
    "start_ns": "<i8",
    "end_ns": "<i8",
    "pkts_toserver": "<u8",
    "pkts_toclient": "<u8",
    "bytes_toserver": "<u8",
    "bytes_toclient": "<u8",
}


class FlowTable:
    """One snapshot's flows. `columns` by name; addresses as uint8[n, 16]. Short columns count as zeros."""

    def __init__(self, source: FlowColumns | None = None) -> None:
        source = source or FlowColumns()
        self.count = max(source.count, 0)
        self.total = max(source.total, self.count)
        self.names = source.names or ("",)
        self.columns: dict[str, Column] = {
            name: _column(getattr(source, name), kind, self.count) for name, kind in _TYPES.items()
        }
        self.src = _column(source.src_ip, "u1", 16 * self.count).reshape(-1, 16)
        self.dest = _column(source.dest_ip, "u1", 16 * self.count).reshape(-1, 16)
        for name in ("switch", "src_guest", "dest_guest", "app_proto"):
            self.columns[name] = np.minimum(self.columns[name], len(self.names) - 1)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def v6(self, addresses: Column) -> Mask:
        """Which addresses are not IPv4-mapped."""
        halves = np.ascontiguousarray(addresses).view(">u8").reshape(-1, 2)
        return np.asarray((halves[:, 0] != 0) | (halves[:, 1] >> np.uint64(32) != _MAPPED))

    def mask(self, wanted: Filter) -> Mask | None:
        """Rows that hold the filter; None = all of them."""
        if not wanted:
            return None
        out: Mask | None = None
        for term in wanted.terms:
            found = self._term(term)
            found = ~found if term.negated else found
            out = found if out is None else out & found
        return out

    def _term(self, term: Term) -> Mask:
        if not term.key:
            return self._anywhere(term.value)
        return _TESTS[term.key](self, term)

    def _anywhere(self, word: str) -> Mask:
        found = self.names_hold("src_guest", word) | self.names_hold("dest_guest", word)
        found |= self.names_hold("switch", word) | self.names_hold("app_proto", word)
        found |= _proto_texts(word)[self["proto"]]
        found |= _choice_holds(STATE_NAMES, word, self["state"])
        if word.isdigit():
            ports = _port_texts(word)
            found |= ports[self["src_port"]] | ports[self["dest_port"]]
        return found | self.address_holds(self.src, word) | self.address_holds(self.dest, word)

    def names_hold(self, column: str, word: str) -> Mask:
        return self.names_where(column, lambda name: word in name)

    def names_where(self, column: str, test: Callable[[str], bool]) -> Mask:
        """Rows whose name in a column holds a test; it is asked once a name, in lower case."""
        hits = np.fromiter((test(name.lower()) for name in self.names), np.bool_, len(self.names))
        return np.asarray(hits[self.columns[column]])

    def address_holds(self, addresses: Column, word: str) -> Mask:
        """Whose text holds the word. IPv4 octet by octet with small tables; IPv6 by text, each one once."""
        found = np.zeros(self.count, np.bool_)
        if not word or word.strip("0123456789abcdef.:"):
            return found
        v6 = self.v6(addresses)
        if not word.strip("0123456789."):
            found = _octets_hold(addresses[:, 12:], word) & ~v6
        if v6.any():
            rows = np.flatnonzero(v6)
            keys = np.ascontiguousarray(addresses[rows]).view("V16").ravel().tolist()
            texts = {key: word in address_text(key) for key in set(keys)}
            found[rows] = np.fromiter((texts[key] for key in keys), np.bool_, len(keys))
        return found

    def address_is(self, addresses: Column, text: str) -> Mask:
        """Whose text is this address."""
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            return np.zeros(self.count, np.bool_)
        return self.in_network(addresses, network)

    def in_network(self, addresses: Column, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Mask:
        bits = network.prefixlen + (96 if network.version == 4 else 0)
        base = network.network_address.packed
        packed = (b"\0" * 10 + b"\xff\xff" + base) if network.version == 4 else base
        whole, rest = divmod(bits, 8)
        goal = np.frombuffer(packed, np.uint8)
        inside = np.asarray((addresses[:, :whole] == goal[:whole]).all(axis=1))
        if rest:
            keep = 0xFF << (8 - rest) & 0xFF
            inside &= (addresses[:, whole] & keep) == (goal[whole] & keep)
        return inside


def _column(raw: bytes, kind: str, count: int) -> Column:
    """A column of exactly `count` values, whatever the other side sent."""
    values = np.frombuffer(raw[: len(raw) // np.dtype(kind).itemsize * np.dtype(kind).itemsize], kind)
    if len(values) >= count:
        return values[:count]
    return np.concatenate([values, np.zeros(count - len(values), kind)])


@lru_cache(maxsize=65_536)
def address_text(packed: bytes) -> str:
    """16 bytes in network order as text; IPv4-mapped ones as IPv4."""
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return ".".join(map(str, packed[12:]))
    return str(ipaddress.IPv6Address(packed))


def proto_name(number: int) -> str:
    return PROTOCOLS.get(number, f"ip/{number}")


@lru_cache(maxsize=64)
def _proto_texts(word: str) -> Mask:
    return np.fromiter((word in proto_name(number) for number in range(256)), np.bool_, 256)


@lru_cache(maxsize=64)
def _port_texts(word: str) -> Mask:
    return np.fromiter((word in str(port) for port in range(65_536)), np.bool_, 65_536)


def _choice_holds(names: tuple[str, ...], word: str, values: Column) -> Mask:
    hits = np.zeros(256, np.bool_)
    hits[: len(names)] = [word in name for name in names]
    return np.asarray(hits[values])


def _octets_hold(octets: Column, word: str) -> Mask:
    """Exactly `word in "a.b.c.d"` for each row: each piece between dots is looked up in a table of 256."""
    pieces = word.split(".")
    found = np.zeros(len(octets), np.bool_)
    for first in range(4 - len(pieces) + 1):
        here = np.ones(len(octets), np.bool_)
        for place, piece in enumerate(pieces):
            edges = (place > 0, place < len(pieces) - 1)
            here &= _octet_table(piece, *edges)[octets[:, first + place]]
        found |= here
    return found


@lru_cache(maxsize=256)
def _octet_table(piece: str, begins: bool, ends: bool) -> Mask:
    """Octets whose text holds the piece; begins / ends: the piece must start / end where the octet does."""
    return np.fromiter((_fits(str(value), piece, begins, ends) for value in range(256)), np.bool_, 256)


def _fits(text: str, piece: str, begins: bool, ends: bool) -> bool:
    if begins and ends:
        return text == piece
    if begins:
        return text.startswith(piece)
    return text.endswith(piece) if ends else piece in text


# One small function a field ---------------------------------------------------------------------


def _between(values: Column, term: Term) -> Mask:
    low, high = term.span or (0, 0)
    return np.asarray((values >= min(low, 1 << 16)) & (values <= min(high, 1 << 16)))


def _end(table: FlowTable, addresses: Column, guest: str, term: Term) -> Mask:
    named = table.names_where(guest, term.found_in)
    if not term.whole:
        return named | table.address_holds(addresses, term.value)
    return named | table.address_is(addresses, term.value)


def _net(table: FlowTable, term: Term) -> Mask:
    if term.network is None:
        raise FilterError("net: takes a network such as 10.0.0.0/8.")
    return table.in_network(table.src, term.network) | table.in_network(table.dest, term.network)


def _flag(table: FlowTable, term: Term) -> Mask:
    if term.value == "alerted":
        return np.asarray(table["alerted"] > 0)
    if term.value in _NAMELESS:
        nameless = np.fromiter((not name for name in table.names), np.bool_, len(table.names))
        return np.asarray(nameless[table[_NAMELESS[term.value]]])
    if term.value in _ENDS:
        column, end = _ENDS[term.value]
        return np.asarray(table[column] == -end)
    if term.value in STATE_NAMES:
        return np.asarray(table["state"] == STATE_NAMES.index(term.value))
    return np.asarray(table["locality"] == LOCALITY_NAMES.index(term.value))


_TESTS: dict[str, Callable[[FlowTable, Term], Mask]] = {
    "src": lambda t, term: _end(t, t.src, "src_guest", term),
    "dst": lambda t, term: _end(t, t.dest, "dest_guest", term),
    "ip": lambda t, term: t.address_holds(t.src, term.value) | t.address_holds(t.dest, term.value),
    "net": _net,
    "port": lambda t, term: (
        _between(t["src_port"].astype(np.uint32), term) | _between(t["dest_port"].astype(np.uint32), term)
    ),
    "sport": lambda t, term: _between(t["src_port"].astype(np.uint32), term),
    "dport": lambda t, term: _between(t["dest_port"].astype(np.uint32), term),
    "app": lambda t, term: t.names_where("app_proto", term.found_in),
    "proto": lambda t, term: _proto_texts(term.value)[t["proto"]],
    "guest": lambda t, term: (
        t.names_where("src_guest", term.found_in) | t.names_where("dest_guest", term.found_in)
    ),
    "switch": lambda t, term: t.names_where("switch", term.found_in),
    "locality": lambda t, term: _choice_holds(LOCALITY_NAMES, term.value, t["locality"]),
    "state": lambda t, term: _choice_holds(STATE_NAMES, term.value, t["state"]),
    "vlan": lambda t, term: _between(t["vlan"].astype(np.uint32), term),
    "is": _flag,
}

"""The baseline: who spoke to whom while it was learned, and the policy that allows just that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import U64
from vpi_tui.model.places import placed, places_since
from vpi_tui.model.policy import WITH_PORTS, Policy, PolicyLine, PortRange, Selector, same_proto
from vpi_tui.model.topology import End, Guest, Locality, Topology

MAX_LEARNED = 1 << 16
"""Kinds of connection that are learned at most."""
MANY_PORTS = 12
"""Ports of one pair and protocol that are listed; of more, the span is allowed."""
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
SYN = 2
_JUDGED = np.array([Locality.EAST_WEST, Locality.NORTH_SOUTH, Locality.HOST], np.uint8)
_FIELDS = (("src", 40, np.int16), ("dest", 24, np.int16), ("proto", 16, np.uint8), ("port", 0, np.uint16))
Connections = dict[tuple[int, int], set[tuple[int, int]]]
"""Two ends -> (protocol, port) of the server."""


class Baseline:
    """Learns between `start` and `stop`; both are times of packets."""

    def __init__(self) -> None:
        self.since_ns = 0
        self.until_ns = 0
        """0 = it is being learned, or there is none."""
        self.lost = 0
        """Kinds of connection for which there was no room."""
        self._keys: U64 = np.zeros(0, np.uint64)

    @property
    def learning(self) -> bool:
        return self.since_ns > 0 and not self.until_ns

    def __len__(self) -> int:
        return len(self._keys)

    def start(self, now_ns: int, live: NDArray[Any]) -> None:
        """Begin anew. live: records of the flows that are there already."""
        self.since_ns, self.until_ns, self.lost = max(now_ns, 1), 0, 0
        self._keys = np.zeros(0, np.uint64)
        self.learn(live)

    def stop(self, now_ns: int) -> None:
        self.until_ns = max(now_ns, 1)

    def learn(self, flows: NDArray[Any]) -> None:
        """Take note of flow records; those that nobody judges are left out."""
        keys = np.setdiff1d(keys_of(judged(flows)), self._keys)
        room = MAX_LEARNED - len(self._keys)
        self.lost += max(0, len(keys) - room)
        if len(keys) and room:
            self._keys = np.union1d(self._keys, keys[:room])

    def move(self, before: Topology, now: Topology) -> None:
        """Guests stand at other places; those that are gone are forgotten."""
        places = places_since([guest.name for guest in before.guests], [guest.name for guest in now.guests])
        if places is None:
            return
        fields = _unpacked(self._keys)
        for name in ("src", "dest"):
            fields[name] = placed(fields[name], places)
        self._keys = np.unique(_packed(**fields))

    def connections(self) -> Connections:
        found: Connections = defaultdict(set)
        columns = _unpacked(self._keys)
        rows = zip(*(columns[name].tolist() for name, _, _ in _FIELDS), strict=True)
        for src, dest, proto, port in rows:
            found[src, dest].add((proto, port))
        return found

    def policy(self, topology: Topology, path: str) -> Policy:
        """Allows what was seen and no more, but for spans of ports. Tags stand for all their guests."""
        return Policy(path, "deny", tuple(_lines(self.connections(), topology)))


def judged(flows: NDArray[Any]) -> NDArray[Any]:
    """Those with an end here, that are not to a group, nor inside a tunnel."""
    here = (flows["flow_id"] != 0) & (flows["tunnel"] == 0) & np.isin(flows["locality"], _JUDGED)
    known = (flows["src_guest"] != End.UNKNOWN) & (flows["dest_guest"] != End.UNKNOWN)
    kept: NDArray[Any] = flows[here & known & (flows["dest_guest"] > End.BROADCAST)]
    return kept


def keys_of(flows: NDArray[Any]) -> U64:
    """One number for the kind of connection of each flow. One whose start was not seen is turned so that the
    lower port is the server's."""
    proto = np.where(flows["proto"] == ICMP6, ICMP, flows["proto"]).astype(np.uint8)
    opened = (flows["tcp_flags_toserver"] | flows["tcp_flags_toclient"]) & SYN != 0
    unsure = ((proto == TCP) & ~opened) | (proto == UDP)
    turned = unsure & (flows["src_port"] < flows["dest_port"])
    port = np.where(turned, flows["src_port"], flows["dest_port"])
    return _packed(
        src=np.where(turned, flows["dest_guest"], flows["src_guest"]),
        dest=np.where(turned, flows["src_guest"], flows["dest_guest"]),
        proto=proto,
        port=np.where(np.isin(proto, list(WITH_PORTS)), port, 0),
    )


def _packed(**fields: NDArray[Any]) -> U64:
    key = np.zeros(len(fields["src"]), np.uint64)
    for name, shift, kind in _FIELDS:
        unsigned = fields[name].astype(kind).view(np.dtype(kind).str.replace("i", "u"))
        key |= unsigned.astype(np.uint64) << np.uint64(shift)
    return key


def _unpacked(keys: U64) -> dict[str, NDArray[Any]]:
    out: dict[str, NDArray[Any]] = {}
    for name, shift, kind in _FIELDS:
        unsigned = np.dtype(np.dtype(kind).str.replace("i", "u"))
        out[name] = (keys >> np.uint64(shift)).astype(unsigned).view(kind)
    return out


# From connections to lines --------------------------------------------------------------------


def _lines(connections: Connections, topology: Topology) -> Iterable[PolicyLine]:
    """Pairs with the same ports are joined by source, then by destination."""
    tags = _tags(topology.guests)
    by_dest: dict[tuple[int, tuple[PortRange, ...]], set[int]] = defaultdict(set)
    for (src, dest), ports in connections.items():
        if End.UNKNOWN not in (src, dest):
            for port in _ranges(ports):
                by_dest[dest, (port,)].add(src)
    by_ends: dict[tuple[frozenset[int], int], set[PortRange]] = defaultdict(set)
    for (server, port_set), sources in by_dest.items():
        by_ends[frozenset(sources), server].update(port_set)
    joined: dict[tuple[frozenset[int], frozenset[PortRange]], set[int]] = defaultdict(set)
    for (many, server), some in by_ends.items():
        joined[many, frozenset(some)].add(server)
    for (many, ranges), servers in joined.items():
        clients, named = (_selectors(side, tags, topology.guests) for side in (many, servers))
        yield PolicyLine("allow", clients, named, tuple(sorted(ranges)))


def _ranges(ports: set[tuple[int, int]]) -> list[PortRange]:
    by_proto: dict[int, list[int]] = defaultdict(list)
    for proto, port in ports:
        by_proto[same_proto(proto)].append(port)
    out: list[PortRange] = []
    for proto, found in by_proto.items():
        if proto not in WITH_PORTS:
            out.append(PortRange(proto))
        elif len(found) > MANY_PORTS:
            out.append(PortRange(proto, min(found), max(found)))
        else:
            out += [PortRange(proto, port, port) for port in found]
    return out


def _tags(guests: tuple[Guest, ...]) -> list[tuple[str, frozenset[int]]]:
    """Tags of two guests or more, the largest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for number, guest in enumerate(guests):
        for tag in guest.tags:
            found[tag].add(number)
    several = [(tag, frozenset(members)) for tag, members in found.items() if len(members) > 1]
    return sorted(several, key=lambda one: (-len(one[1]), one[0]))


def _selectors(
    ends: Iterable[int], tags: list[tuple[str, frozenset[int]]], guests: tuple[Guest, ...]
) -> tuple[Selector, ...]:
    """Tags whose guests are all among the ends, then those that are left, by name."""
    left = set(ends)
    out: list[Selector] = []
    for tag, members in tags:
        if members <= left:
            out.append(Selector("tag", tag))
            left -= members
    for end in left:
        if end >= 0:
            out.append(Selector("guest", guests[end].name))
        else:
            out.append(Selector("host" if end == End.HOST else "world"))
    return tuple(sorted(out))

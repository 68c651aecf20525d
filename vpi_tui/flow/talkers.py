"""Who talks most: by guest, peer, port and application, in any scope and window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.counters import Tally
from vpi_tui.flow.facts import Facts, FactTable, moved, total_bytes
from vpi_tui.flow.pairs import PairTable
from vpi_tui.flow.render import address_text
from vpi_tui.flow.table import FlowTable
from vpi_tui.flow.windows import Windows
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.places import places_since
from vpi_tui.model.snapshot import Talker, TalkerKind, TalkerTable, Window

PROTO_NAMES: dict[int, str] = {
    1: "icmp",
    2: "igmp",
    4: "ipip",
    6: "tcp",
    17: "udp",
    41: "ipv6",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmpv6",
    89: "ospf",
    112: "vrrp",
    132: "sctp",
}


def proto_name(number: int) -> str:
    return PROTO_NAMES.get(number, f"ip-{number}")


@dataclass(frozen=True, slots=True)
class Names:
    """Names by position in the topology."""

    switches: Sequence[str] = ()
    guests: Sequence[str] = ()

    def switch(self, number: int) -> str:
        return self.switches[number] if 0 <= number < len(self.switches) else ""

    def guest(self, number: int) -> str:
        return self.guests[number] if 0 <= number < len(self.guests) else ""


@dataclass(frozen=True, slots=True)
class Scope:
    """None = no limit."""

    switch: int | None = None
    guest: int | None = None

    def of(self, facts: Facts) -> Facts:
        if self.switch is not None:
            facts = facts[facts["switch"] == self.switch]
        if self.guest is not None:
            mine = (facts["src_guest"] == self.guest) | (facts["dest_guest"] == self.guest)
            facts = facts[mine]
        return facts


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Facts that a kind may count, the group of each, and whether its client names it."""

    facts: Facts
    key: NDArray[np.uint64]
    client: NDArray[np.bool_]


def _by_guest(facts: Facts) -> _Grouped:
    facts = facts[~facts["inner"]]
    other = facts[facts["src_end"] != facts["dest_end"]]
    client = np.arange(len(facts) + len(other)) < len(facts)
    return _Grouped(
        np.concatenate((facts, other)), np.concatenate((facts["src_end"], other["dest_end"])), client
    )


def _by_peer(facts: Facts) -> _Grouped:
    facts = facts[~facts["inner"]]
    key = facts["src_end"] * np.uint64(0x9E3779B97F4A7C15) + (
        facts["dest_end"] ^ facts["dest_end"] >> np.uint64(32)
    )
    return _Grouped(facts, key, np.ones(len(facts), np.bool_))


def _by_port(facts: Facts) -> _Grouped:
    facts = facts[facts["port"] != 0]
    key = facts["proto"].astype(np.uint64) << np.uint64(16) | facts["port"]
    return _Grouped(facts, key, np.ones(len(facts), np.bool_))


def _application(facts: Facts) -> NDArray[np.uint64]:
    """The application, or 256 + protocol number where it is not known."""
    app = facts["app_proto"].astype(np.uint64)
    return np.where(app != 0, app, facts["proto"].astype(np.uint64) + np.uint64(256))


def _by_application(facts: Facts) -> _Grouped:
    return _Grouped(facts, _application(facts), np.ones(len(facts), np.bool_))


@dataclass(frozen=True, slots=True)
class _Row:
    """What a label is made from: one fact of the group."""

    fact: Any
    client: bool
    names: Names

    def end(self, side: str) -> str:
        """Guest name or address of one end."""
        name = self.names.guest(int(self.fact[f"{side}_guest"]))
        if name:
            return name
        high, low = (int(half) for half in self.fact[f"{side}_ip"])
        return address_text(high, low, 4 if high == 0 and low >> 32 == 0xFFFF else 6)


def _guest_label(row: _Row) -> str:
    return row.end("src" if row.client else "dest")


def _peer_label(row: _Row) -> str:
    return f"{row.end('src')} > {row.end('dest')}"


def _port_label(row: _Row) -> str:
    return f"{proto_name(int(row.fact['proto']))}/{int(row.fact['port'])}"


def _application_label(row: _Row) -> str:
    return APP_PROTOS[int(row.fact["app_proto"])] or proto_name(int(row.fact["proto"]))


_Group = Callable[[Facts], _Grouped]
_Label = Callable[[_Row], str]
KINDS: dict[TalkerKind, tuple[_Group, _Label]] = {
    "guest": (_by_guest, _guest_label),
    "peer": (_by_peer, _peer_label),
    "port": (_by_port, _port_label),
    "application": (_by_application, _application_label),
}


class Talkers:
    """Adds up what flows did since the last tick; answers for any kind, window and scope."""

    def __init__(self) -> None:
        self._windows = Windows()
        self._facts = FactTable()
        self.tally = Tally()
        """Counters of guests, switches and the whole."""
        self.pairs = PairTable()
        """Who speaks to whom."""
        self._guests: tuple[str, ...] = ()

    def moves(self, guests: Sequence[str]) -> bool:
        """Has a guest another position there than now?"""
        return places_since(self._guests, guests) is not None

    def follow(self, guests: Sequence[str], closed: Sequence[bool]) -> None:
        """Names of the guests, and of each switch whether it has no uplink; by position in the topology.

        Guests whose position changed take what they said along. What flows did until now must have been
        taken (`tick`), if `moves` says so.
        """
        places = places_since(self._guests, guests)
        self._guests = tuple(guests)
        if places is not None:
            self._windows.rewrite(lambda rows: moved(rows, places))
            self.tally.guests.move(places)
        self.pairs.follow(guests)
        self.tally.follow(closed)

    def tick(self, table: FlowTable, now_ns: int) -> None:
        """Take what the flows added since the last tick. now_ns: packet time."""
        self._windows.add(self._collected(table), now_ns)
        self.pairs.tick(now_ns)

    def _collected(self, table: FlowTable) -> Iterator[Facts]:
        for part in self._facts.collect(table.drain_touched(), self.tally):
            self.pairs.take(part)
            self.tally.add_staying(part)
            yield part

    def top(
        self,
        kind: TalkerKind,
        window: Window,
        scope_switch: int | None = None,
        scope_guest: int | None = None,
        *,
        k: int = 20,
        names: Names | None = None,
    ) -> TalkerTable:
        """The `k` rows with most bytes. An end that is no guest is named by its address."""
        facts = Scope(scope_switch, scope_guest).of(self._windows.rows(window))
        group, label = KINDS[kind]
        outer = facts[~facts["inner"]]
        rows = _top_rows(group(facts), label, names or Names(), k)
        return TalkerTable(kind, window, rows, int(total_bytes(outer).sum()))

    def top_peers(self, window: Window, names: Names) -> dict[int, str]:
        """Guest number to the guest or address that it exchanged most bytes with; only those that spoke."""
        facts = self._windows.rows(window)
        facts = facts[~facts["inner"]]
        guest = np.concatenate((facts["src_guest"], facts["dest_guest"]))
        peer = np.concatenate((facts["dest_end"], facts["src_end"]))
        size = np.tile(total_bytes(facts), 2)
        mine = np.flatnonzero(guest >= 0)
        order = mine[np.lexsort((peer[mine], guest[mine]))]
        if not len(order):
            return {}
        fresh = (np.diff(guest[order]) != 0) | (np.diff(peer[order]) != 0)
        starts = np.flatnonzero(np.concatenate(([True], fresh)))
        sums = np.add.reduceat(size[order], starts)
        best: dict[int, str] = {}
        # Ascending, so that of each guest the largest is written last.
        for at in order[starts[np.argsort(sums, kind="stable")]].tolist():
            side = "dest" if at < len(facts) else "src"
            best[int(guest[at])] = _Row(facts[at % len(facts)], True, names).end(side)
        return best

    def protocols(
        self, scope_switch: int | None = None, scope_guest: int | None = None, k: int = 20
    ) -> tuple[tuple[str, int], ...]:
        """(application or transport, bytes) since the start, most first; tunnels count once."""
        facts = Scope(scope_switch, scope_guest).of(self._windows.rows("all"))
        facts = facts[~facts["inner"]]
        rows = _top_rows(_by_application(facts), _application_label, Names(), k)
        return tuple((row.label, row.bytes) for row in rows)

    def stats(self) -> dict[str, float]:
        return {"talkers.keys_dropped": float(self._windows.dropped()), **self.pairs.stats()}


def _top_rows(grouped: _Grouped, label: _Label, names: Names, count: int) -> tuple[Talker, ...]:
    facts = grouped.facts
    if not len(facts):
        return ()
    order = np.argsort(grouped.key, kind="stable")
    key = grouped.key[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    size = np.add.reduceat(total_bytes(facts)[order], starts)
    pkts = np.add.reduceat(facts["pkts"][order], starts)
    started = np.add.reduceat(facts["started"][order].astype(np.uint64), starts)
    seen = np.add.reduceat(facts["seen"][order].astype(np.uint64), starts)
    rows = []
    for at in np.lexsort((key[starts], -size.astype(np.int64)))[:count]:
        first = order[starts[at]]
        fact, client = facts[first], bool(grouped.client[first])
        rows.append(
            Talker(
                label=label(_Row(fact, client, names)),
                switch=names.switch(int(fact["switch"])),
                guest=names.guest(int(fact["src_guest" if client else "dest_guest"])),
                pkts=int(pkts[at]),
                bytes=int(size[at]),
                flows=int(max(started[at], seen[at])),
            )
        )
    return tuple(rows)

"""What our own packets say of each port: bytes that entered there, left there, or may have left there."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vpi_tui.coverage.kernels_seen import (
    COLUMNS,
    COPY_GROUP,
    COPY_IN,
    COPY_OUT,
    GROUP,
    IN,
    NOWHERE,
    OUT,
    PORT,
    SENSOR,
    count_seen,
)
from vpi_tui.model.batch import I32, I64, U8, U64, PacketBatch
from vpi_tui.model.topology import Switch, Topology

PLACE = np.dtype([("key", np.uint64), ("ns", np.int64), ("slot", np.int32), ("", np.int32)])
LEARNED = 1 << 13
"""Addresses remembered. A guest that floods the table costs knowledge of where frames went, never memory."""
HOPS = 64
"""Switches that one frame is followed into, over patches."""
AGEING_S = 300.0
"""After which a Linux bridge and Open vSwitch forget an address, unless told otherwise."""
MOST_HOMES = 8_192
WAITING = 256
"""Marks that wait for the packets before them."""

PortKey = tuple[str, str]
"""Switch and port, by name."""


class Where(NamedTuple):
    """A topology as the compiled loop reads it. Slots are ports and switches' own devices."""

    ifindex: I32
    """int32[k], sorted"""
    slot: I32
    """int32[k]"""
    role: U8
    """uint8[slots]"""
    switch: I32
    """int32[slots]"""
    peer: I32
    """int32[slots]: slot at the far end of a patch, when frames are not taken there; NOWHERE = none."""
    patch_start: I32
    """int32[switches + 1]: into `patch`"""
    patch: I32
    """Slots with a `peer`, by switch."""
    uplink: I32
    """int32[switches]: slot of the one uplink; NOWHERE = there is none, or there are several."""
    ageing_ns: I64
    """int64[switches]; 0 = it hands every frame to every port."""
    seed_mac: U64
    """uint64[m], sorted"""
    seed_slot: I32
    far: U8
    """uint8[slots]: 1 = a port of another host."""
    sensors: bool
    afar: bool
    """Whether there are such at all."""


@dataclass(frozen=True, slots=True)
class SeenCount:
    """Bytes of one port since it is known. Beside `out`, up to `out_maybe` more may have left there."""

    into: int = 0
    out: int = 0
    out_maybe: int = 0
    copied_into: int = 0
    copied_out: int = 0
    copied_maybe: int = 0
    """The same as copies tell it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Where frames are taken. incoming, outgoing: ifindexes. sensors: names of switches of kind `interface`.

    ageing: seconds by switch, where they are not the usual ones.
    """

    incoming: frozenset[int] = frozenset()
    outgoing: frozenset[int] = frozenset()
    ageing: Mapping[str, float] | None = None


class SeenBytes:
    """Counts batches; `mark` asks for the counts as they were at a moment, and `marked` gives them.

    A mark is answered once packets from after it were counted, or `settle` says that none is missing: so the
    counts are of exactly the packets before it, however far behind the engine is.
    """

    def __init__(self) -> None:
        self._learned = np.zeros(LEARNED, PLACE)
        self._twins = np.zeros(LEARNED, PLACE)
        self._todo = np.zeros(HOPS, np.int64)
        self._tally = np.zeros(2, np.int64)
        self._waiting: deque[int] = deque(maxlen=WAITING)
        self._answers: deque[tuple[int, dict[PortKey, SeenCount]]] = deque(maxlen=WAITING)
        self._keys: list[PortKey] = []
        self._switches: tuple[str, ...] = ()
        self._homes: dict[int, PortKey] = {}
        """Ports of addresses, as the inventory told them at some time."""
        self._sums = np.zeros((1, COLUMNS), np.int64)
        self.follow(Topology(), Watched())

    # Topology ---------------------------------------------------------------------------------

    def follow(self, topology: Topology, watched: Watched) -> None:
        """Count by this topology from now on; ports that stay keep their counts."""
        slots = _Slots(topology, watched)
        self._remember_homes(topology)
        places = {key: at for at, key in enumerate(slots.keys)}
        moved = np.array([places.get(key, NOWHERE) for key in self._keys] or [NOWHERE], np.int32)
        sums = np.zeros((max(len(slots.keys), 1), COLUMNS), np.int64)
        sums[moved[moved != NOWHERE]] = self._sums[: len(moved)][moved != NOWHERE]
        self._keys, self._sums = slots.keys, sums
        self._forget_moved(moved, tuple(switch.name for switch in topology.switches))
        self._switch = np.array(slots.switch, np.int64)
        self._where = slots.where(topology, watched, self._homes)

    def _remember_homes(self, topology: Topology) -> None:
        """A switch forgets an address that is silent; where it was last is the best guess then."""
        ports = [(port.switch, port.name) for port in topology.ports]
        here = set(ports)
        kept = {mac: home for mac, home in self._homes.items() if home in here}
        behind = {port.guest: key for port, key in zip(topology.ports, ports, strict=True) if port.guest}
        for guest in topology.guests:
            if guest.name in behind:
                kept |= dict.fromkeys(guest.macs, behind[guest.name])
        for port, key in zip(topology.ports, ports, strict=True):
            kept |= dict.fromkeys(port.macs, key)
        self._homes = dict(list(kept.items())[-MOST_HOMES:])

    def _forget_moved(self, moved: I32, switches: tuple[str, ...]) -> None:
        """Addresses stay where they were learned, under the new numbers of ports and switches."""
        if self._switches != switches[: len(self._switches)]:
            self._learned["key"] = 0
        self._switches = switches
        self._learned["slot"] = moved[np.minimum(self._learned["slot"], len(moved) - 1)]
        self._learned["key"][self._learned["slot"] == NOWHERE] = 0

    # Packets ----------------------------------------------------------------------------------

    def count(self, batch: PacketBatch) -> None:
        """Add a batch, as it came from the source."""
        start, end = 0, len(batch.ts_ns)
        while self._waiting:
            moment = self._waiting[0]
            cut = int(np.searchsorted(batch.ts_ns, moment, side="right"))
            if cut >= end:
                break
            self._add(batch, start, max(start, cut))
            start = max(start, cut)
            self._answer(self._waiting.popleft())
        self._add(batch, start, end)

    def _add(self, batch: PacketBatch, start: int, end: int) -> None:
        if end > start:
            count_seen(
                batch,
                start,
                end,
                self._where,
                self._learned,
                self._twins,
                self._sums,
                self._todo,
                self._tally,
            )

    def mark(self, now_ns: int) -> None:
        """Ask for the counts as of this moment, in the packets' time. Time that steps back begins anew."""
        if self._waiting and now_ns < self._waiting[-1]:
            self._waiting.clear()
        self._waiting.append(now_ns)

    def settle(self, now_ns: int) -> None:
        """No packet from before this moment is still to come."""
        while self._waiting and self._waiting[0] <= now_ns:
            self._answer(self._waiting.popleft())

    def _answer(self, moment: int) -> None:
        self._answers.append((moment, self.counts()))

    def marked(self) -> tuple[int, dict[PortKey, SeenCount]] | None:
        """The oldest mark that can be answered, and its answer; None = there is none."""
        return self._answers.popleft() if self._answers else None

    def counts(self) -> dict[PortKey, SeenCount]:
        """As of the last packet."""
        sums = self._sums
        maybe = self._everywhere(sums[:, GROUP]), self._everywhere(sums[:, COPY_GROUP])
        columns = (
            sums[:, IN], sums[:, OUT], maybe[0],
            sums[:, COPY_IN], sums[:, COPY_OUT], maybe[1],
        )  # fmt: skip
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {key: SeenCount(*row) for key, row in zip(self._keys, rows, strict=False)}

    def _everywhere(self, group: I64) -> I64:
        """What others of the same switch sent to all, for each slot."""
        if not self._keys:
            return group
        whole = np.zeros(int(self._switch.max()) + 1, np.int64)
        np.add.at(whole, self._switch, group)
        result: I64 = whole[self._switch] - group
        return result

    @property
    def duplicate_factor(self) -> float:
        """How many times each frame was seen, of those that can tell; 1.0 = once."""
        told, twins = self._tally.tolist()
        return told / (told - twins) if told > twins else 1.0


class _Slots:
    """Numbers ports and switches' own devices."""

    def __init__(self, topology: Topology, watched: Watched) -> None:
        self.keys: list[PortKey] = []
        self.switch: list[int] = []
        self.role: list[int] = []
        self.far: list[bool] = []
        self.taken: dict[int, int] = {}
        """Slot by the ifindex where frames are taken."""
        self._by_ifindex: dict[int, int] = {}
        numbers = {switch.name: number for number, switch in enumerate(topology.switches)}
        self._switches = _joined(topology, numbers)
        for port in topology.ports:
            switch = topology.switches[numbers[port.switch]] if port.switch in numbers else None
            self._add((port.switch, port.name), port.ifindex, switch, far=bool(port.far))
        for switch in topology.switches:
            if switch.ifindex and switch.ifindex not in self._by_ifindex:
                self._add((switch.name, switch.name), switch.ifindex, switch)
        taken = watched.incoming | watched.outgoing
        self.taken = {ifindex: slot for ifindex, slot in self._by_ifindex.items() if ifindex in taken}

    def _add(self, key: PortKey, ifindex: int, switch: Switch | None, *, far: bool = False) -> None:
        if switch is None:
            return
        if ifindex:
            self._by_ifindex.setdefault(ifindex, len(self.keys))
        self.keys.append(key)
        self.switch.append(self._switches[switch.name])
        self.far.append(far)
        self.role.append(SENSOR if switch.kind == "interface" else PORT)

    def where(self, topology: Topology, watched: Watched, homes: Mapping[int, PortKey]) -> Where:
        count = len(topology.switches)
        peers = [NOWHERE] * max(len(self.keys), 1)
        patches: list[list[int]] = [[] for _ in range(count)]
        uplinks: list[list[int]] = [[] for _ in range(count)]
        places = {key: slot for slot, key in enumerate(self.keys)}
        for port in topology.ports:
            slot = places.get((port.switch, port.name))
            if slot is None or self.role[slot] == SENSOR:
                continue
            far = self._by_ifindex.get(port.peer) if port.peer else None
            if far is not None and port.peer not in self.taken and self.role[far] == PORT:
                peers[slot] = far
                patches[self.switch[slot]].append(slot)
            if port.uplink:
                uplinks[self.switch[slot]].append(slot)
        seeds = {mac: places[key] for mac, key in homes.items() if key in places}
        seeds = {mac: slot for mac, slot in seeds.items() if self.role[slot] == PORT}
        ageing = watched.ageing or {}
        order = sorted(seeds)
        taken = sorted(self.taken)
        return Where(
            ifindex=np.array(taken, np.int32),
            slot=np.array([self.taken[ifindex] for ifindex in taken], np.int32),
            role=np.array(self.role or [PORT], np.uint8),
            switch=np.array(self.switch or [0], np.int32),
            peer=np.array(peers, np.int32),
            patch_start=np.array([0, *np.cumsum([len(p) for p in patches], dtype=np.int64)], np.int32),
            patch=np.array([slot for one in patches for slot in one], np.int32),
            uplink=np.array([one[0] if len(one) == 1 else NOWHERE for one in uplinks] or [NOWHERE], np.int32),
            ageing_ns=np.array(
                [round(ageing.get(s.name, AGEING_S) * 1e9) for s in topology.switches] or [0], np.int64
            ),
            seed_mac=np.array(order, np.uint64),
            seed_slot=np.array([seeds[mac] for mac in order], np.int32),
            far=np.array(self.far or [False], np.uint8),
            sensors=SENSOR in self.role,
            afar=any(self.far),
        )


def _joined(topology: Topology, numbers: Mapping[str, int]) -> dict[str, int]:
    """Number of each switch by name.

    Bridges of Open vSwitch with patches between them are as one: a patch has no device, so that frames are
    taken only where they enter the first bridge.
    """
    patched = {port.switch for port in topology.ports if port.kind == "patch" and not port.ifindex}
    first = min((numbers[name] for name in patched if name in numbers), default=NOWHERE)
    return {name: first if name in patched else number for name, number in numbers.items()}

"""What may be missing, concluded from what the traffic looks like: for a sensor that nobody else counts for.

Inside a sensor's virtual machine, and in a capture file, no counter says what passed. But a TCP connection of
which one direction was never seen, or a host that is only ever asked for by ARP, tells that something is not
copied. Nothing tells that all is: SEEN is never concluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.coverage import mend
from vpi_tui.model.batch import U8, LinkType, PacketBatch
from vpi_tui.model.coverage import PortCoverage, Verdict

Records = NDArray[Any]
"""Flow records (flow.FLOW_DTYPE)."""
TCP = 6
FEW_FRAMES = 20
FRAMES_A_BATCH = 4_096
"""Of a large batch the beginning tells as much as all of it."""
FEW_CONNECTIONS = 3
FEW_PACKETS = 4
ACK = 0x10
"""A connection with fewer packets, or that acknowledges nothing, may be one that nobody answers: a scan."""
MOSTLY, SOME = 0.8, 0.1
"""Share of connections seen in one direction from which on it is the rule, and from which it is no chance."""
MOST_MACS = 4_096
MOST_GUESTS = 64
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
BOTH_WAYS = (
    "Mirror both directions of each port: with Open vSwitch select-src-port and select-dst-port, with tc"
)
BOTH_WAYS += " both ingress and egress, at a physical switch rx and tx."


@dataclass(slots=True)
class FrameSigns:
    """Frames at one place, by whom they are for."""

    frames: int = 0
    group: int = 0
    own: int = 0
    others: int = 0
    """From one stranger to another: what only a promiscuous port gets."""


class Frames:
    """Counts frames by whom they are for. Feed it batches as they came from the source."""

    def __init__(self) -> None:
        self._own = np.zeros((0, 6), np.uint8)
        self.places: dict[int, FrameSigns] = {}
        """By ifindex."""
        self._asked: set[int] = set()
        self._spoke: set[int] = set()

    def set_own(self, macs: tuple[int, ...]) -> None:
        """Addresses of the sensor itself."""
        packed = b"".join(mac.to_bytes(6, "big") for mac in macs)
        self._own = np.frombuffer(packed, np.uint8).reshape(-1, 6)

    @property
    def only_asked_for(self) -> int:
        """Hosts that are known from ARP alone."""
        return len(self._asked - self._spoke)

    def count(self, batch: PacketBatch) -> None:
        first = slice(0, FRAMES_A_BATCH)
        rows = np.flatnonzero((batch.link_type[first] == LinkType.ETHERNET) & (batch.caplen[first] >= 14))
        if not rows.size:
            return
        heads: U8 = batch.buf[batch.offset[rows][:, None] + np.arange(14)]
        group = (heads[:, 0] & 1).astype(bool)
        own = self._is_own(heads[:, :6]) | self._is_own(heads[:, 6:12])
        self._remember(heads, group, own)
        places = batch.ifindex[rows]
        for place in np.unique(places)[:64].tolist():
            here = places == place
            signs = self.places.setdefault(place, FrameSigns())
            signs.frames += int(here.sum())
            signs.group += int((here & group & ~own).sum())
            signs.own += int((here & own).sum())
            signs.others += int((here & ~group & ~own).sum())

    def _is_own(self, macs: U8) -> NDArray[np.bool_]:
        found = np.zeros(len(macs), bool)
        for mac in self._own:
            found |= (macs == mac).all(axis=1)
        return found

    def _remember(self, heads: U8, group: NDArray[np.bool_], own: NDArray[np.bool_]) -> None:
        kind = heads[:, 12].astype(np.uint16) << 8 | heads[:, 13]
        senders = heads[:, 6:12].astype(np.uint64) @ (np.uint64(1) << np.arange(40, -8, -8, dtype=np.uint64))
        if len(self._asked) < MOST_MACS:
            self._asked.update(np.unique(senders[(kind == ARP) & ~own])[:256].tolist())
        if len(self._spoke) < MOST_MACS:
            unicast = ((kind == IPV4) | (kind == IPV6)) & ~group & ~own
            self._spoke.update(np.unique(senders[unicast])[:256].tolist())


@dataclass(frozen=True, slots=True)
class FlowSigns:
    """TCP connections with enough packets to tell, and those of which one direction was never seen."""

    connections: int = 0
    one_way: int = 0

    @property
    def share(self) -> float:
        return self.one_way / self.connections if self.connections else 0.0


def of_flows(records: Records) -> FlowSigns:
    tell, one_way = _telling(records)
    return FlowSigns(int(tell.sum()), int((tell & one_way).sum()))


def by_guest(records: Records) -> dict[int, FlowSigns]:
    """By position in the topology; only guests with enough connections, at most MOST_GUESTS."""
    tell, one_way = _telling(records)
    rows = np.flatnonzero(tell)
    ends = np.concatenate((records["src_guest"][rows], records["dest_guest"][rows]))
    missing = np.tile(one_way[rows], 2)
    known = ends >= 0
    guests, place = np.unique(ends[known], return_inverse=True)
    counts = np.bincount(place, minlength=len(guests)).tolist()
    lost = np.bincount(place, weights=missing[known], minlength=len(guests)).astype(int).tolist()
    found = zip(guests.tolist(), counts, lost, strict=True)
    return {guest: FlowSigns(n, k) for guest, n, k in found if n >= FEW_CONNECTIONS}


def _telling(records: Records) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    there, back = records["pkts_toserver"], records["pkts_toclient"]
    answered = (records["tcp_flags_toserver"] | records["tcp_flags_toclient"]) & ACK != 0
    tell = (records["proto"] == TCP) & (there + back >= FEW_PACKETS) & (records["flow_id"] != 0) & answered
    return tell, (there == 0) | (back == 0)


# Conclusions ------------------------------------------------------------------------------------


def of_place(
    name: str, frames: FrameSigns, flows: FlowSigns, only_asked_for: int, *, promiscuous: bool = True
) -> PortCoverage:
    """What one interface, or a capture file, shows of the traffic around it."""
    if frames.frames < FEW_FRAMES:
        return _port(name, "", Verdict.UNKNOWN, "There is too little traffic yet to conclude anything from.")
    if not frames.others and frames.group + frames.own:
        return _not_promiscuous(name, only_asked_for, promiscuous=promiscuous)
    return _of_flows(name, "", flows)


def _not_promiscuous(name: str, only_asked_for: int, *, promiscuous: bool) -> PortCoverage:
    words = f"Only broadcasts, multicasts and what is meant for the sensor itself arrive at {name}"
    if only_asked_for:
        words += f"; {only_asked_for} hosts are known from ARP alone"
    if not promiscuous:
        return _port(name, "", Verdict.BLIND, f"{words}: it is not promiscuous.", mend.promiscuous(name))
    why = "the virtual switch does not hand it what others say to each other"
    return _port(name, "", Verdict.BLIND, f"{words}: {why}.", mend.PORT_GROUP)


def of_guest(switch: str, guest: str, flows: FlowSigns) -> PortCoverage:
    return _of_flows(switch, guest, flows)


def _of_flows(name: str, guest: str, flows: FlowSigns) -> PortCoverage:
    if flows.connections < FEW_CONNECTIONS:
        return _port(name, guest, Verdict.UNKNOWN, "Too few TCP connections to conclude anything from.")
    count = f"{flows.one_way:,} of {flows.connections:,} TCP connections"
    if flows.share >= SOME:
        verdict = Verdict.ONE_WAY if flows.share >= MOSTLY else Verdict.PARTIAL
        words = f"{count} show one direction only: they acknowledge data that never came by here."
        return _port(name, guest, verdict, words, BOTH_WAYS)
    return _port(
        name,
        guest,
        Verdict.UNKNOWN,
        f"Both directions of {flows.connections - flows.one_way:,} of {flows.connections:,} TCP connections"
        " are seen, and nothing hints at a loss; but nobody counts what should be here.",
    )


def _port(name: str, guest: str, verdict: Verdict, cause: str, remedy: str = "") -> PortCoverage:
    return PortCoverage(name, name if not guest else "", guest, verdict, cause, remedy, inferred=True)

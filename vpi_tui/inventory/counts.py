"""How much really passed each port, counted by others than the sensor: the truth that coverage is judged by.

Sources: linux/if_link.h (struct if_stats_msg, struct rtnl_link_stats64).
None of it needs a capability.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from vpi_tui.inventory import netlink
from vpi_tui.inventory.links import EXT_SKIP_STATS, IFINFO, MAX_LINKS, ifinfo
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Topology

INTERFACE = "interface counters"
"""TrueCount.truth of what the kernel counted."""
IF_STATS = struct.Struct("=BxHII")
"""struct if_stats_msg: family, padding, ifindex, mask of what is wanted."""
IFLA_STATS_LINK_64 = 1
STATS64 = struct.Struct("=4Q")
"""The first fields of struct rtnl_link_stats64: packets received and sent, bytes received and sent."""
IFLA_PROMISCUITY = 30
_ON_A_WIRE = frozenset(["", "bond", "team"])
"""Kinds of device whose counters are those of a network card."""


class LinkCount(NamedTuple):
    """Of one device, from its own point of view."""

    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int


@runtime_checkable
class Counting(Protocol):
    """A probe that also knows counts of ports or mirrors."""

    def counts(self) -> tuple[TrueCount, ...]:
        """What is known now; at once, from any thread."""


class InterfaceCounts:
    """The kernel's counters of the network namespace in which it was made. Raises VpiError."""

    def __init__(self) -> None:
        try:
            self._requests = netlink.Requests()
        except OSError as error:
            raise _unreadable(error) from error

    def read(self, topology: Topology) -> tuple[TrueCount, ...]:
        """Of all ports that have a device here, and of the switches' own devices, as of now.

        Raises VpiError.
        """
        now = time.monotonic_ns()
        try:
            counts = read_counts(self._requests)
        except OSError as error:
            raise _unreadable(error) from error
        return tuple(_of_topology(topology, counts, now))

    def promiscuity(self) -> dict[int, int]:
        """How many want to receive all frames of a device, by ifindex: a bridge, this sensor, a tcpdump.

        Raises VpiError.
        """
        question = ifinfo(socket.AF_UNSPEC, EXT_SKIP_STATS)
        try:
            bodies = self._requests.dump(netlink.RTM_GETLINK, question, MAX_LINKS)
        except OSError as error:
            raise _unreadable(error) from error
        found = ((IFINFO.unpack_from(b)[2], netlink.attributes(b, IFINFO.size)) for b in bodies)
        return {ifindex: netlink.number(link.get(IFLA_PROMISCUITY)) or 0 for ifindex, link in found}

    def close(self) -> None:
        self._requests.close()


def read_counts(requests: netlink.Requests) -> dict[int, LinkCount]:
    """Counters of all devices by ifindex. Raises OSError."""
    question = IF_STATS.pack(socket.AF_UNSPEC, 0, 0, 1 << IFLA_STATS_LINK_64 - 1)
    counts = {}
    for body in requests.dump(netlink.RTM_GETSTATS, question, MAX_LINKS):
        stats = netlink.attributes(body, IF_STATS.size).get(IFLA_STATS_LINK_64, b"")
        if len(stats) >= STATS64.size:
            counts[IF_STATS.unpack_from(body)[2]] = LinkCount(*STATS64.unpack_from(stats))
    return counts


def _of_topology(topology: Topology, counts: Mapping[int, LinkCount], now: int) -> Iterator[TrueCount]:
    ports = {port.ifindex for port in topology.ports}
    for port in topology.ports:
        if port.ifindex in counts:
            card = port.kind in _ON_A_WIRE and not port.inner
            yield _count(port.switch, port.name, port.ifindex, counts, now, inner=port.inner, wire=card)
    for switch in topology.switches:
        if switch.ifindex in counts and switch.ifindex not in ports:
            yield _count(switch.name, switch.name, switch.ifindex, counts, now, inner=True)


def _count(
    switch: str,
    port: str,
    ifindex: int,
    counts: Mapping[int, LinkCount],
    now: int,
    *,
    inner: bool,
    wire: bool = False,
) -> TrueCount:
    """inner: what the device sends enters the switch."""
    seen = counts[ifindex]
    entering, leaving = (seen.bytes_received, seen.packets_received), (seen.bytes_sent, seen.packets_sent)
    if inner:
        entering, leaving = leaving, entering
    return TrueCount(
        switch, port, entering[0], leaving[0], entering[1], leaving[1], INTERFACE, wire, ifindex, now
    )


def _unreadable(error: OSError) -> VpiError:
    return VpiError(f"Counters of interfaces cannot be read by netlink: {error.strerror or error}.")

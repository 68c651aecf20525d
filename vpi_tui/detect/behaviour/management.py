"""A guest that speaks to what manages it: this host's own services, hypervisors, storage, BMCs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

import numpy as np

from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.detect.behaviour.places import Places
from vpi_tui.detect.behaviour.settings import Network, management_networks, management_ports
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.topology import Topology

TAGS = frozenset(["mgmt", "management"])
"""Guests with such a tag in inventory.yaml are of the management plane: others must not speak to them, and
they may speak to it."""
MAX_ROWS = 1_024
MOST_A_BATCH = 32
_TRANSPORTS = {6: "tcp", 17: "udp"}
_SERVICES = {
    443: "HTTPS, such as vSphere's",
    623: "IPMI",
    902: "vSphere",
    2049: "NFS",
    2375: "Docker",
    2376: "Docker over TLS",
    3260: "iSCSI",
    16509: "libvirt",
    16514: "libvirt over TLS",
    **dict.fromkeys(range(5900, 6000), "VNC or SPICE"),
}


@register
class ManagementPlane(Behaviour):
    signatures = (describe(7, "Guest speaks to the management plane", "policy-violation", 1, "T1021"),)

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self._watched = np.zeros(1 << 16, np.bool_)
        for first, last in management_ports(options):
            self._watched[first : last + 1] = True
        self._networks: list[Network] = management_networks(options)
        self._quiet = Quiet()
        self.follow(Topology())

    def follow(self, topology: Topology) -> None:
        self._places = Places(topology)
        managing = [guest for guest in topology.guests if TAGS.intersection(guest.tags)]
        self._managing = frozenset(guest.name for guest in managing)
        self._targets = _numbers(topology.host_ips) | _numbers(ip for guest in managing for ip in guest.ips)
        self._guest_of = {number: guest.name for guest in topology.guests for number in _numbers(guest.ips)}

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch) -> list[Finding]:
        if not self._targets and not self._networks:
            return []
        rows = flows.new_rows
        rows = rows[self._watched[decoded.dest_port[rows]] & (decoded.tunnel[rows] == 0)][:MAX_ROWS]
        found: list[Finding] = []
        for row in rows.tolist():
            transport = _TRANSPORTS.get(int(decoded.proto[row]), "")
            guest = self._guest(packets, decoded, row) if transport else ""
            target = _number(decoded.dest_ip[row]) if guest else 0
            if not guest or not self._is_target(target):
                continue
            port, now = int(decoded.dest_port[row]), int(packets.ts_ns[decoded.packet[row]])
            if len(found) < MOST_A_BATCH and self._quiet.lets((guest, target, port, transport), now):
                what = f" ({_SERVICES[port]})" if port in _SERVICES else ""
                detail = (
                    f"{guest} speaks to the management plane: {_text(target)} port {port}/{transport}{what}"
                )
                found.append(Finding(self.signatures[0].sid, row, detail))
        return found

    def _guest(self, packets: PacketBatch, decoded: DecodedBatch, row: int) -> str:
        """The guest that sent a row, by its port, else by its address; "" = none, or one that may do so."""
        place = self._places.by_ifindex.get(int(packets.ifindex[decoded.packet[row]]))
        if place is not None and place.foreign:
            return ""
        guest = place.guest if place is not None else ""
        guest = guest or self._guest_of.get(_number(decoded.src_ip[row]), "")
        return guest if guest not in self._managing else ""

    def _is_target(self, number: int) -> bool:
        if number in self._targets:
            return True
        address = ipaddress.ip_address(_text(number)) if self._networks else None
        return any(address in network for network in self._networks)


def _number(halves: np.ndarray) -> int:
    """128 bits of an address as the columns hold it, IPv4 as ::ffff:a.b.c.d."""
    return int(halves[0]) << 64 | int(halves[1])


def _numbers(addresses: Iterable[str]) -> set[int]:
    found = set()
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue  # one with a zone, or as a probe writes it
        found.add(int(address) | 0xFFFF_0000_0000 if address.version == 4 else int(address))
    return found


def _text(number: int) -> str:
    if number >> 32 == 0xFFFF:
        return str(ipaddress.IPv4Address(number & 0xFFFF_FFFF))
    return str(ipaddress.IPv6Address(number))

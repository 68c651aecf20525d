"""An IP address that is claimed at two ports at once, by ARP (RFC 826) or neighbour discovery (RFC 4861).

Only claims count, not senders: a router's packets carry the addresses of others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.detect.behaviour.places import Place, Places
from vpi_tui.detect.behaviour.whereabouts import Change, Whereabouts
from vpi_tui.model.batch import I64, U64, DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.topology import Topology

ETHERTYPE_ARP, ICMPV6 = 0x0806, 58
SOLICITATION, ADVERTISEMENT = 135, 136
TARGET_OFFSET, TARGET_END = 8, 24
"""Of the target address in a neighbour advertisement, from its ICMPv6 header on."""
HOP_LIMIT = 255
"""What a neighbour's message must have: no router has passed it on."""
NEAR_NS = 5_000_000_000
"""Claims at two ports within so long are at once."""
MAX_ROWS, MAX_CLAIMS, MOST_A_BATCH = 8_192, 1_024, 32


class _Claim(NamedTuple):
    row: int
    high: int
    low: int
    ifindex: int
    vlan: int
    ts_ns: int

    @property
    def address(self) -> str:
        if self.high == 0 and self.low >> 32 == 0xFFFF:
            return str(ipaddress.IPv4Address(self.low & 0xFFFF_FFFF))
        return str(ipaddress.IPv6Address(self.high << 64 | self.low))


@register
class AddressAtTwoPorts(Behaviour):
    signatures = (describe(4, "IP address is claimed at two ports at once", "attempted-recon", 1, "T1557"),)

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self._places = Places(Topology())
        self._whereabouts = Whereabouts(NEAR_NS)
        self._quiet = Quiet()

    def follow(self, topology: Topology) -> None:
        self._places = Places(topology)
        self._whereabouts.keep(set(self._places.by_ifindex))

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, _flows: FlowBatch) -> list[Finding]:
        if not self._places.by_ifindex:
            return []
        found: list[Finding] = []
        for claim in _claims(packets, decoded):
            place = self._places.by_ifindex.get(claim.ifindex)
            if place is None:
                continue
            address = place.switch, claim.vlan, claim.high, claim.low
            change, port = self._whereabouts.sight(address, claim.ifindex, claim.ts_ns)
            before = self._places.by_ifindex.get(port)
            if change is not Change.AT_BOTH or before is None or (before.uplink and place.uplink):
                continue
            if len(found) < MOST_A_BATCH and self._quiet.lets(address, claim.ts_ns):
                found.append(Finding(self.signatures[0].sid, claim.row, _sentence(claim, before, place)))
        return found


def _sentence(claim: _Claim, before: Place, place: Place) -> str:
    return f"{claim.address} is claimed at two ports of {place.switch} at once: {before} and {place}"


def _claims(packets: PacketBatch, decoded: DecodedBatch) -> Iterator[_Claim]:
    """Each address once a port, in the order of the packets; those of ARP first."""
    neighbours = (decoded.proto == ICMPV6) & (decoded.ttl == HOP_LIMIT) & (decoded.tunnel == 0)
    asks = neighbours & (decoded.icmp_type == SOLICITATION)
    arp = (decoded.ethertype == ETHERTYPE_ARP) & (decoded.ip_off >= 0) & (decoded.tunnel == 0)
    rows = np.flatnonzero(arp | asks)[:MAX_ROWS]
    yield from _distinct(packets, decoded, rows, decoded.src_ip[rows])
    answers = np.flatnonzero(neighbours & (decoded.icmp_type == ADVERTISEMENT) & (decoded.l4_off >= 0))[
        :MAX_ROWS
    ]
    frames = decoded.packet[answers]
    ends = packets.offset[frames] + packets.caplen[frames]
    answers = answers[decoded.l4_off[answers] + TARGET_END <= ends]
    yield from _distinct(packets, decoded, answers, _targets(packets, decoded, answers))


def _distinct(packets: PacketBatch, decoded: DecodedBatch, rows: I64, addresses: U64) -> Iterator[_Claim]:
    """A claim of no address (RFC 5227's probe, a search for doubles) is none."""
    claims = (addresses[:, 0] != 0) | (addresses[:, 1] & np.uint64(0xFFFF_FFFF) != 0)
    rows, addresses = rows[claims], addresses[claims]
    if not rows.size:
        return
    frames = decoded.packet[rows]
    ports, vlans = packets.ifindex[frames].astype(np.uint64), decoded.vlan[rows, 0].astype(np.uint64)
    key = np.stack((addresses[:, 0], addresses[:, 1], ports, vlans))
    _, firsts = np.unique(key, axis=1, return_index=True)
    times = packets.ts_ns[frames].tolist()
    for at in np.sort(firsts)[:MAX_CLAIMS].tolist():
        high, low, port, vlan = (int(value) for value in key[:, at])
        yield _Claim(int(rows[at]), high, low, port, vlan, times[at])


def _targets(packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> U64:
    """uint64[n, 2]: the target addresses of neighbour advertisements."""
    at = decoded.l4_off[rows, None] + np.arange(TARGET_OFFSET, TARGET_END)
    octets = np.ascontiguousarray(packets.buf[at])
    return octets.view(">u8").astype(np.uint64).reshape(-1, 2)

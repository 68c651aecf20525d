"""Which addresses senders claim as their own, by ARP (RFC 826) and neighbour discovery (RFC 4861).

Only claims count, not senders of packets: a router's packets carry the addresses of others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vpi_tui.model.batch import I64, U64, DecodedBatch, PacketBatch
from vpi_tui.model.distinct import firsts_of

ETHERTYPE_ARP, ICMPV6 = 0x0806, 58
SOLICITATION, ADVERTISEMENT = 135, 136
TARGET_OFFSET, TARGET_END = 8, 24
"""Of the target address in a neighbour advertisement, from its ICMPv6 header on."""
HOP_LIMIT = 255
"""What a neighbour's message must have: no router has passed it on."""
MAX_ROWS, MAX_CLAIMS = 8_192, 1_024
"""Looked at of one batch; of a flood, the beginning is enough."""


class Claim(NamedTuple):
    """high, low: the halves of the address as the batches hold them. mac: of the frame's sender."""

    row: int
    high: int
    low: int
    ifindex: int
    vlan: int
    mac: int
    ts_ns: int

    @property
    def address(self) -> str:
        if self.high == 0 and self.low >> 32 == 0xFFFF:
            return str(ipaddress.IPv4Address(self.low & 0xFFFF_FFFF))
        return str(ipaddress.IPv6Address(self.high << 64 | self.low))


def claims(packets: PacketBatch, decoded: DecodedBatch) -> Iterator[Claim]:
    """Each address once a port and sender; those of ARP and solicitations before those of advertisements."""
    outer = decoded.tunnel == 0
    neighbours = (decoded.proto == ICMPV6) & (decoded.ttl == HOP_LIMIT) & outer
    asks = neighbours & (decoded.icmp_type == SOLICITATION)
    arp = (decoded.ethertype == ETHERTYPE_ARP) & (decoded.ip_off >= 0) & outer
    rows = np.flatnonzero(arp | asks)[:MAX_ROWS]
    if rows.size:
        yield from _distinct(packets, decoded, rows, decoded.src_ip[rows])
    answers = neighbours & (decoded.icmp_type == ADVERTISEMENT) & (decoded.l4_off >= 0)
    rows = np.flatnonzero(answers)[:MAX_ROWS]
    if rows.size:
        frames = decoded.packet[rows]
        rows = rows[decoded.l4_off[rows] + TARGET_END <= packets.offset[frames] + packets.caplen[frames]]
        yield from _distinct(packets, decoded, rows, _targets(packets, decoded, rows))


def _distinct(packets: PacketBatch, decoded: DecodedBatch, rows: I64, addresses: U64) -> Iterator[Claim]:
    """A claim of no address (RFC 5227's probe, a search for doubles) is none."""
    real = (addresses[:, 0] != 0) | (addresses[:, 1] & np.uint64(0xFFFF_FFFF) != 0)
    rows, addresses = rows[real], addresses[real]
    if not rows.size:
        return
    frames = decoded.packet[rows]
    columns = packets.ifindex[frames], decoded.vlan[rows, 0], decoded.src_mac[rows]
    key = np.stack((addresses[:, 0], addresses[:, 1], *(column.astype(np.uint64) for column in columns)))
    times = packets.ts_ns[frames].tolist()
    for at in firsts_of(key)[:MAX_CLAIMS].tolist():
        high, low, port, vlan, mac = (int(value) for value in key[:, at])
        yield Claim(int(rows[at]), high, low, port, vlan, mac, times[at])


def _targets(packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> U64:
    """uint64[n, 2]: the target addresses of neighbour advertisements."""
    at = decoded.l4_off[rows, None] + np.arange(TARGET_OFFSET, TARGET_END)
    octets = np.ascontiguousarray(packets.buf[at])
    return octets.view(">u8").astype(np.uint64).reshape(-1, 2)

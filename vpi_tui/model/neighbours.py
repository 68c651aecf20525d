"""What neighbours say of addresses, by ARP (RFC 826) and neighbour discovery (RFC 4861).

Only claims count, not senders of packets: a router's packets carry the addresses of others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple


class Claim(NamedTuple):
    """An address that a sender says is its own. high, low: its halves as the batches hold them. mac: of the
    frame's sender."""

    row: int
    ts_ns: int
    high: int
    low: int
    ifindex: int
    vlan: int
    mac: int

    @property
    def address(self) -> str:
        if self.high == 0 and self.low >> 32 == 0xFFFF:
            return str(ipaddress.IPv4Address(self.low & 0xFFFF_FFFF))
        return str(ipaddress.IPv6Address(self.high << 64 | self.low))


class Owner(NamedTuple):
    """ARP: an IPv4 address and the MAC that it says is its sender's, inside of tunnels too."""

    row: int
    ts_ns: int
    vlan: int
    ip: int
    mac: int


class Question(NamedTuple):
    """ARP: the IPv4 address that a sender asks for. mac: as it says itself."""

    row: int
    ts_ns: int
    ifindex: int
    vlan: int
    mac: int
    target: int
    sender_ip: int
    """Of the first packet that asks so."""


class Said(NamedTuple):
    """Each once a batch, in the order of the packets."""

    claims: Sequence[Claim] = ()
    """Those of ARP and solicitations before those of advertisements."""
    owners: Sequence[Owner] = ()
    questions: Sequence[Question] = ()

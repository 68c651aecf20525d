"""ARP spoofing: an IPv4 address that suddenly answers from another MAC (RFC 826, RFC 5227)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import IPv4Address

import numpy as np

from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.model.batch import I64, U64, DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.distinct import firsts_of

ETHERTYPE_ARP = 0x0806
SENDER_MAC_OFFSET = 8
"""Of the sender hardware address in an ARP packet for Ethernet and IPv4."""
ARP_LENGTH = 28
MAX_BINDINGS = 65_536
"""Addresses remembered; the one longest unheard of is forgotten first."""
MAX_PAIRS = 1_024
"""Distinct (address, MAC) pairs looked at in a batch: a flood of forged ARP costs no more than that."""


@register
class ArpSpoofing(Behaviour):
    """Remembers who said to own which address, and reports a change of owner."""

    signatures = (
        describe(1, "ARP spoofing: an IP address changed its MAC", "attempted-recon", 1, "T1557.002"),
    )

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self._owner: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._quiet = Quiet()

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, _flows: FlowBatch) -> list[Finding]:
        rows = np.flatnonzero((decoded.ethertype == ETHERTYPE_ARP) & (decoded.ip_off >= 0))
        if not rows.size:
            return []
        rows = rows[decoded.ip_off[rows] + ARP_LENGTH <= _frame_end(packets, decoded, rows)]
        address = decoded.src_ip[rows, 1] & np.uint64(0xFFFFFFFF)
        known = address != 0  # an RFC 5227 probe claims nothing
        rows, address = rows[known], address[known]
        key = np.stack((decoded.vlan[rows, 0].astype(np.uint64), address, sender_mac(packets, decoded, rows)))
        found = []
        for at in firsts_of(key)[:MAX_PAIRS].tolist():
            vlan, ip, mac = (int(v) for v in key[:, at])
            row = int(rows[at])
            if detail := self._claim(vlan, ip, mac, int(packets.ts_ns[decoded.packet[row]])):
                found.append(Finding(self.signatures[0].sid, row, detail))
        return found

    def _claim(self, vlan: int, ip: int, mac: int, now_ns: int) -> str:
        """Take note of a claim; a sentence when it contradicts the one before."""
        before = self._owner.get((vlan, ip))
        self._owner[vlan, ip] = mac
        self._owner.move_to_end((vlan, ip))
        while len(self._owner) > MAX_BINDINGS:
            self._owner.popitem(last=False)
        if before is None or before == mac:
            return ""
        # Owner and forger take turns: both directions of the quarrel are one change.
        change = (ip, min(before, mac), max(before, mac))
        if not self._quiet.lets(change, now_ns):
            return ""
        return f"ARP spoofing: {IPv4Address(ip)} moved from {mac_text(before)} to {mac_text(mac)}"


def _frame_end(packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> I64:
    at = decoded.packet[rows]
    return np.asarray(packets.offset[at] + packets.caplen[at])


def sender_mac(packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> U64:
    at = decoded.ip_off[rows, None] + np.arange(SENDER_MAC_OFFSET, SENDER_MAC_OFFSET + 6)
    octets = packets.buf[at].astype(np.uint64)
    return np.asarray(octets @ (np.uint64(1) << np.arange(40, -1, -8, dtype=np.uint64)), np.uint64)


def mac_text(mac: int) -> str:
    return ":".join(f"{octet:02x}" for octet in mac.to_bytes(6, "big"))

"""ARP sweep: somebody asks who has each address of a network (RFC 826).

On its own network a guest finds others only so: no ping and no SYN leaves it for a host that does not answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Final

import numpy as np

from vpi_tui.detect.behaviour.arp import ETHERTYPE_ARP, mac_text, sender_mac
from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.model.batch import I64, DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.distinct import firsts_of

OPERATION_OFFSET = 6
REQUEST = 1
TARGETS: Final = 40
"""Distinct addresses asked for by one sender within WINDOW_NS that make a sweep."""
WINDOW_NS: Final = 10_000_000_000
MAX_SENDERS: Final = 2_048
"""Remembered; the one longest unheard of is forgotten first. Each keeps TARGETS addresses at most."""
MAX_PAIRS: Final = 1_024
"""Distinct questions looked at in a batch: a flood costs no more than that."""

Sender = tuple[int, int, int]
"""Port, VLAN, MAC."""


@register
class ArpSweep(Behaviour):
    """Remembers whom each sender asked for lately."""

    signatures = (
        describe(
            20,
            f"ARP sweep: {TARGETS} addresses asked for within {WINDOW_NS // 1_000_000_000} s",
            "network-scan",
            3,
            "T1018",
        ),
    )

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self._asked: OrderedDict[Sender, dict[int, int]] = OrderedDict()
        """Sender to address to when it was last asked for."""
        self._quiet = Quiet()

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, _flows: FlowBatch) -> list[Finding]:
        rows = _questions(packets, decoded)
        if not rows.size:
            return []
        at = decoded.packet[rows]
        key = np.stack(
            (
                packets.ifindex[at].astype(np.uint64),
                decoded.vlan[rows, 0].astype(np.uint64),
                sender_mac(packets, decoded, rows),
                decoded.dest_ip[rows, 1] & np.uint64(0xFFFFFFFF),
            )
        )
        found = []
        for one in firsts_of(key)[:MAX_PAIRS].tolist():
            port, vlan, mac, target = (int(value) for value in key[:, one])
            now_ns = int(packets.ts_ns[at[one]])
            if self._sweeps((port, vlan, mac), target, now_ns):
                row = int(rows[one])
                sender = IPv4Address(int(decoded.src_ip[row, 1]) & 0xFFFFFFFF)
                detail = f"ARP sweep: {sender} ({mac_text(mac)}) asks for one address after another"
                found.append(Finding(self.signatures[0].sid, row, detail))
        return found

    def _sweeps(self, sender: Sender, target: int, now_ns: int) -> bool:
        """Take note of a question; True when it completes a sweep that was not reported lately."""
        asked = self._asked.setdefault(sender, {})
        self._asked.move_to_end(sender)
        while len(self._asked) > MAX_SENDERS:
            self._asked.popitem(last=False)
        asked[target] = now_ns
        if len(asked) < TARGETS:
            return False
        fresh = {address: at for address, at in asked.items() if now_ns - at < WINDOW_NS}
        if len(fresh) < TARGETS:
            self._asked[sender] = fresh
            return False
        asked.clear()
        return self._quiet.lets(sender, now_ns)


def _questions(packets: PacketBatch, decoded: DecodedBatch) -> I64:
    """Rows that ask for the owner of an IPv4 address; who announces its own asks for nobody."""
    rows = np.flatnonzero((decoded.ethertype == ETHERTYPE_ARP) & (decoded.ip_off >= 0))
    sender, target = decoded.src_ip[rows, 1], decoded.dest_ip[rows, 1]
    rows = rows[(target != 0) & (sender != target)]
    operation = decoded.ip_off[rows] + OPERATION_OFFSET
    asks = (packets.buf[operation] == 0) & (packets.buf[operation + 1] == REQUEST)
    return np.asarray(rows[asks])

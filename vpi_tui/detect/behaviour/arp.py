"""ARP spoofing: an IPv4 address that suddenly answers from another MAC (RFC 826, RFC 5227)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import IPv4Address

from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.model.neighbours import Said

MAX_BINDINGS = 65_536
"""Addresses remembered; the one longest unheard of is forgotten first."""


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

    def heed(self, said: Said) -> list[Finding]:
        found = []
        for row, now_ns, vlan, ip, mac in said.owners:
            if detail := self._claim(vlan, ip, mac, now_ns):
                found.append(Finding(self.signatures[0].sid, row, detail))
        return found

    def _claim(self, vlan: int, ip: int, mac: int, now_ns: int) -> str:
        """Take note of a claim; a sentence when it contradicts the one before."""
        before = self._owner.get((vlan, ip))
        self._owner[vlan, ip] = mac
        self._owner.move_to_end((vlan, ip))
        if before == mac:
            return ""
        while len(self._owner) > MAX_BINDINGS:
            self._owner.popitem(last=False)
        if before is None:
            return ""
        # Owner and forger take turns: both directions of the quarrel are one change.
        change = (ip, min(before, mac), max(before, mac))
        if not self._quiet.lets(change, now_ns):
            return ""
        return f"ARP spoofing: {IPv4Address(ip)} moved from {mac_text(before)} to {mac_text(mac)}"


def mac_text(mac: int) -> str:
    return ":".join(f"{octet:02x}" for octet in mac.to_bytes(6, "big"))

"""ARP sweep: somebody asks who has each address of a network (RFC 826).

On its own network a guest finds others only so: no ping and no SYN leaves it for a host that does not answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Final

from vpi_tui.detect.behaviour.arp import mac_text
from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, Quiet, describe, register
from vpi_tui.model.neighbours import Said

TARGETS: Final = 40
"""Distinct addresses asked for by one sender within WINDOW_NS that make a sweep."""
WINDOW_NS: Final = 10_000_000_000
MAX_SENDERS: Final = 2_048
"""Remembered; the one longest unheard of is forgotten first. Each keeps TARGETS addresses at most."""

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

    def heed(self, said: Said) -> list[Finding]:
        found = []
        for row, now_ns, port, vlan, mac, target, sender in said.questions:
            if self._sweeps((port, vlan, mac), target, now_ns):
                who = f"{IPv4Address(sender)} ({mac_text(mac)})"
                detail = f"ARP sweep: {who} asks for one address after another"
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

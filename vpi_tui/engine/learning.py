"""What the wire tells of hosts: who they are where no port says so, and what they call themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.inventory.learned import LearnedHosts
from vpi_tui.inventory.wire.facts import WireFacts
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.neighbours import Claim
from vpi_tui.model.topology import Topology

PACKETS_A_FLOW: Final = 8
PACKETS_A_GUEST: Final = 512
"""Between two namings by what was learned, as a guest costs that many times what a flow costs."""


class Learning:
    """hosts: hosts are learned too, for want of ports that tell them."""

    def __init__(self, *, hosts: bool) -> None:
        self._hosts = LearnedHosts() if hosts else None
        self._wire = WireFacts()
        self._due = 0
        """Packets after which it is worth while to name anew."""

    def learn(
        self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch, claimed: Sequence[Claim]
    ) -> None:
        self._wire.learn(packets, decoded, claimed)
        if self._hosts is not None:
            self._hosts.learn(packets, decoded, flows)

    def is_due(self, packets: int) -> bool:
        """Have so many packets come that a look at every flow and guest stays a small share of the work?"""
        return packets >= self._due

    def news(self, base: Topology, packets: int, flows: int) -> Topology | None:
        """`base` with what was learned; None when nothing was since the last call. flows: how many live."""
        hosts = self._hosts.topology(base) if self._hosts is not None else None
        if not self._wire.take_changed() and hosts is None:
            return None
        topology = self._wire.added_to(hosts) if hosts is not None else self.added_to(base)
        self._due = packets + PACKETS_A_FLOW * flows + PACKETS_A_GUEST * len(topology.guests)
        return topology

    def added_to(self, base: Topology) -> Topology:
        """`base`, as the source has it, with hosts that were learned and what guests say of themselves."""
        return self._wire.added_to(base if self._hosts is None else self._hosts.added_to(base))

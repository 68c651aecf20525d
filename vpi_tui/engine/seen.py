"""A batch as those see it who tell of single packets."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vpi_tui.engine.addresses import address_text
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.tunnels import kind_of
from vpi_tui.flow.render import to_record
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.event import SeenPacket

_ICMP: Final = (1, 58)


class SeenBatch(NamedTuple):
    """Rows of a batch, and what tells whose they are."""

    packets: PacketBatch
    decoded: DecodedBatch
    flows: FlowBatch
    records: Any
    """The flow table's, by slot."""
    source: EngineSource
    first: int
    """1-based number of the batch's first packet."""

    def packet(self, row: int) -> SeenPacket:
        """The packet of a row."""
        decoded, packet, slot = self.decoded, int(self.decoded.packet[row]), int(self.flows.flow[row])
        flow = to_record(self.records[slot]) if slot >= 0 else None
        proto = int(decoded.proto[row])
        icmp = proto in _ICMP
        src_port = decoded.icmp_type if icmp else decoded.src_port
        dest_port = decoded.icmp_code if icmp else decoded.dest_port
        return SeenPacket(
            ts_ns=int(self.packets.ts_ns[packet]),
            flow_id=flow.flow_id if flow is not None else 0,
            community_id=flow.community_id if flow is not None else "",
            in_iface=self.source.port_name(int(self.packets.ifindex[packet])),
            packet_number=self.first + packet,
            src_ip=address_text(*(int(half) for half in decoded.src_ip[row])),
            src_port=int(src_port[row]),
            dest_ip=address_text(*(int(half) for half in decoded.dest_ip[row])),
            dest_port=int(dest_port[row]),
            proto=proto,
            vlan=tuple(int(tag) for tag in np.trim_zeros(decoded.vlan[row])),
            inside=kind_of(decoded, row),
        )

"""The public face of decode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vpi_tui.decode import kernels
from vpi_tui.decode.columns import Columns
from vpi_tui.decode.kernels_tunnel import ON_GENEVE, ON_TEREDO, ON_VXLAN
from vpi_tui.model.batch import U8, DecodedBatch, DecoderEvent, PacketBatch
from vpi_tui.model.decoder_events import rule_name

_COUNTERS: dict[str, int] = {
    "decoder.bytes": kernels.C_BYTES,
    "decoder.invalid": kernels.C_INVALID,
    "decoder.ipv4": kernels.C_IPV4,
    "decoder.ipv6": kernels.C_IPV6,
    "decoder.arp": kernels.C_ARP,
    "decoder.vlan": kernels.C_VLAN,
    "decoder.vlan_qinq": kernels.C_VLAN_QINQ,
    "decoder.vxlan": kernels.C_VXLAN,
    "decoder.geneve": kernels.C_GENEVE,
    "decoder.teredo": kernels.C_TEREDO,
    "decoder.gre": kernels.C_GRE,
    "decoder.ipip": kernels.C_IPINIP,
    "decoder.tcp": kernels.C_TCP,
    "decoder.udp": kernels.C_UDP,
    "decoder.icmpv4": kernels.C_ICMPV4,
    "decoder.icmpv6": kernels.C_ICMPV6,
    "decoder.sctp": kernels.C_SCTP,
    "decoder.esp": kernels.C_ESP,
    "decoder.fragments": kernels.C_FRAGMENTS,
}


@dataclass(frozen=True, slots=True)
class TunnelPorts:
    """UDP ports, of either side, where tunnels are looked for; Suricata's defaults."""

    vxlan: tuple[int, ...] = (4789,)
    geneve: tuple[int, ...] = (6081,)
    teredo: tuple[int, ...] = (3544,)

    def table(self) -> U8:
        """uint8[65536]: bits ON_* of kernels_tunnel."""
        found = np.zeros(1 << 16, np.uint8)
        for ports, bit in ((self.vxlan, ON_VXLAN), (self.geneve, ON_GENEVE), (self.teredo, ON_TEREDO)):
            found[list(ports)] |= bit
        return found


DEFAULT_TUNNELS: Final = TunnelPorts()


class Decoder:
    """Turns batches of frames into columns.

    verify_checksums: check IPv4, TCP, UDP, ICMP and ICMPv6 sums of whole packets; a wrong one sets
    an event and nothing else. zero_length_is_rest: take an IPv4 or UDP length of 0 as "to the end
    of the frame", as segmentation offload leaves it on live captures. tunnels: where UDP is opened.
    """

    def __init__(
        self,
        *,
        verify_checksums: bool = True,
        zero_length_is_rest: bool = False,
        tunnels: TunnelPorts = DEFAULT_TUNNELS,
    ) -> None:
        self._ports = tunnels.table()
        self.verify_checksums = verify_checksums
        self.zero_length_is_rest = zero_length_is_rest
        self._columns = Columns(_capacity(1024))
        self._counts = np.zeros(kernels.N_COUNTS, np.int64)
        self._packets = 0
        self._largest = 0
        self._rows = 0

    def decode(self, batch: PacketBatch) -> DecodedBatch:
        """Decode a batch. The columns are overwritten by the next call."""
        packets = len(batch.offset)
        if _capacity(packets) > self._columns.capacity:
            self._columns = Columns(_capacity(packets))
        elif self._rows:
            self._columns.blank()
        counts = np.zeros_like(self._counts)
        while True:
            rows = kernels.decode_rows(
                batch,
                self._columns.full,
                counts,
                self._ports,
                self.verify_checksums,
                self.zero_length_is_rest,
            )
            if rows >= 0:
                break
            counts[:] = 0
            self._columns = Columns(2 * self._columns.capacity)
        self._counts += counts
        self._packets += packets
        if packets:
            self._largest = max(self._largest, int(np.maximum(batch.length, batch.caplen).max()))
        self._rows = rows
        return self._columns.rows(rows)

    def stats(self) -> dict[str, float]:
        """Counters since the start, under their EVE paths; events only when they occurred."""
        stats = {"decoder.pkts": float(self._packets)}
        stats.update((name, float(self._counts[at])) for name, at in _COUNTERS.items())
        stats["decoder.max_pkt_size"] = float(self._largest)
        stats["decoder.avg_pkt_size"] = float(stats["decoder.bytes"] // max(self._packets, 1))
        for event in DecoderEvent:
            seen = self._counts[kernels.C_EVENTS + event]
            if seen:
                stats[f"decoder.event.{rule_name(event)}"] = float(seen)
        return stats


def _capacity(packets: int) -> int:
    """Rows to hold for a batch: room for some tunnels; more is made when it is needed."""
    return packets + packets // 8 + 2 * kernels.MAX_ROWS_A_PACKET

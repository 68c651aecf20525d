"""Decoded rows made by hand, without frames behind them unless a payload is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vpi_tui.decode.columns import Columns
from vpi_tui.inventory.addresses import halves
from vpi_tui.model.batch import DecodedBatch, PacketBatch

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Seg:
    """One row. payload: bytes, or how many there were."""

    src: str = "10.0.0.1"
    sport: int = 40000
    dst: str = "10.0.0.2"
    dport: int = 80
    proto: int = 6
    flags: int = 0
    payload: bytes | int = 0
    seq: int = 0
    ack: int = 0
    events: int = 0
    ts_ns: int = 0
    vlan: tuple[int, int] = (0, 0)
    tunnel: int = 0
    fragment: int = 0
    length: int = 100
    ifindex: int = 0
    mac: int = 0
    ip_v: int = -1
    """-1 = as the address says; 0 = a row that is no IP."""
    malformed: bool = False

    def back(self, **changes: object) -> Seg:
        """The other direction."""
        turned = replace(self, src=self.dst, dst=self.src, sport=self.dport, dport=self.sport)
        return replace(turned, **changes)  # type: ignore[arg-type]

    @property
    def version(self) -> int:
        return (6 if ":" in self.src else 4) if self.ip_v < 0 else self.ip_v

    @property
    def size(self) -> int:
        return self.payload if isinstance(self.payload, int) else len(self.payload)


def batch(rows: Sequence[Seg]) -> tuple[PacketBatch, DecodedBatch]:
    count = len(rows)
    bodies = [row.payload if isinstance(row.payload, bytes) else b"\xee" * row.payload for row in rows]
    starts = np.concatenate(([0], np.cumsum([len(body) for body in bodies])))[:count].astype(np.int64)
    packets = PacketBatch(
        buf=np.frombuffer(b"".join(bodies), np.uint8).copy(),
        offset=starts,
        caplen=np.array([len(body) for body in bodies], np.int32),
        length=np.array([row.length for row in rows], np.int32),
        ts_ns=np.array([row.ts_ns for row in rows], np.int64),
        link_type=np.ones(count, np.uint16),
        ifindex=np.array([row.ifindex for row in rows], np.int32),
        vlan_tci=np.zeros(count, np.uint32),
        flags=np.zeros(count, np.uint8),
        kernel_packets=0,
        kernel_drops=0,
    )
    d = Columns(max(count, 1)).rows(count)
    d.packet[:] = np.arange(count)
    for at, row in enumerate(rows):
        d.ip_v[at] = row.version
        d.src_ip[at], d.dest_ip[at] = halves(row.src), halves(row.dst)
        d.src_port[at], d.dest_port[at], d.proto[at] = row.sport, row.dport, row.proto
        d.vlan[at], d.tunnel[at], d.tcp_flags[at] = row.vlan, row.tunnel, row.flags
        d.tcp_seq[at], d.tcp_ack[at], d.events[at] = row.seq, row.ack, row.events
        d.icmp_type[at] = row.sport & 0xFF if row.proto == 1 else 0
        d.fragment[at], d.src_mac[at], d.ip_len[at] = row.fragment, row.mac, row.length - 14
        d.payload_off[at] = -1 if row.malformed else starts[at]
        d.payload_len[at] = 0 if row.malformed else row.size
    return packets, d

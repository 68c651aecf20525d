"""The few packets in which guests name themselves, chosen by tests on columns and read within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.inventory.wire.dhcp import client_name
from vpi_tui.inventory.wire.reader import MalformedError, Reader, Sender
from vpi_tui.inventory.wire.resolution import answered_name, netbios_name
from vpi_tui.model.batch import I64, DecodedBatch, PacketBatch

UDP = 17
READERS: Final[dict[int, tuple[str, Reader]]] = {
    67: ("DHCP", client_name),
    5353: ("mDNS", answered_name),
    5355: ("LLMNR", answered_name),
    137: ("NBNS", netbios_name),
}
"""By the port of one side: what it is called, and who reads it."""
MAX_BYTES: Final = 1_500
MAX_A_BATCH: Final = 256
A_PORT_A_SECOND: Final = 16
"""Messages read of one port in one second of packet time: who floods keeps nobody else from being heard."""
_WATCHED = np.zeros(1 << 16, np.bool_)
_WATCHED[list(READERS)] = True


class Message(NamedTuple):
    """name: what the sender calls itself; source: in which protocol."""

    ifindex: int
    mac: int
    name: str
    source: str
    ts_ns: int


class Messages:
    """Remembers only how much was read of each port lately."""

    def __init__(self) -> None:
        self._second = 0
        self._read: dict[int, int] = {}

    def read(self, packets: PacketBatch, decoded: DecodedBatch) -> Iterator[Message]:
        wanted = _WATCHED[decoded.dest_port] | _WATCHED[decoded.src_port]
        rows = np.flatnonzero(
            wanted & (decoded.proto == UDP) & (decoded.payload_len > 0) & (decoded.tunnel == 0)
        )
        if not rows.size:
            return
        for row in self._allowed(packets, decoded, rows):
            found = _read(packets, decoded, row)
            if found is not None:
                yield found

    def _allowed(self, packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> list[int]:
        """The first rows of each port, as long as its second is not used up."""
        frames = decoded.packet[rows]
        second = int(packets.ts_ns[frames[0]]) // 1_000_000_000
        if second != self._second:
            self._second, self._read = second, {}
        ports = packets.ifindex[frames]
        allowed: list[int] = []
        for port in np.unique(ports)[:MAX_A_BATCH].tolist():
            left = A_PORT_A_SECOND - self._read.get(port, 0)
            taken = rows[ports == port][: max(left, 0)].tolist()
            self._read[port] = self._read.get(port, 0) + len(taken)
            allowed += taken
        return sorted(allowed)[:MAX_A_BATCH]


def _read(packets: PacketBatch, decoded: DecodedBatch, row: int) -> Message | None:
    ports = int(decoded.dest_port[row]), int(decoded.src_port[row])
    source, reader = next(READERS[port] for port in ports if port in READERS)
    start = int(decoded.payload_off[row])
    data = packets.buf[start : start + min(int(decoded.payload_len[row]), MAX_BYTES)].tobytes()
    high, low = (int(half) for half in decoded.src_ip[row])
    ip = (
        (low & 0xFFFF_FFFF).to_bytes(4, "big")
        if decoded.ip_v[row] == 4
        else (high << 64 | low).to_bytes(16, "big")
    )
    mac, frame = int(decoded.src_mac[row]), int(decoded.packet[row])
    try:
        name = reader(data, Sender(mac, ip))
    except MalformedError:
        return None
    return (
        Message(int(packets.ifindex[frame]), mac, name, source, int(packets.ts_ns[frame])) if name else None
    )

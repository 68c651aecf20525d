"""The few packets in which guests name themselves, chosen by tests on columns and read within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.inventory.wire.dhcp import client_name
from vpi_tui.inventory.wire.reader import MalformedError, Reader, Sender
from vpi_tui.inventory.wire.resolution import answered_name, netbios_name
from vpi_tui.model.batch import I64, U8, DecodedBatch, PacketBatch

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
        rows = np.flatnonzero(decoded.proto == UDP)
        rows = rows[_WATCHED[decoded.dest_port[rows]] | _WATCHED[decoded.src_port[rows]]]
        rows = rows[(decoded.payload_len[rows] > 0) & (decoded.tunnel[rows] == 0)]
        if rows.size:
            rows = self._allowed(packets, decoded, rows)
        for datagram in _datagrams(packets, decoded, rows) if rows.size else ():
            name, source = _named(packets.buf, datagram)
            if name:
                yield Message(datagram.ifindex, datagram.mac, name, source, datagram.ts_ns)

    def _allowed(self, packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> I64:
        """The first rows of each port, as long as its second is not used up."""
        frames = decoded.packet[rows]
        second = int(packets.ts_ns[frames[0]]) // 1_000_000_000
        if second != self._second:
            self._second, self._read = second, {}
        ports = packets.ifindex[frames]
        allowed: list[int] = []
        for port in sorted(set(ports.tolist()))[:MAX_A_BATCH]:
            left = A_PORT_A_SECOND - self._read.get(port, 0)
            if left > 0:
                taken = rows[ports == port][:left].tolist()
                self._read[port] = self._read.get(port, 0) + len(taken)
                allowed += taken
        return np.array(sorted(allowed)[:MAX_A_BATCH], np.int64)


class _Datagram(NamedTuple):
    dest_port: int
    src_port: int
    start: int
    size: int
    ip_v: int
    src_ip: list[int]
    mac: int
    ifindex: int
    ts_ns: int

    @property
    def sender(self) -> Sender:
        high, low = self.src_ip
        ip = (
            (low & 0xFFFF_FFFF).to_bytes(4, "big")
            if self.ip_v == 4
            else (high << 64 | low).to_bytes(16, "big")
        )
        return Sender(self.mac, ip)


def _datagrams(packets: PacketBatch, decoded: DecodedBatch, rows: I64) -> Iterator[_Datagram]:
    d, frames = decoded, decoded.packet[rows]
    of_rows = d.dest_port, d.src_port, d.payload_off, d.payload_len, d.ip_v, d.src_ip, d.src_mac
    columns = (*(column[rows] for column in of_rows), packets.ifindex[frames], packets.ts_ns[frames])
    return map(_Datagram._make, zip(*(column.tolist() for column in columns), strict=True))


def _named(buf: U8, datagram: _Datagram) -> tuple[str, str]:
    """What the sender calls itself, "" for nothing; and in which protocol."""
    ports = datagram.dest_port, datagram.src_port
    source, reader = next(READERS[port] for port in ports if port in READERS)
    data = buf[datagram.start : datagram.start + min(datagram.size, MAX_BYTES)].tobytes()
    try:
        return reader(data, datagram.sender), source
    except MalformedError:
        return "", source

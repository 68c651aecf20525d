"""Buffers that steps look at, by name. An application layer adds its own with `register`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from vpi_tui.detect.applayer.application import TO_CLIENT, TO_SERVER, instances
from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.applayer.names import plain_name, side_of
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.detect.applayer.window import Window
from vpi_tui.detect.match.units import PAYLOAD
from vpi_tui.model.batch import U8, DecodedBatch, Direction, Fragment, LinkType, PacketBatch


@dataclass(slots=True)
class Context:
    """What one rule is evaluated on: a packet, or a stretch of a stream and the packet with it.

    start, end: where the payload or stretch lies in `data`. fresh: bytes before this (counted from
    the start of the payload) were inspected before; -1 = all is new.
    """

    data: U8
    start: int
    end: int
    fresh: int
    packets: PacketBatch
    decoded: DecodedBatch
    row: int
    """-1 = no packet."""
    little_endian: bool = False

    @property
    def buf(self) -> U8:
        """The packets' bytes."""
        return self.packets.buf

    @property
    def now_ns(self) -> int:
        """Time of the packet; 0 = no packet."""
        return int(self.packets.ts_ns[self.decoded.packet[self.row]]) if self.row >= 0 else 0

    def instances(self, name: str) -> Sequence[bytes]:
        """The bytes of a buffer as the one instance; empty when the packet does not have it."""
        data = BUFFERS[name](self)
        return () if data is None else (data,)

    def has(self, name: str) -> bool:
        return any(self.instances(name))

    def grows(self, _name: str) -> bool:
        return False

    def files(self) -> Sequence[tuple[File, bool]]:
        """A packet has none."""
        return ()


_SIDE: Final = {TO_SERVER: Direction.TO_SERVER, TO_CLIENT: Direction.TO_CLIENT}
"""Buffers that only one direction has are always that direction's, whoever completed the transaction."""


@dataclass(slots=True)
class TransactionContext:
    """What one rule is evaluated on: one direction of a transaction, and the packet that completed it."""

    progress: Progress
    packet_of: Callable[[], Context]
    """Made when it is asked for, which is seldom."""
    fresh: int = -1

    @property
    def little_endian(self) -> bool:
        return self.progress.transaction.little_endian

    @property
    def now_ns(self) -> int:
        return self.packet_of().now_ns

    def instances(self, name: str) -> Sequence[bytes | Window]:
        """The bytes of a buffer, of the transaction or else of the packet; none of one that is not whole."""
        progress = self.progress
        if name == PAYLOAD:
            return (progress.sent,) if progress.sent else ()
        buffer = progress.application.buffers.get(plain_name(name))
        if buffer is not None:
            direction = _SIDE.get(buffer.directions) or side_of(name) or progress.direction
            if buffer.grows and direction == progress.direction:
                return progress.grown.get(buffer.name, ())
            if buffer.grows:
                return buffer.get(progress.transaction, direction)
            if direction == progress.direction and buffer.stage > progress.stage:
                return ()
            return instances(buffer, progress.transaction, direction)
        # A pattern may be met in the buffers of a protocol that has none of this rule's.
        return self.packet_of().instances(name) if progress.row >= 0 and name in BUFFERS else ()

    def has(self, name: str) -> bool | None:
        """Is the buffer there? None = that cannot be said yet."""
        if self.instances(name):
            return True
        progress = self.progress
        buffer = progress.application.buffers.get(plain_name(name))
        if buffer is None or progress.stage == Stage.DONE:
            return buffer is not None and bool(buffer.get(progress.transaction, progress.direction))
        return None if buffer.grows or buffer.stage > progress.stage else False

    def grows(self, name: str) -> bool:
        """Does the buffer come piece by piece?"""
        buffer = self.progress.application.buffers.get(plain_name(name))
        return buffer is not None and buffer.grows

    def files(self) -> Sequence[tuple[File, bool]]:
        """Of this direction, and whether each was open then."""
        return self.progress.files_then()


class Subject(Protocol):
    """What the steps of a rule are held against."""

    @property
    def fresh(self) -> int:
        """Bytes of the payload before this were inspected before; -1 = all is new."""

    @property
    def little_endian(self) -> bool:
        """Byte order that the message says its numbers have."""

    @property
    def now_ns(self) -> int:
        """When this is; 0 = not known."""

    def instances(self, name: str) -> Sequence[bytes | Window]:
        """All that a buffer holds."""

    def has(self, name: str) -> bool | None:
        """Does it hold anything? None = that cannot be said yet."""

    def grows(self, name: str) -> bool:
        """Does the buffer come piece by piece?"""

    def files(self) -> Sequence[tuple[File, bool]]:
        """The files that keywords about files may speak of, and whether each was open then."""


Buffer = Callable[[Context], bytes | None]
"""Gives the bytes of a buffer, None when this packet does not have it."""

_FRAGMENTS: Final = (Fragment.FIRST, Fragment.LATER)

BUFFERS: Final[dict[str, Buffer]] = {}


def register(name: str, buffer: Buffer) -> None:
    """Add a buffer. Raises ValueError when the name is taken."""
    if name in BUFFERS:
        raise ValueError(f"buffer {name} is registered already")
    BUFFERS[name] = buffer


def _payload(context: Context) -> bytes:
    return context.data[context.start : context.end].tobytes()


_ETHERNET: Final = 14


def _ethernet_header(context: Context) -> bytes | None:
    """Addresses and the type behind them, of the outer frame: a VLAN tag has its own type there."""
    packets, decoded, row = context.packets, context.decoded, context.row
    # What is inside a tunnel has no Ethernet header of its own, or not this one.
    if row < 0 or decoded.tunnel[row] != 0:
        return None
    packet = decoded.packet[row]
    if packets.link_type[packet] != LinkType.ETHERNET:
        return None
    start = int(packets.offset[packet])
    header = packets.buf[start : start + _ETHERNET].tobytes()
    return header if len(header) == _ETHERNET else None


def _ip_header(version: int) -> Buffer:
    """From the IP header to layer 4: options and extension headers included."""

    def buffer(context: Context) -> bytes | None:
        decoded, row = context.decoded, context.row
        if row < 0 or decoded.ip_v[row] != version or decoded.ip_off[row] < 0:
            return None
        start, end = int(decoded.ip_off[row]), int(decoded.l4_off[row])
        return context.buf[start:end].tobytes() if end > start else None

    return buffer


def _layer4(context: Context, proto: int) -> int:
    """Where the layer-4 header begins, -1 when the packet has none of this protocol."""
    decoded, row = context.decoded, context.row
    if row < 0 or decoded.proto[row] != proto or decoded.fragment[row] in _FRAGMENTS:
        return -1
    return int(decoded.l4_off[row])


def _fixed_header(proto: int, length: int) -> Buffer:
    def buffer(context: Context) -> bytes | None:
        start = _layer4(context, proto)
        if start < 0:
            return None
        row = context.row
        end = int(context.decoded.ip_off[row]) + int(context.decoded.ip_len[row])
        return context.buf[start : start + length].tobytes() if start + length <= end else None

    return buffer


def _tcp_header(context: Context) -> bytes | None:
    start = _layer4(context, 6)
    end = int(context.decoded.payload_off[context.row]) if start >= 0 else -1
    return context.buf[start:end].tobytes() if 0 <= start < end else None


_ICMP_LENGTH: Final = {13: 20, 14: 20, 17: 12, 18: 12}
_ROUTER_ADVERTISEMENT: Final = 9


def _icmp4_header(context: Context) -> bytes | None:
    """The header with what belongs to it by type (RFC 792, 950, 1256): times, mask, router entries."""
    start, row = _layer4(context, 1), context.row
    if start < 0:
        return None
    kind = int(context.decoded.icmp_type[row])
    length = _ICMP_LENGTH.get(kind, 8)
    end = int(context.decoded.ip_off[row]) + int(context.decoded.ip_len[row])
    if kind == _ROUTER_ADVERTISEMENT and start + 8 <= end:
        length += 4 * int(context.buf[start + 4]) * int(context.buf[start + 5])
    return context.buf[start : start + length].tobytes() if start + length <= end else None


def _address(column: str) -> Buffer:
    """4 bytes, or 16 of IPv6."""

    def buffer(context: Context) -> bytes | None:
        decoded, row = context.decoded, context.row
        if row < 0 or not decoded.ip_v[row]:
            return None
        high, low = getattr(decoded, column)[row].tolist()
        whole: bytes = (high << 64 | low).to_bytes(16, "big")
        return whole[12:] if decoded.ip_v[row] == _IPV4 else whole

    return buffer


_WINDOW_SCALE, _END, _PAD = 3, 0, 1
_WINDOW_SCALE_SIZE, _LARGEST_SCALE = 3, 14
_IGMP: Final = 2


def _window_scale(context: Context) -> bytes | None:
    """The shift of the window scale option (RFC 7323), one byte; 0 of one that is larger than may be."""
    options = (_tcp_header(context) or b"")[20:]
    at = 0
    while at + 2 < len(options) and options[at] != _END:
        if options[at] == _WINDOW_SCALE and options[at + 1] == _WINDOW_SCALE_SIZE:
            return options[at + 2 : at + 3] if options[at + 2] <= _LARGEST_SCALE else b"\0"
        at += 1 if options[at] == _PAD else max(options[at + 1], 2)
    return None


def _icmp6_mtu(context: Context) -> bytes | None:
    """RFC 4443, packet too big."""
    header = BUFFERS["icmpv6.hdr"](context)
    return header[4:8] if header is not None else None


def _igmp(context: Context) -> bytes | None:
    """The message: all behind the IP header."""
    start = _layer4(context, _IGMP)
    if start < 0:
        return None
    decoded, row = context.decoded, context.row
    end = int(decoded.ip_off[row]) + int(decoded.ip_len[row])
    return context.buf[start:end].tobytes() if start < end else None


def _igmp_type(context: Context) -> bytes | None:
    message = _igmp(context)
    return message[:1] if message else None


def _vlan(place: int) -> Buffer:
    """The id of a tag by its place: 0 = the outermost, -1 = the innermost."""

    def buffer(context: Context) -> bytes | None:
        decoded, row = context.decoded, context.row
        if row < 0:
            return None
        layers = int(decoded.vlan_layers[row])
        layer = place if place >= 0 else layers + place
        if 0 <= layer < min(layers, VLANS_KEPT):
            return int(decoded.vlan[row, layer]).to_bytes(2)
        return _tag_before_ip(context) if layer == layers - 1 >= VLANS_KEPT else None

    return buffer


def _tag_before_ip(context: Context) -> bytes | None:
    """The id of the last of three tags: no column holds it, and it stands right before the header."""
    start = int(context.decoded.ip_off[context.row]) - _TAG
    if start < 0:
        return None
    return (int.from_bytes(context.buf[start : start + 2].tobytes()) & _VLAN_ID).to_bytes(2)


_TAG: Final = 4
_VLAN_ID: Final = 0xFFF
_IPV4: Final = 4
VLANS_KEPT: Final = 2
VLAN_PLACES: Final = (2, -1, -2, -3)
"""Those that are no column."""

for _place in VLAN_PLACES:
    register(f"vlan.id.{_place}", _vlan(_place))
register("ip.src", _address("src_ip"))
register("ip.dst", _address("dest_ip"))
register("payload", _payload)
register("ether.hdr", _ethernet_header)
register("ipv4.hdr", _ip_header(4))
register("ipv6.hdr", _ip_header(6))
register("tcp.hdr", _tcp_header)
register("udp.hdr", _fixed_header(17, 8))
register("icmpv4.hdr", _icmp4_header)
register("icmpv6.hdr", _fixed_header(58, 8))
register("icmpv6.mtu", _icmp6_mtu)
register("tcp.wscale", _window_scale)
register("igmp.hdr", _igmp)
register("igmp.type", _igmp_type)

"""Batches: what the compiled loops take and give.

They are NamedTuples of numpy arrays, because numba takes such a tuple as *one* argument. All
offsets are absolute positions in `PacketBatch.buf`. A batch is valid until its source is asked
for the next one.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.decoder_events import DecoderEvent as DecoderEvent  # noqa: PLC0414

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Columns = NDArray[Any]


class LinkType(IntEnum):
    """LINKTYPE_ values of the pcap file format (https://www.tcpdump.org/linktypes.html)."""

    NULL = 0
    ETHERNET = 1
    PPP = 9
    RAW = 101
    C_HDLC = 104
    LOOP = 108
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    LINUX_SLL2 = 276


class PacketFlag(IntFlag):
    """Bits of `PacketBatch.flags`."""

    CHECKSUM_NOT_READY = 1
    """The kernel hands the frame over before the checksum is filled in (offload)."""


class PacketBatch(NamedTuple):
    """`n` captured frames of one source.

    buf may be a shared ring or a private file mapping: writable for numba's sake, never written.
    """

    buf: U8
    """uint8[size]: the bytes all offsets point into."""
    offset: I64
    """int64[n]: first byte of the frame."""
    caplen: I32
    """int32[n]: bytes captured, from offset on."""
    length: I32
    """int32[n]: bytes on the wire, >= caplen."""
    ts_ns: I64
    """int64[n]: nanoseconds since 1970-01-01 UTC."""
    link_type: U16
    """uint16[n]: a LinkType; others are counted and not decoded."""
    ifindex: I32
    """int32[n]: the port where the frame entered: kernel ifindex live, interface number in a file."""
    vlan_tci: U32
    """uint32[n]: tag that the kernel stripped, 0x10000 | TCI; 0 = none."""
    flags: U8
    """uint8[n]: PacketFlag bits."""
    kernel_packets: int
    """Packets that the kernel offered since the source was opened; 0 for files."""
    kernel_drops: int
    """Packets that the kernel dropped since the source was opened; 0 for files."""


class Fragment(IntEnum):
    """Values of `DecodedBatch.fragment`."""

    NONE = 0
    FIRST = 1
    LATER = 2
    REBUILT = 3
    """A whole datagram that was put together from fragments; its `packet` is that of the last one."""


class TunnelKind(IntEnum):
    """High byte of `DecodedBatch.tunnel`."""

    NONE = 0
    GRE = 1
    VXLAN = 2
    IP_IN_IP = 3
    GENEVE = 4
    TEREDO = 5


class DecodedBatch(NamedTuple):
    """`m` decoded rows, m >= the packets: a tunnelled packet gives one row for each IP layer.

    Outer row first. A value that the packet does not have is 0; an offset then is -1.
    """

    packet: I32
    """int32[m]: index into the PacketBatch."""
    ip_v: U8
    """uint8[m]: 4, 6, or 0 for no IP (ARP, others, malformed)."""
    ethertype: U16
    """uint16[m]: after all VLAN tags; 0x0800 / 0x86dd also for raw IP."""
    src_ip: U64
    """uint64[m, 2]: high and low half in host order; IPv4 as ::ffff:a.b.c.d; ARP: sender, target."""
    dest_ip: U64
    src_port: U16
    """uint16[m]: TCP, UDP, SCTP. ICMP: type, and in dest_port the code or the type that answers
    it, as Community ID orders them."""
    dest_port: U16
    proto: U8
    """uint8[m]: IP protocol number of the last header reached; 0 when ip_v is 0."""
    vlan: U16
    """uint16[m, 2]: VLAN ids (12 bits), outermost first; 0 = none. More layers are only counted. A row inside
    a tunnel whose own frame has no tag has the ids of the row around it: they tell its tenant."""
    vlan_layers: U8
    """uint8[m]: number of tags, the one stripped by the kernel included; inherited ids do not count."""
    src_mac: U64
    """uint64[m]: 48 bits; 0 when the link has none."""
    dest_mac: U64
    ip_off: I64
    """int64[m]: first byte of the IP (or ARP) header; -1 = none."""
    ip_len: I32
    """int32[m]: bytes of the IP datagram that were captured, its header included."""
    l4_off: I64
    """int64[m]: first byte after the IP headers; -1 = none."""
    payload_off: I64
    """int64[m]: first payload byte; for unknown protocols, after the IP headers; -1 = none: a fragment
    has none, its bytes are looked at when the datagram is whole."""
    payload_len: I32
    """int32[m]: payload bytes captured; padding excluded. 0 where the protocol is not taken apart (GRE, IP in
    IP, OSPF, ...): what a tunnel carries has a row of its own."""
    ttl: U8
    """uint8[m]: TTL or hop limit."""
    tos: U8
    """uint8[m]: TOS or traffic class."""
    ip_id: U32
    """uint32[m]: IPv4 identification or IPv6 fragment identification."""
    frag_bits: U8
    """uint8[m]: reserved 4, don't-fragment 2, more-fragments 1."""
    frag_offset: U16
    """uint16[m]: in units of 8 bytes."""
    fragment: U8
    """uint8[m]: a Fragment."""
    ip_opts: U32
    """uint32[m]: bit per IPv4 option seen: see decode.ipopts."""
    tcp_flags: U16
    """uint16[m]: 9 bits, FIN = 1 ... CWR = 0x80, NS = 0x100 (RFC 9293)."""
    tcp_seq: U32
    tcp_ack: U32
    tcp_window: U16
    tcp_mss: U16
    """uint16[m]: MSS option of a SYN; 0 = none."""
    icmp_type: U8
    icmp_code: U8
    icmp_id: U16
    """uint16[m]: identifier of echo and like messages."""
    icmp_seq: U16
    tunnel: U32
    """uint32[m]: TunnelKind << 24 | 24 bits that tell the tunnel that this row was inside from others, the
    same in both directions; 0 = none. The bits are the VNI, or the low bits of the GRE key. A tunnel that
    names no id (IP in IP, GRE without a key) has a hash of the addresses of its two ends there, and one that
    is itself inside a tunnel a hash that takes the outer number in: so tenants with the same addresses inside
    are told apart wherever their tunnels are."""
    events: U64
    """uint64[m]: bit set of the DecoderEvents below 64."""
    oddities: U64
    """uint64[m, 2]: bit set of those from 64 on."""
    stream_events: U64
    """uint64[m]: bit set of StreamEvent; what the stream stage finds, 0 before it and where no rule asks."""


class Direction(IntEnum):
    """Values of `FlowBatch.direction`."""

    NONE = 0
    TO_SERVER = 1
    TO_CLIENT = 2


class FlowState(IntEnum):
    """Values of `FlowBatch.state`; Suricata's NEW, ESTABLISHED, CLOSED."""

    NEW = 0
    ESTABLISHED = 1
    CLOSED = 2


class FirstSeen(IntFlag):
    """Bits of `FlowBatch.first`."""

    OF_FLOW = 1
    OF_DIRECTION = 2


class FlowBatch(NamedTuple):
    """What the flow table says of each row of a DecodedBatch, at the time of that row."""

    flow: I32
    """int32[m]: slot in the flow table; -1 = no flow (not IP, malformed)."""
    direction: U8
    """uint8[m]: a Direction."""
    state: U8
    """uint8[m]: a FlowState, after this row."""
    first: U8
    """uint8[m]: FirstSeen bits."""
    app: U8
    """uint8[m]: the flow's application, number in applications.APP_PROTOS; 0 = not known yet, APP_FAILED =
    none of them. Of TCP as it was before this row, as Suricata knows it once the bytes are acknowledged."""
    new_rows: I32
    """int32[k]: the rows that opened a flow, in order."""
    closed: Columns
    """structured[c]: records of the flows that ended since the last update (flow.FLOW_DTYPE)."""


class StreamBatch(NamedTuple):
    """Stretches of TCP streams to inspect now, in the order in which they became known.

    A stretch is inspected together with the row that completed it; bytes from `start` up to
    `fresh` were inspected before and are there for patterns that span the edge.
    """

    buf: U8
    """uint8[size]: the arena that the offsets point into."""
    row: I32
    """int32[k]: row of the DecodedBatch whose arrival released this stretch; -1 = a time-out."""
    flow: I32
    """int32[k]: slot in the flow table."""
    direction: U8
    """uint8[k]: a Direction: who sent these bytes."""
    start: I64
    fresh: I64
    end: I64
    stream_offset: I64
    """int64[k]: position of `start` in the stream; 0 = the first byte after the SYN."""
    window: I64
    """int64[k]: where the window of the stream begins that the fresh bytes are of: at its first byte, or at
    the first one behind a hole or behind another window, each of which has 2,560 bytes or more. Where a
    parser tells where messages end: the first byte since the peer last spoke. May lie before `start`.
    -1 = it is not known."""
    gap: U8
    """uint8[k]: 1 = bytes are missing right before `start`."""
    reassembled: U8
    """uint8[m]: a row a TCP payload byte of which the stream took (its packet payload need not
    be inspected again)."""

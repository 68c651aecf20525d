"""Events: one alert, one closed flow, one anomaly. EVE's names are given in output, not here.

Alerts come by the thousand, so they and their flows are msgspec structs: a frozen dataclass of as many fields
takes ten times as long to make. They hold no cycles, so the garbage collector need not know of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec


class FlowRecord(msgspec.Struct, frozen=True, gc=False):
    """One flow. Addresses are text; times are nanoseconds since 1970 UTC; counters are frames
    and bytes on the wire."""

    flow_id: int
    community_id: str
    switch: str
    client_guest: str
    server_guest: str
    locality: str
    """east-west, north-south, host, external, unknown."""
    vlan: tuple[int, ...]
    proto: int
    src_ip: str
    src_port: int
    dest_ip: str
    dest_port: int
    app_proto: str
    start_ns: int
    end_ns: int
    state: str
    """new, established, closed."""
    pkts_toserver: int
    pkts_toclient: int
    bytes_toserver: int
    bytes_toclient: int
    tcp_flags_toserver: int = 0
    tcp_flags_toclient: int = 0
    alerted: bool = False
    reason: str = ""
    """Why it ended: timeout, fin, rst, reuse, evicted, shutdown; "" while it lives."""


class Looks(NamedTuple):
    """Applications of a flow beside its own; "" = not known."""

    to_server: str = ""
    """What is said to the server looks like this; failed = like nothing."""
    to_client: str = ""
    origin: str = ""
    """What it was before, as after STARTTLS."""


NO_LOOKS: Final = Looks()


class Tunnel(msgspec.Struct, frozen=True, gc=False):
    """The outermost packet around one that came through a tunnel."""

    kind: str
    """The innermost tunnel: gre, vxlan, geneve, teredo, ipv4 or ipv6."""
    depth: int
    """How many packets are around the innermost."""
    src_ip: str
    src_port: int
    dest_ip: str
    dest_port: int
    proto: int


class Alert(msgspec.Struct, frozen=True, gc=False):
    """One alert. `number` counts from 1 in an engine's life and never repeats."""

    number: int
    ts_ns: int
    gid: int
    sid: int
    rev: int
    msg: str
    classtype: str
    priority: int
    action: str
    technique: str
    pack: str
    in_iface: str
    """Port where the packet entered."""
    switch: str
    src_guest: str
    dest_guest: str
    locality: str
    src_ip: str
    src_port: int
    dest_ip: str
    dest_port: int
    proto: int
    app_proto: str
    vlan: tuple[int, ...]
    direction: str
    """to_server, to_client or ""."""
    community_id: str
    flow_id: int
    packet_number: int
    """1-based number of the packet in its capture; 0 for a stream time-out."""
    stream: bool = False
    """True when reassembled bytes matched, not one packet's payload."""
    flowbits: tuple[str, ...] = ()
    """Names of the flow's bits that are set. This, and the three below: as they were when it matched."""
    flowints: tuple[tuple[str, int], ...] = ()
    flowvars: tuple[tuple[str, bytes], ...] = ()
    """What expressions of rules captured for the flow: name and bytes as sent; pktvars: of the packet."""
    pktvars: tuple[tuple[str, bytes], ...] = ()
    context: tuple[tuple[str, bytes], ...] = ()
    """What sets tell of the values that the rule found in them: name and JSON."""
    target: str = ""
    """Which end the rule says is attacked: src_ip, dest_ip or ""."""
    metadata: tuple[tuple[str, str], ...] = ()
    reference: tuple[tuple[str, str], ...] = ()
    tunnel: Tunnel | None = None
    """None = the packet came through none."""


@dataclass(frozen=True, slots=True)
class SeenPacket:
    """One packet that something is told of."""

    ts_ns: int
    flow_id: int
    """0 = it has none."""
    community_id: str
    in_iface: str
    packet_number: int
    """1-based."""
    src_ip: str
    src_port: int
    dest_ip: str
    dest_port: int
    proto: int
    vlan: tuple[int, ...]
    inside: str = ""
    """The tunnel that it came through, as of Tunnel.kind; "" = none."""


@dataclass(frozen=True, slots=True)
class PacketAnomaly:
    """One thing that is odd in a packet. kind: decode or stream; event: its name in rules, with its layer."""

    packet: SeenPacket
    kind: str
    event: str


@dataclass(frozen=True, slots=True)
class TaggedPacket:
    """A packet behind an alert of a rule that wants it told."""

    packet: SeenPacket
    frame: bytes
    link_type: int


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that a transaction carried. to_server: which way; fields: the object of the event."""

    to_server: bool
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """One request and its answer on an application layer, once nothing more comes of it."""

    ts_ns: int
    event_type: str
    """http, dns, tls, ...: what the log calls the protocol."""
    flow: FlowRecord
    in_iface: str
    packet_number: int
    """1-based number of the packet that brought its end; 0 = none did."""
    tx_id: int
    """Which of its flow's transactions, from 0."""
    of_client: bool = True
    """Its source is the client."""
    inside: str = ""
    """The tunnel that its end came through, as of Tunnel.kind; "" = none."""
    origin: str = ""
    """The application that the flow was before, as after STARTTLS; "" = none."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Objects of the event by name, such as {"http": {...}}; text may be anything that a sender wrote.
    {} = it was no message: there are but its anomalies."""
    anomalies: tuple[str, ...] = ()
    """Names of what the parser found wrong, such as http.invalid_host."""
    files: tuple[FileRecord, ...] = ()

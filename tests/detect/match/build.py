"""Batches and signatures for the tests, made by hand: no decoder, no flow table needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import numpy as np

from vpi_tui.detect.match.candidates import units_for
from vpi_tui.detect.match.inspection import InspectionOptions
from vpi_tui.detect.match.kernels_rules import packet_subject
from vpi_tui.detect.match.kernels_units import UNITS_AN_ENTRY, packet_units
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.types import FlowView, Match, ScopeResolver
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch, StreamBatch
from vpi_tui.model.signature import (
    ANY_ADDRESS,
    ANY_PORT,
    Action,
    ColumnTest,
    Content,
    Header,
    Origin,
    Ranges,
    Signature,
)

SECOND = 1_000_000_000
MAPPED = 0xFFFF << 32


def ip(text: str) -> int:
    """Address as PacketBatch has it: 128 bits, IPv4 mapped."""
    address = ip_address(text)
    return int(address) if address.version == 6 else 0xFFFF << 32 | int(address)


def addresses(*spans: tuple[str, str]) -> Ranges:
    return Ranges(tuple((ip(low), ip(high)) for low, high in spans))


def ports(*numbers: int) -> Ranges:
    return Ranges(tuple((number, number) for number in sorted(numbers)))


def rule(
    sid: int = 1,
    *,
    protocol: str = "tcp",
    src: Ranges = ANY_ADDRESS,
    src_port: Ranges = ANY_PORT,
    dest: Ranges = ANY_ADDRESS,
    dest_port: Ranges = ANY_PORT,
    both: bool = False,
    action: Action = Action.ALERT,
    **options: Any,
) -> Signature:
    header = Header(protocol, src, src_port, dest, dest_port, both)
    return Signature(action, header, f"rule {sid}", 1, sid, 1, "", Origin("test.rules", sid), **options)


def content(pattern: bytes, **options: Any) -> Content:
    return Content(options.pop("buffer", "payload"), pattern, **options)


def column(name: str, *spans: int | tuple[int, int], **options: Any) -> ColumnTest:
    return ColumnTest(name, tuple(s if isinstance(s, tuple) else (s, s) for s in spans), **options)


TO_SERVER, TO_CLIENT = column("direction", 1), column("direction", 2)


@dataclass
class Packet:
    payload: bytes = b""
    src: int = ip("10.0.0.1")
    dest: int = ip("10.0.0.2")
    src_port: int = 40000
    dest_port: int = 80
    proto: int = 6
    version: int = 4
    app: int = 0
    flow: int = 0
    direction: int = 1
    state: int = 1
    first: int = 0
    ts_ns: int = 0
    taken: bool = False
    """Its payload is part of a stream."""
    more: dict[str, Any] = field(default_factory=dict)
    """Other columns of the DecodedBatch."""


@dataclass
class Stretch:
    data: bytes
    row: int = 0
    flow: int = 0
    direction: int = 1
    fresh: int = 0
    """Bytes that were inspected before."""
    offset: int = 0
    window: int = 0
    """Bytes before its window."""


_IP, _L4 = 20, 20


def decoded_of(packets: list[Packet]) -> tuple[PacketBatch, DecodedBatch, FlowBatch]:
    n = len(packets)
    buf = bytearray()
    offsets = []
    for p in packets:
        offsets.append(len(buf))
        buf += bytes((0x45, *range(1, _IP))) + bytes(range(100, 100 + _L4)) + p.payload
    at = np.array(offsets, np.int64)
    length = np.array([len(p.payload) for p in packets], np.int32)
    batch = PacketBatch(
        np.frombuffer(bytes(buf) or b"\0", np.uint8).copy(), at, length + 40, length + 40,
        np.array([p.ts_ns for p in packets], np.int64), np.full(n, 101, np.uint16), np.ones(n, np.int32),
        np.zeros(n, np.uint32), np.zeros(n, np.uint8), 0, 0,
    )  # fmt: skip
    types = {
        "packet": np.int32, "ip_v": np.uint8, "ethertype": np.uint16, "src_ip": np.uint64,
        "dest_ip": np.uint64,
        "src_port": np.uint16, "dest_port": np.uint16, "proto": np.uint8, "vlan": np.uint16,
        "vlan_layers": np.uint8, "src_mac": np.uint64, "dest_mac": np.uint64, "ip_off": np.int64,
        "ip_len": np.int32, "l4_off": np.int64, "payload_off": np.int64, "payload_len": np.int32,
        "ttl": np.uint8, "tos": np.uint8, "ip_id": np.uint32, "frag_bits": np.uint8, "frag_offset": np.uint16,
        "fragment": np.uint8, "ip_opts": np.uint32, "tcp_flags": np.uint16, "tcp_seq": np.uint32,
        "tcp_ack": np.uint32, "tcp_window": np.uint16, "tcp_mss": np.uint16, "icmp_type": np.uint8,
        "icmp_code": np.uint8, "icmp_id": np.uint16, "icmp_seq": np.uint16, "tunnel": np.uint32,
        "events": np.uint64, "oddities": np.uint64, "stream_events": np.uint64,
    }  # fmt: skip
    columns = {
        name: np.zeros((n, 2) if name in ("src_ip", "dest_ip", "vlan", "oddities") else n, kind)
        for name, kind in types.items()
    }
    columns["packet"][:] = np.arange(n)
    columns["ip_off"][:] = at
    columns["l4_off"][:] = at + _IP
    columns["payload_off"][:] = at + _IP + _L4
    columns["payload_len"][:] = length
    columns["ip_len"][:] = length + _IP + _L4
    for i, p in enumerate(packets):
        columns["ip_v"][i], columns["proto"][i] = p.version, p.proto
        columns["src_port"][i], columns["dest_port"][i] = p.src_port, p.dest_port
        columns["src_ip"][i] = (p.src >> 64, p.src & (1 << 64) - 1)
        columns["dest_ip"][i] = (p.dest >> 64, p.dest & (1 << 64) - 1)
        for name, value in p.more.items():
            columns[name][i] = value
    flows = FlowBatch(
        np.array([p.flow for p in packets], np.int32),
        np.array([p.direction for p in packets], np.uint8),
        np.array([p.state for p in packets], np.uint8),
        np.array([p.first for p in packets], np.uint8),
        np.array([p.app for p in packets], np.uint8),
        np.flatnonzero([p.first & 1 for p in packets]).astype(np.int32),
        np.zeros(0, [("slot", np.int32)]),
    )
    return batch, DecodedBatch(**columns), flows


def streams_of(stretches: list[Stretch], packets: list[Packet]) -> StreamBatch:
    ends = np.cumsum([len(s.data) for s in stretches], dtype=np.int64)
    starts = ends - np.array([len(s.data) for s in stretches], np.int64)
    return StreamBatch(
        np.frombuffer(b"".join(s.data for s in stretches) or b"\0", np.uint8).copy(),
        np.array([s.row for s in stretches], np.int32),
        np.array([s.flow for s in stretches], np.int32),
        np.array([s.direction for s in stretches], np.uint8),
        starts,
        starts + np.array([s.fresh for s in stretches], np.int64),
        ends,
        np.array([s.offset for s in stretches], np.int64),
        starts + np.array([s.window for s in stretches], np.int64),
        np.zeros(len(stretches), np.uint8),
        np.array([p.taken for p in packets], np.uint8),
    )


def view_of(packets: list[Packet], locality: int = 0) -> FlowView:
    """A flow table in which each slot is a flow of the first packet that names it."""
    slots = max([p.flow for p in packets], default=-1) + 1
    client, server = np.zeros((slots, 2), np.uint64), np.zeros((slots, 2), np.uint64)
    client_port, server_port = np.zeros(slots, np.uint16), np.zeros(slots, np.uint16)
    app = np.zeros(slots, np.uint8)
    for p in reversed(packets):
        if p.flow < 0:
            continue
        ends = [(p.src, p.src_port), (p.dest, p.dest_port)]
        if p.direction == 2:
            ends.reverse()
        for (address, port), row, number in zip(
            ends, (client, server), (client_port, server_port), strict=True
        ):
            row[p.flow] = (address >> 64, address & (1 << 64) - 1)
            number[p.flow] = port
        app[p.flow] = max(app[p.flow], p.app)
    return FlowView(client, server, client_port, server_port, np.full(slots, locality, np.uint8), app)


def run(
    matcher: Matcher, packets: list[Packet], stretches: list[Stretch] | None = None, locality: int = 0
) -> list[Match]:
    batch, decoded, flows = decoded_of(packets)
    streams = None if stretches is None else streams_of(stretches, packets)
    return matcher.match(batch, decoded, flows, streams, view_of(packets, locality))


def matcher_of(*rules: Signature, scope: ScopeResolver | None = None, most_alerts: int = 1 << 20) -> Matcher:
    ruleset = RuleSet.compile(rules)
    assert not ruleset.refused
    return Matcher(ruleset, scope, options=InspectionOptions(most_alerts=most_alerts))


def hits(
    rules: list[Signature], packets: list[Packet], stretches: list[Stretch] | None = None, locality: int = 0
) -> list[tuple[int, int]]:
    """(row, sid) of the matches."""
    return [(m.row, rules[m.rule].sid) for m in run(matcher_of(*rules), packets, stretches, locality)]


def scanned(rules: list[Signature], packets: list[Packet]) -> int:
    """How many stretches of these packets are scanned."""
    compiled = RuleSet.compile(rules)
    batch, decoded, flows = decoded_of(packets)
    none, slots = np.zeros(0, np.uint8), np.zeros(8, np.uint32)
    subject, _ = packet_subject(decoded, flows, none, slots, slots.copy(), np.uint64(0), np.uint64(0))

    units = units_for(UNITS_AN_ENTRY * len(packets))
    payload = decoded.payload_off, decoded.payload_len
    return int(packet_units(batch.buf, *payload, subject, none, compiled.selectors, units))

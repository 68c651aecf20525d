"""From bits of a batch to events: what is odd in single packets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from vpi_tui.engine.addresses import address_text
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.tunnels import kind_of
from vpi_tui.flow.render import to_record
from vpi_tui.model import decoder_events, stream_events
from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.decoder_events import DecoderEvent
from vpi_tui.model.event import PacketAnomaly
from vpi_tui.model.stream_events import StreamEvent

MOST: Final = 64
"""Anomalies of one batch that are told; a sender decides how many there are."""
_ICMP: Final = (1, 58)


class Found(NamedTuple):
    """left_out: packets whose anomalies are not told."""

    anomalies: list[PacketAnomaly]
    left_out: int


def packet_anomalies(
    packets: PacketBatch,
    decoded: DecodedBatch,
    flows: FlowBatch,
    records: Any,
    source: EngineSource,
    first: int,
) -> Found:
    """first: 1-based number of the batch's first packet. records: the flow table's, by slot."""
    odd = decoded.events | decoded.oddities[:, 0] | decoded.oddities[:, 1] | decoded.stream_events
    rows = np.flatnonzero(odd)
    found: list[PacketAnomaly] = []
    for done, row in enumerate(rows.tolist()):
        if len(found) >= MOST:
            return Found(found[:MOST], int(rows.size) - done)
        found += _of_row(row, packets, decoded, flows, records, source, first)
    return Found(found[:MOST], 0)


def _of_row(
    row: int,
    packets: PacketBatch,
    decoded: DecodedBatch,
    flows: FlowBatch,
    records: Any,
    source: EngineSource,
    first: int,
) -> Iterator[PacketAnomaly]:
    packet, slot = int(decoded.packet[row]), int(flows.flow[row])
    flow = to_record(records[slot]) if slot >= 0 else None
    proto = int(decoded.proto[row])
    icmp = proto in _ICMP
    src_port = decoded.icmp_type if icmp else decoded.src_port
    dest_port = decoded.icmp_code if icmp else decoded.dest_port
    for kind, event in _names(row, decoded):
        yield PacketAnomaly(
            ts_ns=int(packets.ts_ns[packet]),
            kind=kind,
            event=event,
            flow_id=flow.flow_id if flow is not None else 0,
            community_id=flow.community_id if flow is not None else "",
            in_iface=source.port_name(int(packets.ifindex[packet])),
            packet_number=first + packet,
            src_ip=address_text(*(int(half) for half in decoded.src_ip[row])),
            src_port=int(src_port[row]),
            dest_ip=address_text(*(int(half) for half in decoded.dest_ip[row])),
            dest_port=int(dest_port[row]),
            proto=proto,
            vlan=tuple(int(tag) for tag in np.trim_zeros(decoded.vlan[row])),
            inside=kind_of(decoded, row),
        )


def _names(row: int, decoded: DecodedBatch) -> Iterator[tuple[str, str]]:
    """(kind, name) of each thing that is odd in a row."""
    words = (int(decoded.events[row]), int(decoded.oddities[row, 0]), int(decoded.oddities[row, 1]))
    for number, word in enumerate(words):
        for bit in _bits(word):
            event = DecoderEvent(number * decoder_events.WORD + bit)
            yield "decode", f"decoder.{decoder_events.rule_name(event)}"
    for bit in _bits(int(decoded.stream_events[row])):
        yield "stream", f"stream.{stream_events.rule_name(StreamEvent(bit))}"


def _bits(word: int) -> Iterator[int]:
    while word:
        yield (word & -word).bit_length() - 1
        word &= word - 1

"""From matches and findings to alerts: everything an operator needs, looked up once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.behaviour.base import Finding
from vpi_tui.detect.match.types import Match, Remembered
from vpi_tui.engine.addresses import address_text
from vpi_tui.engine.names import Names
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.tunnels import tunnel_of
from vpi_tui.flow.render import to_record, to_records
from vpi_tui.model.batch import DecodedBatch, Direction, FlowBatch, PacketBatch, StreamBatch
from vpi_tui.model.event import Alert, FlowRecord, Tunnel
from vpi_tui.model.signature import Signature
from vpi_tui.record.evidence import FRAME_LIMIT, STREAM_LIMIT, Evidence, EvidenceStore

MAX_COUNT = 255
"""`alerts` of a flow record stays there."""
ICMP = (1, 58)
_NOTHING = Remembered()


class _Seen(NamedTuple):
    """What an alert says of a row, and of the packet that it is of: columns of the batches by their names."""

    row: int
    proto: int
    src_port: int
    dest_port: int
    icmp_type: int
    icmp_code: int
    src_ip: list[int]
    dest_ip: list[int]
    vlan: list[int]
    tunnel: int
    payload_off: int
    payload_len: int
    packet: int
    offset: int
    caplen: int
    link_type: int
    ifindex: int


_NO_ROW: Final = _Seen(
    row=-1,
    proto=0,
    src_port=0,
    dest_port=0,
    icmp_type=0,
    icmp_code=0,
    src_ip=[0, 0],
    dest_ip=[0, 0],
    vlan=[],
    tunnel=0,
    payload_off=-1,
    payload_len=0,
    packet=-1,
    offset=0,
    caplen=0,
    link_type=1,
    ifindex=0,
)
"""What no packet has shown."""
_OF_PACKET: Final = ("offset", "caplen", "link_type", "ifindex")
"""Fields that are columns of PacketBatch; all others but `row` are of DecodedBatch."""
_, *_COLUMNS = _Seen._fields


def _seen(rows: Iterable[int], packets: PacketBatch, decoded: DecodedBatch) -> dict[int, _Seen]:
    """By row; a column at a time, as an element of a numpy array is slow to get at."""
    some = sorted({row for row in rows if row >= 0})
    if not some:
        return {}
    at = decoded.packet[some]
    columns = (
        getattr(packets, name)[at] if name in _OF_PACKET else getattr(decoded, name)[some]
        for name in _COLUMNS
    )
    listed = zip(some, *(column.tolist() for column in columns), strict=True)
    return {values[0]: _Seen(*values) for values in listed}


def _flows_of(matches: Sequence[Match], records: Any, names: Names) -> dict[int, FlowRecord]:
    """By slot, the flows that matches are about, as they are before these count: many are about the same."""
    slots = sorted({match.flow for match in matches if match.flow >= 0})
    if not slots:
        return {}
    return dict(zip(slots, to_records(records.take(slots), names.switches, names.guests), strict=True))


class Alerter:
    """Numbers alerts, counts them in rules and flows, and keeps the evidence."""

    def __init__(self, rules: RuleBook, source: EngineSource, evidence: EvidenceStore) -> None:
        self.rules = rules
        self._source = source
        self._evidence = evidence
        self.count = 0
        self.keeps_transactions = False
        self.transactions: dict[int, Progress] = {}
        """Alert number -> the transaction it is about; whoever wants them kept takes them out."""
        self.flows: list[int] = []
        """Slots of the flows that alerts were raised about; whoever counts them takes them out."""
        self.slots: dict[int, int] = {}
        """Alert number -> the slot of its flow, kept as `transactions` are."""

    def from_matches(
        self, matches: Sequence[Match], packets: PacketBatch, decoded: DecodedBatch,
        streams: StreamBatch | None, records: Any, names: Names, first_packet: int, now_ns: int,
        progress: Sequence[Progress] = (),
    ) -> list[Alert]:  # fmt: skip
        """Those of one batch. first_packet: 1-based number of its first packet in the capture. now_ns: time
        of what no packet released."""
        if not matches:
            return []
        flows = _flows_of(matches, records, names)
        rows = _seen((match.row for match in matches), packets, decoded)
        alerts = []
        for match in matches:
            seen, flow = rows.get(match.row, _NO_ROW), flows.get(match.flow)
            signature = self.rules.signatures[match.rule]
            alert = self._alert(
                signature,
                signature.msg,
                ts_ns=match.ts_ns or now_ns,
                in_iface=self._source.port_name(_entry_port(match, seen, records)),
                flow=flow,
                ends=_ends(match, seen, flow),
                direction=match.direction,
                packet_number=first_packet + seen.packet if seen.packet >= 0 else 0,
                stream=match.stream >= 0,
                memory=match.memory or _NOTHING,
                tunnel=tunnel_of(decoded, match.row) if seen.tunnel else None,
            )
            stretch = _stretch(match, streams)
            self._keep(alert, match.rule, signature, packets, seen, stretch, flow, _payload(seen))
            if self.keeps_transactions and match.transaction:
                self.transactions[alert.number] = progress[match.entry]
            if match.flow >= 0:
                self._count_in(records, match.flow, alert)
            alerts.append(alert)
        return alerts

    def from_finding(
        self, rule: int, finding: Finding, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch,
        records: Any, names: Names, first_packet: int,
    ) -> Alert:  # fmt: skip
        """A behaviour's finding; its sentence becomes the message."""
        row, slot = finding.row, int(flows.flow[finding.row])
        seen = _seen([row], packets, decoded)[row]
        flow = to_record(records[slot], names.switches, names.guests) if slot >= 0 else None
        match = Match(rule, row, slot, int(flows.direction[row]), -1, int(packets.ts_ns[seen.packet]))
        ends = _ends(match, seen, flow)
        switch, guest = names.place_of_port(seen.ifindex)
        signature = self.rules.signatures[rule]
        alert = self._alert(
            signature,
            finding.detail,
            ts_ns=match.ts_ns,
            in_iface=self._source.port_name(seen.ifindex),
            flow=flow,
            ends=ends,
            direction=match.direction,
            packet_number=first_packet + seen.packet,
            stream=False,
            place=(switch, guest, names.guest_of_ip(ends[2], switch)),
        )
        if guest:  # a flow is whose it was when it began; the port tells who sent this packet
            alert = replace(alert, switch=switch, src_guest=guest)
        if slot >= 0:
            self._count_in(records, slot, alert)
        self._keep(alert, rule, signature, packets, seen, b"", flow)
        return alert

    def from_living(
        self, rule: int, slot: int, detail: str, records: Any, names: Names, now_ns: int
    ) -> Alert:
        """What a behaviour says of a flow that no packet has just shown."""
        flow = to_record(records[slot], names.switches, names.guests)
        signature = self.rules.signatures[rule]
        alert = self._alert(
            signature,
            detail,
            ts_ns=now_ns,
            in_iface=self._source.port_name(int(records["ifindex_client"][slot])),
            flow=flow,
            ends=(flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port, flow.proto, flow.vlan),
            direction=Direction.TO_SERVER,
            packet_number=0,
            stream=False,
        )
        self._count_in(records, slot, alert)
        self._keep(alert, rule, signature, None, _NO_ROW, b"", flow)
        return alert

    def _alert(
        self,
        signature: Signature,
        msg: str,
        *,
        ts_ns: int,
        in_iface: str,
        flow: FlowRecord | None,
        ends: tuple[str, int, str, int, int, tuple[int, ...]],
        direction: int,
        packet_number: int,
        stream: bool,
        memory: Remembered = _NOTHING,
        tunnel: Tunnel | None = None,
        place: tuple[str, str, str] = ("", "", ""),
    ) -> Alert:
        self.count += 1
        src_ip, src_port, dest_ip, dest_port, proto, vlan = ends
        switch, *known = place
        forward = direction != Direction.TO_CLIENT
        guests = known if flow is None else [flow.client_guest, flow.server_guest]
        return Alert(
            number=self.count,
            ts_ns=ts_ns,
            gid=signature.gid,
            sid=signature.sid,
            rev=signature.rev,
            msg=msg,
            classtype=signature.classtype,
            priority=signature.priority,
            action=signature.action,
            technique=signature.technique,
            pack=signature.origin.pack,
            in_iface=in_iface,
            switch=flow.switch if flow else switch,
            src_guest=guests[0] if forward else guests[1],
            dest_guest=guests[1] if forward else guests[0],
            locality=flow.locality if flow else _EAST_WEST if all(known) else _UNKNOWN,
            src_ip=src_ip,
            src_port=src_port,
            dest_ip=dest_ip,
            dest_port=dest_port,
            proto=proto,
            app_proto=flow.app_proto if flow else "",
            vlan=vlan,
            direction=_DIRECTION_NAMES[direction],
            community_id=flow.community_id if flow else "",
            flow_id=flow.flow_id if flow else 0,
            packet_number=packet_number,
            stream=stream,
            flowbits=memory.flowbits,
            flowints=memory.flowints,
            flowvars=memory.flowvars,
            pktvars=memory.pktvars,
            context=memory.context,
            tunnel=tunnel,
            target=signature.target,
            metadata=signature.metadata,
            reference=signature.reference,
        )

    def _count_in(self, records: Any, slot: int, alert: Alert) -> None:
        """One more alert about the flow in a slot."""
        self.flows.append(slot)
        alerts = records["alerts"]
        alerts[slot] = min(MAX_COUNT, int(alerts[slot]) + 1)
        if self.keeps_transactions:
            self.slots[alert.number] = slot

    def _keep(
        self,
        alert: Alert,
        rule: int,
        signature: Signature,
        packets: PacketBatch | None,
        seen: _Seen,
        stretch: bytes,
        flow: FlowRecord | None,
        payload: tuple[int, int] = (-1, 0),
    ) -> None:
        self.rules.hit(rule, alert.ts_ns)
        frame = b""
        if packets is not None and seen.row >= 0:
            frame = packets.buf[seen.offset : seen.offset + min(seen.caplen, FRAME_LIMIT)].tobytes()
        place = signature.origin
        origin = f"{place.path}:{place.line}" if place.line else place.path
        self._evidence.add(
            Evidence(
                alert.number,
                signature.raw,
                origin,
                alert.ts_ns,
                seen.link_type,
                frame,
                stretch,
                flow,
                *payload,
            )
        )


_UNKNOWN, _EAST_WEST = "unknown", "east-west"
_DIRECTION_NAMES: dict[int, str] = {
    Direction.NONE: "",
    Direction.TO_SERVER: "to_server",
    Direction.TO_CLIENT: "to_client",
}


def _entry_port(match: Match, seen: _Seen, records: Any) -> int:
    """ifindex where the bytes that matched entered; the packet that released a stretch may be the peer's."""
    if (match.stream >= 0 or match.transaction) and match.flow >= 0:
        side = "ifindex_server" if match.direction == Direction.TO_CLIENT else "ifindex_client"
        return int(records[side][match.flow])
    return seen.ifindex


def _stretch(match: Match, streams: StreamBatch | None) -> bytes:
    """What matched of a stream; b"" = it was a packet, or a transaction."""
    if streams is None or match.stream < 0:
        return b""
    start, end = int(streams.start[match.stream]), int(streams.end[match.stream])
    return streams.buf[start : min(end, start + STREAM_LIMIT)].tobytes()


def _payload(seen: _Seen) -> tuple[int, int]:
    """(where in its frame, how long) the payload of the packet is; (-1, 0) = it has none there."""
    at = seen.payload_off - seen.offset
    return (at, seen.payload_len) if 0 <= at < seen.caplen else (-1, 0)


def _ends(
    match: Match, seen: _Seen, flow: FlowRecord | None
) -> tuple[str, int, str, int, int, tuple[int, ...]]:
    """Source and destination of what matched: of the stretch's sender, or of the packet."""
    if flow is not None and (match.stream >= 0 or match.transaction or match.row < 0):
        ends = (flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port)
        if match.direction == Direction.TO_CLIENT:
            ends = (*ends[2:], *ends[:2])
        return (*ends, flow.proto, flow.vlan)
    ports = (seen.icmp_type, seen.icmp_code) if seen.proto in ICMP else (seen.src_port, seen.dest_port)
    vlan = tuple(np.trim_zeros(seen.vlan)) if any(seen.vlan) else ()
    return address_text(*seen.src_ip), ports[0], address_text(*seen.dest_ip), ports[1], seen.proto, vlan

"""From matches and findings to alerts: everything an operator needs, looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def flows_of(matches: Sequence[Match], records: Any, names: Names) -> dict[int, FlowRecord]:
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

    def from_match(
        self, match: Match, packets: PacketBatch, decoded: DecodedBatch, streams: StreamBatch | None,
        records: Any, flow: FlowRecord | None, first_packet: int, now_ns: int,
        progress: Sequence[Progress] = (),
    ) -> Alert:  # fmt: skip
        """flow: the match's, None = it has none. first_packet: 1-based number of the batch's first packet in
        the capture. now_ns: time of what no packet released."""
        signature = self.rules.signatures[match.rule]
        packet = int(decoded.packet[match.row]) if match.row >= 0 else -1
        ends = _ends(match, decoded, flow)
        alert = self._alert(
            signature,
            signature.msg,
            ts_ns=match.ts_ns or now_ns,
            in_iface=self._source.port_name(_entry_port(match, packets, packet, records)),
            flow=flow,
            ends=ends,
            direction=match.direction,
            packet_number=first_packet + packet if packet >= 0 else 0,
            stream=match.stream >= 0,
            memory=match.memory or _NOTHING,
            tunnel=tunnel_of(decoded, match.row),
        )
        stretch = b""
        if streams is not None and match.stream >= 0:
            start, end = int(streams.start[match.stream]), int(streams.end[match.stream])
            stretch = streams.buf[start : min(end, start + STREAM_LIMIT)].tobytes()
        payload = _payload(match, packets, decoded)
        self._keep(alert, match.rule, signature, packets, packet, stretch, flow, payload)
        if self.keeps_transactions and match.transaction:
            self.transactions[alert.number] = progress[match.entry]
        if match.flow >= 0:
            self._count_in(records, match.flow, alert)
        return alert

    def from_finding(
        self, rule: int, finding: Finding, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch,
        records: Any, names: Names, first_packet: int,
    ) -> Alert:  # fmt: skip
        """A behaviour's finding; its sentence becomes the message."""
        row, slot = finding.row, int(flows.flow[finding.row])
        packet = int(decoded.packet[row])
        flow = to_record(records[slot], names.switches, names.guests) if slot >= 0 else None
        match = Match(rule, row, slot, int(flows.direction[row]), -1, int(packets.ts_ns[packet]))
        port = int(packets.ifindex[packet])
        ends = _ends(match, decoded, flow)
        switch, guest = names.place_of_port(port)
        signature = self.rules.signatures[rule]
        alert = self._alert(
            signature,
            finding.detail,
            ts_ns=match.ts_ns,
            in_iface=self._source.port_name(port),
            flow=flow,
            ends=ends,
            direction=match.direction,
            packet_number=first_packet + packet,
            stream=False,
            place=(switch, guest, names.guest_of_ip(ends[2], switch)),
        )
        if guest:  # a flow is whose it was when it began; the port tells who sent this packet
            alert = replace(alert, switch=switch, src_guest=guest)
        if slot >= 0:
            self._count_in(records, slot, alert)
        self._keep(alert, rule, signature, packets, packet, b"", flow)
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
        self._keep(alert, rule, signature, None, -1, b"", flow)
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
        packet: int,
        stretch: bytes,
        flow: FlowRecord | None,
        payload: tuple[int, int] = (-1, 0),
    ) -> None:
        self.rules.hit(rule, alert.ts_ns)
        frame, link = b"", 1
        if packets is not None and packet >= 0:
            start = int(packets.offset[packet])
            frame = packets.buf[start : start + min(int(packets.caplen[packet]), FRAME_LIMIT)].tobytes()
            link = int(packets.link_type[packet])
        place = signature.origin
        origin = f"{place.path}:{place.line}" if place.line else place.path
        self._evidence.add(
            Evidence(alert.number, signature.raw, origin, alert.ts_ns, link, frame, stretch, flow, *payload)
        )


_UNKNOWN, _EAST_WEST = "unknown", "east-west"
_DIRECTION_NAMES: dict[int, str] = {
    Direction.NONE: "",
    Direction.TO_SERVER: "to_server",
    Direction.TO_CLIENT: "to_client",
}


def _entry_port(match: Match, packets: PacketBatch, packet: int, records: Any) -> int:
    """ifindex where the bytes that matched entered; the packet that released a stretch may be the peer's."""
    if (match.stream >= 0 or match.transaction) and match.flow >= 0:
        side = "ifindex_server" if match.direction == Direction.TO_CLIENT else "ifindex_client"
        return int(records[side][match.flow])
    return int(packets.ifindex[packet]) if packet >= 0 else 0


def _payload(match: Match, packets: PacketBatch, decoded: DecodedBatch) -> tuple[int, int]:
    """(where in its frame, how long) the payload of the packet is; (-1, 0) = it has none there."""
    if match.row < 0:
        return -1, 0
    packet, start = int(decoded.packet[match.row]), int(decoded.payload_off[match.row])
    at = start - int(packets.offset[packet])
    inside = 0 <= at < int(packets.caplen[packet])
    return (at, int(decoded.payload_len[match.row])) if inside else (-1, 0)


def _ends(
    match: Match, decoded: DecodedBatch, flow: FlowRecord | None
) -> tuple[str, int, str, int, int, tuple[int, ...]]:
    """Source and destination of what matched: of the stretch's sender, or of the packet."""
    if flow is not None and (match.stream >= 0 or match.transaction or match.row < 0):
        ends = (flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port)
        if match.direction == Direction.TO_CLIENT:
            ends = (*ends[2:], *ends[:2])
        return (*ends, flow.proto, flow.vlan)
    row = match.row
    proto = int(decoded.proto[row])
    if proto in ICMP:
        ports = int(decoded.icmp_type[row]), int(decoded.icmp_code[row])
    else:
        ports = int(decoded.src_port[row]), int(decoded.dest_port[row])
    tags = decoded.vlan[row].tolist()
    vlan = tuple(np.trim_zeros(tags)) if any(tags) else ()
    src, dest = decoded.src_ip[row].tolist(), decoded.dest_ip[row].tolist()
    return address_text(*src), ports[0], address_text(*dest), ports[1], proto, vlan

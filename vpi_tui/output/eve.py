"""Events as EVE JSON, the names and shapes of Suricata 8's eve.json.

What Suricata does not know (switch, guests, locality) stands under `vpi`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Any, NamedTuple

import msgspec

from vpi_tui.model.event import (
    NO_LOOKS,
    Alert,
    FlowRecord,
    Looks,
    PacketAnomaly,
    SeenPacket,
    TaggedPacket,
    TransactionRecord,
    Tunnel,
)
from vpi_tui.model.icmp import answer_of
from vpi_tui.model.ip_protocols import protocol_name
from vpi_tui.output.counters import is_shared
from vpi_tui.output.evidence import frame_of, printable

APP_PROTOS = {"postgresql": "pgsql", "ikev1": "ike", "ikev2": "ike"}
"""Applications that are called otherwise here."""
TCP, UDP = 6, 17
TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr")
"""From the lowest bit on."""
_PSH = 8
ICMP = (1, 58)
_ENDINGS = {"evicted": "forced", "reuse": "tcp_reuse", "shutdown": "shutdown"}
"""What EVE calls the end of a flow; all others are time-outs: connections that were closed wait for one."""
_UPPER_CASE = frozenset(("applayer", "dnp3", "http", "smtp", "tls"))
"""Protocols whose anomalies EVE spells in capitals."""
_WIRE = "wire/pcap"
_TUNNELS = {
    "gre": "gre tunnel", "ipv4": "ipv4 tunnel", "ipv6": "ipv6 tunnel", "teredo": "teredo tunnel",
    "vxlan": "vxlan encapsulation", "geneve": "geneve encapsulation",
}  # fmt: skip
_TRAFFIC = (("traffic/id/", "id"), ("traffic/label/", "label"))
"""Prefixes of flow bits that name a flow's traffic, and where they go."""
_REFERENCES = {
    "url": "http://", "cve": "https://cve.mitre.org/cgi-bin/cvename.cgi?name=",
    "bugtraq": "http://www.securityfocus.com/bid/", "bid": "http://www.securityfocus.com/bid/",
    "nessus": "http://cgi.nessus.org/plugins/dump.php3?id=",
    "md5": "http://www.threatexpert.com/report.aspx?md5=",
    "et": "http://doc.emergingthreats.net/", "etpro": "http://doc.emergingthreatspro.com/",
    "telus": "http://", "secunia": "http://www.secunia.com/advisories/",
    "osvdb": "http://osvdb.org/show/osvdb/", "exploitdb": "http://www.exploit-db.com/exploits/",
}  # fmt: skip
"""What stands before a reference of a kind, as in Suricata's reference.config."""


def timestamp(ts_ns: int) -> str:
    """2026-11-24T04:44:24.123456+0000, always UTC."""
    seconds, ns = divmod(ts_ns, 1_000_000_000)
    return f"{_second(seconds)}.{ns // 1000:06d}+0000"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """Most events of a batch fall into few seconds."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


@lru_cache(maxsize=8192)
def address(text: str) -> str:
    """EVE writes all digits of IPv6 addresses."""
    return IPv6Address(text).exploded if ":" in text else text


def app_proto(name: str) -> str:
    """Suricata's name for an application; of one that it does not know, ours."""
    return APP_PROTOS.get(name, name)


def app_proto_of(flow: FlowRecord) -> str:
    """The application of a flow; failed = both ends have sent something, and none is known that speaks so.

    "" = there is nothing to go by yet.
    """
    if flow.app_proto:
        return app_proto(flow.app_proto)
    if flow.proto == TCP:
        told = flow.tcp_flags_toserver & flow.tcp_flags_toclient & _PSH
    else:
        told = flow.proto == UDP and flow.pkts_toserver and flow.pkts_toclient
    return "failed" if told else ""


def other_applications(application: str, looks: Looks) -> dict[str, Any]:
    """What else than `application`, as it is told, a flow was or looks like."""
    told = {
        "app_proto_ts": looks.to_server,
        "app_proto_tc": looks.to_client,
        "app_proto_orig": looks.origin,
    }
    named = {field: app_proto(name) for field, name in told.items() if name}
    return {field: name for field, name in named.items() if name != application}


def alert_event(alert: Alert, category: str) -> dict[str, Any]:
    """category: the description of the alert's classtype."""
    event = _common(alert.ts_ns, "alert", alert.flow_id, alert)
    event["pkt_src"] = _source(alert.packet_number, alert.tunnel.kind if alert.tunnel else "")
    if alert.packet_number:
        event["pcap_cnt"] = alert.packet_number
    if alert.in_iface:
        event["in_iface"] = alert.in_iface
    if alert.app_proto:
        event["app_proto"] = app_proto(alert.app_proto)
    if alert.direction:
        event["direction"] = alert.direction
    event["alert"] = _alert_body(alert, category)
    if alert.tunnel:
        event["tunnel"] = _tunnel(alert.tunnel, alert.packet_number)
    event |= _remembered(alert)
    event["vpi"] = {
        "switch": alert.switch,
        "src_guest": alert.src_guest,
        "dest_guest": alert.dest_guest,
        "locality": alert.locality,
        "pack": alert.pack,
    }
    return event


def _source(packet_number: int, inside: str) -> str:
    """What showed it: a packet, what a tunnel carried, or the end of a flow."""
    if not packet_number:
        return "stream (flow timeout)"
    return _TUNNELS[inside] if inside else _WIRE


def _tunnel(tunnel: Tunnel, packet_number: int) -> dict[str, Any]:
    return {
        "src_ip": address(tunnel.src_ip),
        "src_port": tunnel.src_port,
        "dest_ip": address(tunnel.dest_ip),
        "dest_port": tunnel.dest_port,
        "proto": protocol_name(tunnel.proto),
        "depth": tunnel.depth,
        **({"pcap_cnt": packet_number} if packet_number else {}),
        "pkt_src": _WIRE,
    }


def _remembered(alert: Alert) -> dict[str, Any]:
    """Names and values that rules have left with the flow, and with the packet."""
    if not (alert.flowbits or alert.flowints or alert.flowvars or alert.pktvars):
        return {}
    values = {
        "flowints": dict(alert.flowints),
        "flowvars": [{name: printable(value)} for name, value in alert.flowvars],
        "pktvars": [{name: printable(value)} for name, value in alert.pktvars],
    }
    return _memory(alert.flowbits, values)


def _memory(bits: Sequence[str], values: dict[str, Any]) -> dict[str, Any]:
    """Bits by what they are for, and what else there is of values."""
    if not bits and not any(values.values()):
        return {}
    traffic = {
        name: [bit.removeprefix(prefix) for bit in bits if bit.startswith(prefix)]
        for prefix, name in _TRAFFIC
    }
    prefixes = tuple(prefix for prefix, _ in _TRAFFIC)
    flowbits = [bit for bit in bits if not bit.startswith(prefixes)]
    return _said(traffic=_said(**traffic), metadata=_said(flowbits=flowbits, **values))


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _alert_body(alert: Alert, category: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "action": "allowed",
        "gid": alert.gid,
        "signature_id": alert.sid,
        "rev": alert.rev,
        "signature": alert.msg,
        "category": category,
        "severity": alert.priority,
    }
    metadata: dict[str, list[str]] = {}
    for key, value in alert.metadata:
        if value:  # a name alone is left out, as in Suricata
            metadata.setdefault(key, []).append(value)
    if metadata:
        body["metadata"] = metadata
    if alert.context:
        body["context"] = {name: msgspec.json.decode(text) for name, text in alert.context}
    if alert.reference:
        body["references"] = [_REFERENCES.get(kind, "") + value for kind, value in alert.reference]
    if alert.target and alert.src_ip:
        body |= _attacker_and_target(alert)
    return body


def _attacker_and_target(alert: Alert) -> dict[str, Any]:
    """The ends of the packet, by which of them the rule calls the target."""
    ported = alert.proto not in ICMP and (alert.src_port or alert.dest_port)
    ends = [
        {"ip": address(ip), "port": port} if ported else {"ip": address(ip)}
        for ip, port in ((alert.src_ip, alert.src_port), (alert.dest_ip, alert.dest_port))
    ]
    source, target = reversed(ends) if alert.target == "src_ip" else ends
    return {"source": source, "target": target}


def flow_event(
    flow: FlowRecord,
    in_iface: str = "",
    bits: Sequence[str] = (),
    numbers: Iterable[tuple[str, int]] = (),
    passed: bool = False,
    *,
    looks: Looks = NO_LOOKS,
    transactions: int = 0,
    tcp_state: str = "",
    lost: Sequence[bool] = (False, False),
) -> dict[str, Any]:
    """in_iface: the port where the client's first packet entered; "" = it has no name.

    bits, numbers: flowbits and flowints that rules have left with it. passed: one lets it through.
    transactions: how many there were. tcp_state: of a connection, "" = not known. lost: are bytes of what was
    said to server and to client missing?
    """
    event = _common(flow.end_ns, "flow", flow.flow_id, flow)
    if in_iface:
        event["in_iface"] = in_iface
    if application := app_proto_of(flow):
        event["app_proto"] = application
    event |= other_applications(application, looks)
    event["flow"] = {
        "pkts_toserver": flow.pkts_toserver,
        "pkts_toclient": flow.pkts_toclient,
        "bytes_toserver": flow.bytes_toserver,
        "bytes_toclient": flow.bytes_toclient,
        "start": timestamp(flow.start_ns),
        "end": timestamp(flow.end_ns),
        "age": max(0, flow.end_ns // 1_000_000_000 - flow.start_ns // 1_000_000_000),
        "state": flow.state,
        "reason": _ENDINGS.get(flow.reason, "timeout") if flow.reason else "unknown",
        "alerted": flow.alerted,
    }
    if passed:
        event["flow"]["action"] = "pass"
    if transactions:
        event["flow"]["tx_cnt"] = transactions
    if flow.proto == TCP:
        event["tcp"] = _tcp(flow) | _said(state=tcp_state) | _gaps(*lost)
    return event | _memory(bits, {"flowints": dict(numbers)}) | _places(flow)


def _tcp(flow: FlowRecord) -> dict[str, Any]:
    """All flags that were seen, as numbers and, those that were, by name."""
    to_server, to_client = flow.tcp_flags_toserver, flow.tcp_flags_toclient
    seen = to_server | to_client
    flags = {"tcp_flags": seen, "tcp_flags_ts": to_server, "tcp_flags_tc": to_client}
    return {
        **{name: f"{value:02x}" for name, value in flags.items()},
        **{name: True for bit, name in enumerate(TCP_FLAGS) if seen >> bit & 1},
    }


def _gaps(to_server: bool, to_client: bool) -> dict[str, bool]:
    """Named where there are any, as EVE has it."""
    return {name: True for name, there in (("ts_gap", to_server), ("tc_gap", to_client)) if there}


def flow_so_far(flow: FlowRecord) -> dict[str, Any]:
    """What an alert says of its flow."""
    return {
        "pkts_toserver": flow.pkts_toserver,
        "pkts_toclient": flow.pkts_toclient,
        "bytes_toserver": flow.bytes_toserver,
        "bytes_toclient": flow.bytes_toclient,
        "start": timestamp(flow.start_ns),
        "src_ip": address(flow.src_ip),
        "dest_ip": address(flow.dest_ip),
        **({"src_port": flow.src_port, "dest_port": flow.dest_port} if flow.proto not in ICMP else {}),
    }


def _common(ts_ns: int, kind: str, flow_id: int, source: Alert | FlowRecord | SeenPacket) -> dict[str, Any]:
    event: dict[str, Any] = {"timestamp": timestamp(ts_ns), "event_type": kind}
    if flow_id:
        event["flow_id"] = flow_id
    if source.vlan:
        event["vlan"] = list(source.vlan)
    if not source.src_ip:
        return event
    event["src_ip"], event["dest_ip"] = address(source.src_ip), address(source.dest_ip)
    if source.proto:  # ARP has none
        event["proto"], event["ip_v"] = protocol_name(source.proto), 6 if ":" in source.src_ip else 4
    if isinstance(source, FlowRecord) and source.proto in ICMP:
        event |= _icmp_of_flow(source)
    elif source.proto in ICMP:
        event["icmp_type"], event["icmp_code"] = source.src_port, source.dest_port
    elif source.src_port or source.dest_port:
        event["src_port"], event["dest_port"] = source.src_port, source.dest_port
    if source.community_id:
        event["community_id"] = source.community_id
    return event


def _icmp_of_flow(flow: FlowRecord) -> dict[str, int]:
    """A flow of messages that are answered has the answer's type where others have their code."""
    answer = answer_of(flow.proto, flow.src_port)
    if answer < 0:
        return {"icmp_type": flow.src_port, "icmp_code": flow.dest_port}
    found = {"icmp_type": flow.src_port, "icmp_code": 0}
    return found | ({"response_icmp_type": answer, "response_icmp_code": 0} if flow.pkts_toclient else {})


def transaction_event(record: TransactionRecord) -> dict[str, Any]:
    """http, dns, tls and so on: from the client's point of view, of some protocols from the sender's."""
    event = _of_transaction(record, record.event_type, reverse=not record.of_client)
    event["tx_id"] = record.tx_id
    fields = record.fields
    if record.origin and "tls" in fields:
        fields = {"tls": fields["tls"] | {"from_proto": app_proto(record.origin)}}
    return event | fields | _places(record.flow, reverse=not record.of_client)


def file_events(record: TransactionRecord) -> list[dict[str, Any]]:
    """fileinfo: the files of a transaction, an event each, from the point of view of who sent them."""
    return [
        _of_transaction(record, "fileinfo", reverse=not file.to_server)
        | record.fields
        | {"fileinfo": file.fields}
        | _places(record.flow, reverse=not file.to_server)
        for file in record.files
    ]


def packet_anomaly_event(anomaly: PacketAnomaly) -> dict[str, Any]:
    """What the decoder, or the stage that follows connections, found odd in a packet."""
    event = _of_packet("anomaly", anomaly.packet)
    return event | {"anomaly": {"type": anomaly.kind, "event": anomaly.event}}


def tagged_packet_event(tagged: TaggedPacket) -> dict[str, Any]:
    """packet: one behind an alert that the rule wants told."""
    return _of_packet("packet", tagged.packet) | frame_of(tagged.frame, tagged.link_type)


def _of_packet(kind: str, packet: SeenPacket) -> dict[str, Any]:
    event = _common(packet.ts_ns, kind, packet.flow_id, packet)
    event["pkt_src"] = _source(packet.packet_number, packet.inside)
    event["pcap_cnt"] = packet.packet_number
    if packet.in_iface:
        event["in_iface"] = packet.in_iface
    return event


def anomaly_events(record: TransactionRecord) -> list[dict[str, Any]]:
    """What the parser found wrong, an event each."""
    return [
        _of_transaction(record, "anomaly", reverse=not record.of_client)
        | {
            "tx_id": record.tx_id,
            "anomaly": {
                "app_proto": app_proto(record.flow.app_proto),
                "type": "applayer",
                "event": _anomaly_name(name),
                "layer": "proto_detect" if name.startswith("applayer.") else "proto_parser",
            },
        }
        | _places(record.flow, reverse=not record.of_client)
        for name in record.anomalies
    ]


def _anomaly_name(name: str) -> str:
    protocol, _, event = name.rpartition(".")
    return event.upper() if protocol in _UPPER_CASE else event


class RuleCounts(NamedTuple):
    """Of the files of rules at work."""

    loaded: int
    failed: int


def stats_event(
    ts_ns: int, uptime: float, counters: Mapping[str, float], rules: RuleCounts
) -> dict[str, Any]:
    """counters: by path, such as capture.kernel_drops; those that Suricata has too keep their place, all
    others stand under `vpi`."""
    known: dict[str, Any] = {"uptime": int(uptime)}
    own: dict[str, Any] = {}
    for path, value in counters.items():
        *above, name = path.split(".")
        place = known if is_shared(path) else own
        for part in above:
            place = place.setdefault(part, {})
        place[name] = int(value) if float(value).is_integer() else round(value, 3)
    engine = {"id": 0, "rules_loaded": rules.loaded, "rules_failed": rules.failed}
    known.setdefault("detect", {})["engines"] = [engine]
    return {"timestamp": timestamp(ts_ns), "event_type": "stats", "stats": known, "vpi": {"stats": own}}


def _of_transaction(record: TransactionRecord, kind: str, *, reverse: bool = False) -> dict[str, Any]:
    """reverse: from the server's point of view."""
    event = _common(record.ts_ns, kind, record.flow.flow_id, record.flow)
    if reverse:
        event["src_ip"], event["dest_ip"] = event["dest_ip"], event["src_ip"]
        event["src_port"], event["dest_port"] = event.get("dest_port", 0), event.get("src_port", 0)
    event["pkt_src"] = _source(record.packet_number, record.inside)
    if record.packet_number:
        event["pcap_cnt"] = record.packet_number
    if record.in_iface:
        event["in_iface"] = record.in_iface
    if record.flow.app_proto:
        event["app_proto"] = app_proto(record.flow.app_proto)
    return event


def _places(flow: FlowRecord, *, reverse: bool = False) -> dict[str, Any]:
    guests = (flow.client_guest, flow.server_guest)
    return {
        "vpi": {
            "switch": flow.switch,
            "src_guest": guests[reverse],
            "dest_guest": guests[not reverse],
            "locality": flow.locality,
        }
    }

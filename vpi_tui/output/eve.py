"""Events as EVE JSON, the names and shapes of Suricata 8's eve.json.

What Suricata does not know (switch, guests, locality) stands under `vpi`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import IO, Any

import msgspec

from vpi_tui.model.event import Alert, FlowRecord

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 51: "AH", 58: "IPv6-ICMP", 132: "SCTP"}
"""IANA protocol numbers, as EVE writes them; others as three digits."""

ICMP = (1, 58)


def timestamp(ts_ns: int) -> str:
    """2026-11-24T04:44:24.123456+0000, always UTC."""
    seconds, ns = divmod(ts_ns, 1_000_000_000)
    return f"{_second(seconds)}.{ns // 1000:06d}+0000"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """Most events of a batch fall into few seconds."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def protocol_name(number: int) -> str:
    return PROTOCOLS.get(number, f"{number:03d}")


def category(classtype: str) -> str:
    """The classtype in words: web-application-attack is "Web Application Attack"."""
    return classtype.replace("-", " ").title()


def alert_event(alert: Alert, category: str) -> dict[str, Any]:
    """category: the description of the alert's classtype."""
    event = _common(alert.ts_ns, "alert", alert.flow_id, alert)
    event["pkt_src"] = "stream (flow timeout)" if not alert.packet_number else "wire/pcap"
    if alert.packet_number:
        event["pcap_cnt"] = alert.packet_number
    if alert.in_iface:
        event["in_iface"] = alert.in_iface
    if alert.app_proto:
        event["app_proto"] = alert.app_proto
    if alert.direction:
        event["direction"] = alert.direction
    event["alert"] = _alert_body(alert, category)
    event["vpi"] = {
        "switch": alert.switch,
        "src_guest": alert.src_guest,
        "dest_guest": alert.dest_guest,
        "locality": alert.locality,
        "pack": alert.pack,
    }
    return event


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
    if alert.metadata:
        metadata: dict[str, list[str]] = {}
        for key, value in alert.metadata:
            metadata.setdefault(key, []).append(value)
        body["metadata"] = metadata
    return body


def flow_event(flow: FlowRecord) -> dict[str, Any]:
    event = _common(flow.end_ns, "flow", flow.flow_id, flow)
    if flow.app_proto:
        event["app_proto"] = flow.app_proto
    event["flow"] = {
        "pkts_toserver": flow.pkts_toserver,
        "pkts_toclient": flow.pkts_toclient,
        "bytes_toserver": flow.bytes_toserver,
        "bytes_toclient": flow.bytes_toclient,
        "start": timestamp(flow.start_ns),
        "end": timestamp(flow.end_ns),
        "age": max(0, flow.end_ns - flow.start_ns) // 1_000_000_000,
        "state": flow.state,
        "reason": flow.reason or "unknown",
        "alerted": flow.alerted,
    }
    event["vpi"] = {
        "switch": flow.switch,
        "src_guest": flow.client_guest,
        "dest_guest": flow.server_guest,
        "locality": flow.locality,
    }
    return event


def _common(ts_ns: int, kind: str, flow_id: int, source: Alert | FlowRecord) -> dict[str, Any]:
    event: dict[str, Any] = {"timestamp": timestamp(ts_ns), "event_type": kind}
    if flow_id:
        event["flow_id"] = flow_id
    if source.vlan:
        event["vlan"] = list(source.vlan)
    if not source.src_ip:
        return event
    event |= {"src_ip": source.src_ip, "dest_ip": source.dest_ip, "proto": protocol_name(source.proto)}
    event["ip_v"] = 6 if ":" in source.src_ip else 4
    if source.proto in ICMP:
        event |= {"icmp_type": source.src_port, "icmp_code": source.dest_port}
    elif source.src_port or source.dest_port:
        event |= {"src_port": source.src_port, "dest_port": source.dest_port}
    if source.community_id:
        event["community_id"] = source.community_id
    return event


class EveWriter:
    """Events to a binary stream, one JSON object a line. Errors of the stream are the caller's."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._encoder = msgspec.json.Encoder()
        self.written = 0

    def write(self, event: dict[str, Any]) -> None:
        self._stream.write(self._encoder.encode(event) + b"\n")
        self.written += 1

    def flush(self) -> None:
        self._stream.flush()

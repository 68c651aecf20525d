"""Which counters of this sensor are those of Suricata, and so keep their place in a stats event."""

from __future__ import annotations

from typing import Final

from vpi_tui.model.decoder_events import DecoderEvent, rule_name
from vpi_tui.model.stream_events import StreamEvent, counter_name

_OVER_BOTH: Final = frozenset({"dcerpc", "dns", "enip", "failed", "krb5", "ldap", "llmnr", "nfs", "sip"})
"""Applications that Suricata counts over TCP and over UDP each by itself."""
_OVER_ONE: Final = frozenset(
    {
        "bittorrent_dht", "dhcp", "dnp3", "doh2", "ftp", "ftp_data", "http", "http2", "ike", "imap", "mdns",
        "modbus", "mqtt", "ntp", "pgsql", "pop3", "quic", "rdp", "rfb", "smb", "smtp", "snmp", "ssh",
        "telnet", "tftp", "tls", "websocket",
    }
)  # fmt: skip
_APPLICATIONS: Final = _OVER_ONE | {f"{name}_{over}" for name in _OVER_BOTH for over in ("tcp", "udp")}

OUR_EVENTS: Final = frozenset(
    {
        "link.unknown", "ipv4.wrong_ip_ver", "ipv4.csum_invalid", "ipv6.exthdr_too_many",
        "ipv6.wrong_ip_ver", "tcp.csum_invalid", "udp.csum_invalid", "icmpv4.csum_invalid",
        "icmpv6.csum_invalid", "vxlan.header_invalid", "tunnel.too_deep", "layers.too_many",
    }
)  # fmt: skip
"""Decoder events that Suricata does not count, or counts under another name."""
SHARED: Final = frozenset(
    (
        "capture.kernel_packets", "capture.kernel_drops", "decoder.pkts", "decoder.bytes", "decoder.invalid",
        "decoder.arp", "decoder.esp", "decoder.geneve", "decoder.gre", "decoder.icmpv4", "decoder.icmpv6",
        "decoder.ipv4", "decoder.ipv6", "decoder.sctp", "decoder.tcp", "decoder.teredo", "decoder.udp",
        "decoder.vlan", "decoder.vlan_qinq", "decoder.vxlan", "defrag.memuse", "detect.alert", "flow.active",
        "detect.alert_queue_overflow", "flow.memcap", "flow.memuse", "flow.tcp", "flow.tcp_reuse",
        "flow.total", "flow.udp", "tcp.memuse", "tcp.midstream_pickups", "tcp.overlap",
        "tcp.overlap_diff_data", "tcp.reassembly_gap", "tcp.reassembly_memuse", "tcp.segment_memcap_drop",
        "tcp.sessions", "app_layer.expectations", "decoder.avg_pkt_size", "decoder.max_pkt_size",
        "defrag.ipv4.fragments", "defrag.ipv4.reassembled", "defrag.ipv6.fragments",
        "defrag.ipv6.reassembled", "defrag.tracker_hard_reuse", "flow.end.state.closed",
        "flow.end.state.established", "flow.end.state.new", "flow.get_used", "flow.icmpv4", "flow.icmpv6",
        "http.byterange.memuse", "memcap.pressure", "memcap.pressure_max", "tcp.active_sessions",
        "tcp.invalid_checksum", "tcp.no_flow", "tcp.rst", "tcp.stream_depth_reached", "tcp.syn",
        "tcp.synack", "tcp.urg", "tcp.urgent_oob_data", "detect.alerts_suppressed",
        *(
            f"flow.end.tcp_state.{state}"
            for state in (
                "syn_sent", "syn_recv", "established", "fin_wait1", "fin_wait2", "closing", "close_wait",
                "last_ack", "time_wait", "closed",
            )
        ),
        *(f"app_layer.flow.{name}" for name in _APPLICATIONS),
        *(f"app_layer.tx.{name}" for name in _APPLICATIONS if not name.startswith("failed")),
        *(f"app_layer.error.{name}.internal" for name in _APPLICATIONS if name != "failed_udp"),
        *(f"stream.{counter_name(event)}" for event in StreamEvent if event != StreamEvent.NOT_RAISED),
        *(f"decoder.event.{name}" for name in map(rule_name, DecoderEvent) if name not in OUR_EVENTS),
    )
)  # fmt: skip
"""Paths of counters that mean the same in Suricata."""


def of_application(what: str, name: str, *, udp: bool) -> str:
    """Path of what is counted of an application. name: as events have it."""
    over = ("_udp" if udp else "_tcp") if name in _OVER_BOTH else ""
    return f"app_layer.{what}.{name.replace('-', '_')}{over}"


def is_shared(path: str) -> bool:
    return path in SHARED

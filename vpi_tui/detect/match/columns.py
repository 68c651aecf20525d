"""Numbers of the columns that a ColumnTest may name, and what a packet needs to have them."""

from __future__ import annotations

from typing import Final

from vpi_tui.model.applications import BOTH_TRANSPORTS, RULE_WORDS, UDP_ONLY

COLUMN_NAMES: Final = (
    "ip_v",
    "ethertype",
    "src_port",
    "dest_port",
    "proto",
    "vlan0",
    "vlan_layers",
    "src_mac",
    "dest_mac",
    "ip_len",
    "payload_len",
    "ttl",
    "tos",
    "ip_id",
    "frag_bits",
    "frag_offset",
    "fragment",
    "ip_opts",
    "tcp_flags",
    "tcp_seq",
    "tcp_ack",
    "tcp_window",
    "tcp_mss",
    "icmp_type",
    "icmp_code",
    "icmp_id",
    "icmp_seq",
    "tunnel",
    "events",
    "state",
    "first",
    "locality",
    "vlan1",
    "vlan_any",
    "same_ip",
    "app_proto",
    "client_size",
    "server_size",
    "either_size",
    "oddities0",
    "oddities1",
    "stream_events",
)
"""The order is the order of the ladder in kernels_rules.column_value. `direction` is no column
here: it is lowered to a mask of its own, by which rules are grouped."""

COLUMN_ID: Final = {name: number for number, name in enumerate(COLUMN_NAMES)}

SIZE_COLUMNS: Final = frozenset({"client_size", "server_size", "either_size"})
"""Bytes that the sides of a TCP connection have sent so far."""

STREAM_COLUMNS: Final = SIZE_COLUMNS | {"ip_v", "proto", "state", "locality", "direction", "app_proto"}
"""What is known of a stretch of a stream without a packet. A rule that tests any other column
inspects packets only, as Suricata's SIG_FLAG_REQUIRE_PACKET does."""

IP_ONLY_COLUMNS: Final = frozenset({"ip_v", "proto", "locality"})
"""A rule that tests nothing but addresses and these is inspected once a flow and direction."""

# One bit for each kind of layer 4 (low byte) and of layer 3 (high byte): RuleTable.kinds.
KIND_TCP, KIND_UDP, KIND_SCTP, KIND_ICMP4, KIND_ICMP6, KIND_OTHER = (1 << k for k in range(6))
KIND_ANY = 0x3F
KIND_IPV4, KIND_IPV6, KIND_NOT_IP = 1 << 8, 1 << 9, 1 << 10
KIND_IP = KIND_IPV4 | KIND_IPV6
KIND_PORTS = KIND_TCP | KIND_UDP | KIND_SCTP


def _transport_kinds(word: str) -> int:
    if word in UDP_ONLY:
        return KIND_UDP
    return KIND_TCP | KIND_UDP if word in BOTH_TRANSPORTS else KIND_TCP


PROTOCOL_KINDS: Final[dict[str, int]] = {
    "ip": KIND_ANY | KIND_IP,
    "ipv4": KIND_ANY | KIND_IPV4,
    "ip4": KIND_ANY | KIND_IPV4,
    "ipv6": KIND_ANY | KIND_IPV6,
    "ip6": KIND_ANY | KIND_IPV6,
    "tcp": KIND_TCP | KIND_IP,
    "tcp-pkt": KIND_TCP | KIND_IP,
    "tcp-stream": KIND_TCP | KIND_IP,
    "udp": KIND_UDP | KIND_IP,
    "sctp": KIND_SCTP | KIND_IP,
    "icmp": KIND_ICMP4 | KIND_ICMP6 | KIND_IP,
    "icmpv4": KIND_ICMP4 | KIND_IP,
    "icmpv6": KIND_ICMP6 | KIND_IP,
    "pkthdr": KIND_ANY | KIND_IP | KIND_NOT_IP,
    **{word: _transport_kinds(word) | KIND_IP for word in RULE_WORDS},
}
"""Kinds of packet that a protocol of a rule's header means."""


def implied_kinds(column: str) -> int:
    """The kinds of packet that have this column at all; others hold 0 there, which is no value."""
    if column.startswith("tcp_") or column in SIZE_COLUMNS or column == "stream_events":
        return KIND_TCP | KIND_IP
    if column.startswith("icmp_"):
        return KIND_ICMP4 | KIND_ICMP6 | KIND_IP
    if column in ("src_port", "dest_port"):
        return KIND_PORTS | KIND_IP
    if column in ("frag_bits", "ip_opts"):
        return KIND_ANY | KIND_IPV4
    if column in ("ttl", "tos", "ip_id", "frag_offset", "fragment", "ip_len", "proto"):
        return KIND_ANY | KIND_IP
    return KIND_ANY | KIND_IP | KIND_NOT_IP


PROTO_NUMBERS: Final = {KIND_TCP: 6, KIND_UDP: 17, KIND_SCTP: 132, KIND_ICMP4: 1, KIND_ICMP6: 58}
IP_VERSIONS: Final = {KIND_IPV4: 4, KIND_IPV6: 6, KIND_NOT_IP: 0}


def needs_layer4(column: str) -> bool:
    """True when the column comes from a layer-4 header, which a fragment is not asked for."""
    return column.startswith(("tcp_", "icmp_"))

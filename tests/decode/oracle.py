"""What scapy says a frame holds, as the rows that decode should give."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from communityid import icmp as icmp4
from communityid import icmp6
from scapy.contrib.erspan import ERSPAN, ERSPAN_PlatformSpecific
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, _IPv6ExtHdr
from scapy.layers.l2 import ARP, GRE, GRE_PPTP, CookedLinux, CookedLinuxV2, Dot1Q, Dot3, Ether, Loopback
from scapy.layers.sctp import SCTP
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet

from vpi_tui.model.batch import LinkType

Row = dict[str, Any]
LINKS = {
    LinkType.ETHERNET: Ether,
    LinkType.LINUX_SLL: CookedLinux,
    LinkType.LINUX_SLL2: CookedLinuxV2,
    LinkType.NULL: Loopback,
    LinkType.LOOP: Loopback,
    LinkType.IPV4: IP,
    LinkType.IPV6: IPv6,
}
ECHO_LIKE = {4: {0, 8, 13, 14, 15, 16, 17, 18}, 6: {128, 129}}


def rows_by_scapy(link: int, frame: bytes) -> list[Row]:
    top = LINKS.get(LinkType(link)) or (IP if frame[0] >> 4 == 4 else IPv6)
    return list(_link(top(frame), {"tunnel": 0, "vlan": [0, 0]}))


def address(text: str) -> list[int]:
    parsed = ip_address(text)
    number = int(parsed) if parsed.version == 6 else 0xFFFF << 32 | int(parsed)
    return [number >> 64, number & (1 << 64) - 1]


def mac(text: str | bytes) -> int:
    return int(text.replace(":", ""), 16) if isinstance(text, str) else int.from_bytes(text[:6], "big")


def _link(layer: Packet, around: Row) -> Iterator[Row]:
    """A frame from its link layer on. around: what a frame inside a tunnel has from the one around it."""
    row: Row = {"src_mac": 0, "dest_mac": 0, "ethertype": 0, **around}
    if isinstance(layer, Ether | Dot3):
        row |= {"src_mac": mac(layer.src), "dest_mac": mac(layer.dst)}
        row["ethertype"] = layer.type if isinstance(layer, Ether) else 0
        layer = layer.payload
    elif isinstance(layer, CookedLinux | CookedLinuxV2):
        row |= {"src_mac": mac(layer.src), "ethertype": layer.proto}
        layer = layer.payload
    elif isinstance(layer, Loopback):
        layer = layer.payload
    tags = []
    while isinstance(layer, Dot1Q):
        tags.append(layer.vlan)
        row["ethertype"] = layer.type
        layer = layer.payload
    row["vlan"] = [*tags, 0, 0][:2] if tags else row["vlan"]
    row["vlan_layers"] = len(tags)
    yield from _network(layer, row)


def _network(layer: Packet, row: Row) -> Iterator[Row]:
    if isinstance(layer, ARP):
        row |= {"ip_v": 0, "proto": 0, "src_ip": address(layer.psrc), "dest_ip": address(layer.pdst)}
        yield {**row, "payload": bytes(layer)[:28], "ip_len": 28}
        return
    if not isinstance(layer, IP | IPv6):
        yield {**row, "ip_v": 0, "proto": 0, "payload": b""}
        return
    row |= {"src_ip": address(layer.src), "dest_ip": address(layer.dst)}
    if isinstance(layer, IP):
        size, header, proto, offset = layer.len, layer.ihl * 4, layer.proto, layer.frag
        bits, number = int(layer.flags), layer.id
        row |= {"ip_v": 4, "ttl": layer.ttl, "tos": layer.tos, "ethertype": 0x0800}
        inner = layer.payload
    else:
        size, header, proto, offset = 40 + layer.plen, 40, layer.nh, 0
        bits = number = 0
        row |= {"ip_v": 6, "ttl": layer.hlim, "tos": layer.tc, "ethertype": 0x86DD}
        inner = layer.payload
        while isinstance(inner, _IPv6ExtHdr) and not (bits & 1 or offset):
            if isinstance(inner, IPv6ExtHdrFragment):
                bits, offset, number = inner.m, inner.offset, inner.id
            header += len(inner) - len(inner.payload)
            proto = inner.nh
            inner = inner.payload
    more = bits & 1
    row |= {"proto": proto, "ip_id": number, "frag_bits": bits, "frag_offset": offset, "ip_len": size}
    row["fragment"] = 2 if offset else more
    transport = bytes(layer)[header:size]
    if offset or more:
        yield {**row, "payload": b"", "src_port": 0, "dest_port": 0}
        return
    yield row | _transport(inner, transport, row["ip_v"])
    yield from _inside(inner, row)


def _transport(layer: Packet, data: bytes, version: int) -> Row:
    if isinstance(layer, TCP):
        mss = dict(layer.options).get("MSS", 0)
        return {
            "src_port": layer.sport,
            "dest_port": layer.dport,
            "tcp_flags": int(layer.flags),
            "tcp_seq": layer.seq,
            "tcp_ack": layer.ack,
            "tcp_window": layer.window,
            "tcp_mss": mss,
            "payload": data[layer.dataofs * 4 :],
        }
    if isinstance(layer, UDP):
        return {"src_port": layer.sport, "dest_port": layer.dport, "payload": data[8:]}
    if isinstance(layer, SCTP):
        return {"src_port": layer.sport, "dest_port": layer.dport, "payload": data[12:]}
    if isinstance(layer, ICMP) or (version == 6 and layer.__class__.__name__.startswith("ICMPv6")):
        kind, code = data[0], data[1]
        ports = (icmp4 if version == 4 else icmp6).get_port_equivalents(kind, code)
        echo = kind in ECHO_LIKE[version]
        return {
            "icmp_type": kind,
            "icmp_code": code,
            "icmp_id": int.from_bytes(data[4:6], "big") if echo else 0,
            "icmp_seq": int.from_bytes(data[6:8], "big") if echo else 0,
            "src_port": ports[0],
            "dest_port": ports[1],
            "payload": _icmp_payload(kind, data, version),
        }
    return {"payload": b"", "src_port": 0, "dest_port": 0}


def _icmp_payload(kind: int, data: bytes, version: int) -> bytes:
    """What rules see: timestamps are header; what is neither error nor echo has a short one in ICMPv6."""
    if version == 4:
        return data[20:] if kind in (13, 14) else data[8:]
    return data[8:] if kind < 5 or kind in (128, 129) else data[4:-8]


def _inside(layer: Packet, row: Row) -> Iterator[Row]:
    """What a tunnel carries, from its first header on. A tunnel's number is told where a header names it."""
    around = {"vlan": row["vlan"]}
    if isinstance(layer, IP | IPv6):
        yield from _link(layer, around)
    elif isinstance(layer, UDP) and isinstance(layer.payload, VXLAN):
        yield from _link(layer.payload.payload, around | {"tunnel": 2 << 24 | layer.payload.vni})
    elif isinstance(layer, GRE) and not isinstance(layer, GRE_PPTP):
        inner = layer.payload
        while isinstance(inner, ERSPAN | ERSPAN_PlatformSpecific):
            inner = inner.payload
        if isinstance(inner, IP | IPv6 | Ether):
            keyed = {"tunnel": 1 << 24 | layer.key & 0xFFFFFF} if layer.key_present else {}
            yield from _link(inner, around | keyed)

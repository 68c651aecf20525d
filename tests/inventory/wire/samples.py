"""Messages in which hosts name themselves, built by scapy and by hand."""

from __future__ import annotations

import socket

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.llmnr import LLMNRResponse
from scapy.packet import Packet

from vpi_tui.inventory.wire.reader import Sender

MAC, IP4, IP6 = "52:54:00:00:00:09", "10.0.0.9", "fe80::9"
SENDER = Sender(int(MAC.replace(":", ""), 16), socket.inet_aton(IP4))
SENDER6 = Sender(SENDER.mac, socket.inet_pton(socket.AF_INET6, IP6))


def discover(*options: tuple[object, ...] | str, mac: str = MAC, op: int = 1) -> Packet:
    """options: of DHCP, besides the type of the message."""
    chosen = [("message-type", "discover"), *options, "end"]
    return BOOTP(op=op, chaddr=bytes.fromhex(mac.replace(":", ""))) / DHCP(options=chosen)


def mdns(name: str, address: str = IP4) -> Packet:
    kind = "AAAA" if ":" in address else "A"
    record = DNSRR(rrname=name, type=kind, rdata=address, rclass=0x8001)
    other = DNSRR(rrname="_ssh._tcp.local", type="PTR", rdata="x._ssh._tcp.local")
    return DNS(qr=1, aa=1, qd=[], an=[other], ar=[record])


def llmnr(name: str, address: str = IP4) -> Packet:
    return LLMNRResponse(qr=1, qd=DNSQR(qname=name), an=[DNSRR(rrname=name, rdata=address)])


def netbios(
    name: str, suffix: int = 0x20, address: str = IP4, *, flags: int = 0x2910, group: bool = False
) -> bytes:
    """A registration, as RFC 1002 has it."""
    padded = name.encode().ljust(15)[:15] + bytes([suffix])
    label = b"\x20" + bytes(0x41 + nibble for byte in padded for nibble in (byte >> 4, byte & 15)) + b"\0"
    header = b"\x12\x34" + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\1"
    record = b"\xc0\x0c\0\x20\0\1\0\0\0\0\0\6" + (b"\x80\0" if group else b"\0\0") + socket.inet_aton(address)
    return header + label + b"\0\x20\0\1" + record


def carried(
    message: Packet | bytes, port: int, *, mac: str = MAC, source: str = IP4, sport: int | None = None
) -> Packet:
    """In a frame, to that port."""
    ip = IPv6(src=source, dst="ff02::fb") if ":" in source else IP(src=source, dst="224.0.0.251")
    return Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ip / UDP(sport=sport or port, dport=port) / message

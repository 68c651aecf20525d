"""Builders of conversations: TCP with true sequence numbers, UDP, ICMP, ARP, as frames.

A builder collects the frames of one conversation with times relative to its start. Header
templates come from scapy, once for each pair of hosts; the fields that change are stamped with
struct. Checksums are left to `checksum.fill`, which does all frames at once.

Sources: RFC 9293 (TCP), RFC 1071 (checksum), RFC 826 (ARP).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from vpi_tui.capture.demo.hosts import Host, mac_text

if TYPE_CHECKING:
    from collections.abc import Iterable

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
MSS = 1460
BROADCAST = 0xFFFF_FFFF_FFFF


class Frame(NamedTuple):
    """One frame: seconds since the conversation began, who sent it, the port it enters, bytes."""

    at: float
    to_server: bool
    ifindex: int
    data: bytes


class Conversation(NamedTuple):
    """What a builder gives. client_port 0: no port may be changed when it is repeated."""

    frames: tuple[Frame, ...]
    client_port: int = 0

    @property
    def duration(self) -> float:
        return max((f.at for f in self.frames), default=0.0)


class _Template(NamedTuple):
    head: bytes
    l3: int
    l4: int
    v6: bool


@lru_cache(maxsize=1024)
def _template(src: Host, dest: Host, layer: str, vlan: int, syn: bool = False) -> _Template:
    """Ethernet to layer 4 header from src to dest; lengths, ports and checksums still zero."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    from scapy.layers.l2 import Dot1Q, Ether

    v6 = ":" in src.ip
    options = [("MSS", MSS), ("SAckOK", b""), ("NOP", None), ("WScale", 7)] if syn else []
    build = {
        "tcp": lambda: TCP(sport=0, dport=0, window=64240 if syn else 502, options=options, chksum=0),
        "udp": lambda: UDP(sport=0, dport=0, len=8, chksum=0),
        "icmp": lambda: ICMPv6EchoRequest(cksum=0) if v6 else ICMP(chksum=0),
    }
    ethernet = Ether(src=mac_text(src.mac), dst=mac_text(dest.mac))
    link = bytes(ethernet / Dot1Q(vlan=vlan) if vlan else ethernet)
    l4 = bytes(build[layer]())
    number = {"tcp": 6, "udp": 17, "icmp": 58 if v6 else 1}[layer]
    if v6:
        network = bytes(IPv6(src=src.ip, dst=dest.ip, nh=number, hlim=src.ttl, plen=0))
    else:
        network = bytes(IP(src=src.ip, dst=dest.ip, proto=number, ttl=src.ttl, flags="DF", len=20, chksum=0))
    ethertype = struct.pack("!H", 0x86DD if v6 else 0x0800)
    return _Template(link[:-2] + ethertype + network + l4, len(link), len(link) + len(network), v6)


def _stamped(template: _Template, payload: bytes) -> bytearray:
    """A copy of the template, the payload behind it, with the IP length set."""
    data = bytearray(template.head)
    data += payload
    if template.v6:
        struct.pack_into("!H", data, template.l3 + 4, len(data) - template.l4)
    else:
        struct.pack_into("!H", data, template.l3 + 2, len(data) - template.l3)
    return data


class Tcp:
    """One TCP connection, told step by step; time moves with each frame.

    rtt: seconds from a segment to the answer of the other side. mss: segment size of `send` and
    `reply`; gap: seconds between their segments. ISNs and the client's port may be changed later,
    by the one who repeats the conversation.
    """

    def __init__(
        self,
        client: Host,
        server: Host,
        port: int,
        *,
        client_port: int = 40000,
        rtt: float = 0.0008,
        vlan: int = 0,
        mss: int = MSS,
        gap: float = 30e-6,
        isn: tuple[int, int] = (1_000, 900_000_000),
    ) -> None:
        self._hosts = (server, client)
        self._ports = (port, client_port)
        self._next = [isn[1], isn[0]]
        self._rtt, self._vlan, self._mss, self._gap = rtt, vlan, mss, gap
        self._frames: list[Frame] = []
        self.now = 0.0

    def _add(self, to_server: bool, flags: int, payload: bytes = b"", *, seq: int | None = None) -> None:
        me, other = int(to_server), int(not to_server)
        template = _template(self._hosts[me], self._hosts[other], "tcp", self._vlan, bool(flags & SYN))
        data = _stamped(template, payload)
        at = template.l4
        struct.pack_into("!HH", data, at, self._ports[me], self._ports[other])
        struct.pack_into("!I", data, at + 4, (self._next[me] if seq is None else seq) & 0xFFFF_FFFF)
        struct.pack_into("!I", data, at + 8, self._next[other] & 0xFFFF_FFFF if flags & ACK else 0)
        data[at + 13] = flags
        self._frames.append(Frame(self.now, to_server, self._hosts[me].ifindex, bytes(data)))
        if seq is None:
            self._next[me] += len(payload) + bool(flags & (SYN | FIN))

    def wait(self, seconds: float) -> Tcp:
        self.now += seconds
        return self

    def open(self) -> Tcp:
        """The three-way handshake."""
        self._add(True, SYN)
        self.wait(self._rtt)._add(False, SYN | ACK)
        self.wait(self._rtt / 4)._add(True, ACK)
        return self

    def syn(self, *, flags: int = SYN, answer: int = RST | ACK) -> Tcp:
        """One probe segment and, unless answer is 0, what came back; SYN|ACK is then reset."""
        self._add(True, flags)
        if answer:
            if not flags & SYN:
                self._next[1] += bool(flags & FIN)
            self.wait(self._rtt)._add(False, answer)
            if answer & SYN:
                self.wait(self._rtt / 4)._add(True, RST)
        return self

    def _push(self, to_server: bool, data: bytes) -> Tcp:
        """Data in full segments, acknowledged every second segment and at the end."""
        pieces = range(0, len(data), self._mss)
        for count, start in enumerate(pieces, 1):
            last = count == len(pieces)
            self._add(to_server, ACK | (PSH if last else 0), data[start : start + self._mss])
            self.wait(self._gap)
            if last or count % 2 == 0:
                self.wait(self._rtt / 4)._add(not to_server, ACK)
        return self.wait(self._rtt)

    def send(self, data: bytes) -> Tcp:
        return self._push(True, data)

    def reply(self, data: bytes) -> Tcp:
        return self._push(False, data)

    def close(self, *, by_client: bool = True) -> Tcp:
        self._add(by_client, FIN | ACK)
        self.wait(self._rtt / 2)._add(not by_client, FIN | ACK)
        self.wait(self._rtt / 4)._add(by_client, ACK)
        return self

    def reset(self, *, by_client: bool = False) -> Tcp:
        self._add(by_client, RST | ACK)
        return self

    def done(self) -> Conversation:
        return Conversation(tuple(self._frames), self._ports[1])


def datagram(src: Host, dest: Host, sport: int, dport: int, payload: bytes, *, vlan: int = 0) -> bytes:
    """One UDP frame."""
    template = _template(src, dest, "udp", vlan)
    data = _stamped(template, payload)
    struct.pack_into("!HHH", data, template.l4, sport, dport, len(data) - template.l4)
    return bytes(data)


def udp(
    client: Host,
    server: Host,
    port: int,
    exchanges: Iterable[tuple[bytes, bytes]],
    *,
    client_port: int = 40000,
    gap: float = 0.02,
    rtt: float = 0.0008,
    vlan: int = 0,
) -> Conversation:
    """Questions and answers over UDP; an empty answer is not sent. gap: seconds between questions."""
    frames = []
    for number, (question, answer) in enumerate(exchanges):
        at = number * gap
        data = datagram(client, server, client_port, port, question, vlan=vlan)
        frames.append(Frame(at, True, client.ifindex, data))
        if answer:
            data = datagram(server, client, port, client_port, answer, vlan=vlan)
            frames.append(Frame(at + rtt, False, server.ifindex, data))
    return Conversation(tuple(frames), client_port)


def echo(src: Host, dest: Host, payload: bytes, *, ident: int, seq: int, reply: bool) -> bytes:
    """One ICMP or ICMPv6 echo request or reply."""
    return icmp(src, dest, _echo_type(src, reply), 0, struct.pack("!HH", ident, seq), payload)


def _echo_type(src: Host, reply: bool) -> int:
    if ":" in src.ip:
        return 129 if reply else 128
    return 0 if reply else 8


def icmp(src: Host, dest: Host, itype: int, icode: int, rest: bytes, payload: bytes = b"") -> bytes:
    """One ICMP or ICMPv6 message; rest: the four bytes behind the checksum."""
    template = _template(src, dest, "icmp", 0)
    data = _stamped(template, payload)
    struct.pack_into("!BBH", data, template.l4, itype, icode, 0)
    data[template.l4 + 4 : template.l4 + 8] = rest
    return bytes(data)


def ping(
    client: Host,
    server: Host,
    *,
    count: int = 1,
    gap: float = 1.0,
    payload: bytes = bytes(range(16, 64)),
    ident: int = 0x2A01,
    rtt: float = 0.0004,
    answered: bool = True,
) -> Conversation:
    """Echo requests and their replies."""
    frames = []
    for seq in range(count):
        at = seq * gap
        data = echo(client, server, payload, ident=ident, seq=seq + 1, reply=False)
        frames.append(Frame(at, True, client.ifindex, data))
        if answered:
            data = echo(server, client, payload, ident=ident, seq=seq + 1, reply=True)
            frames.append(Frame(at + rtt, False, server.ifindex, data))
    return Conversation(tuple(frames))


def arp(sender: Host, target_ip: str, *, says_ip: str = "", to: Host | None = None) -> bytes:
    """An ARP request by `sender`, or with `to` a reply. says_ip: the address it claims, if not its own."""
    from scapy.layers.l2 import ARP, Ether

    to_mac = mac_text(to.mac if to else BROADCAST)
    body = ARP(
        op=2 if to else 1,
        hwsrc=mac_text(sender.mac),
        psrc=says_ip or sender.ip,
        hwdst=to_mac if to else "00:00:00:00:00:00",
        pdst=target_ip,
    )
    return bytes(Ether(src=mac_text(sender.mac), dst=to_mac, type=0x0806) / body)


def raw(frames: Iterable[tuple[float, Host, bytes]], *, client: Host | None = None) -> Conversation:
    """Ready-made frames as a conversation: seconds, sender, bytes."""
    return Conversation(tuple(Frame(at, host == client, host.ifindex, data) for at, host, data in frames))

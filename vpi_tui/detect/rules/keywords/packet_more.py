"""l3_proto, igmp, tcp.wscale, icmpv6.mtu, vxlan_vni: fields of headers that few rules ask for."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import bits_in, spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.batch import TunnelKind
from vpi_tui.model.signature import NumberIn

_VERSIONS: Final = {"ipv4": 4, "ip4": 4, "ipv6": 6, "ip6": 6}
_ARP: Final = 0x0806
_IGMP: Final = 2
_PACKET_TOO_BIG: Final = 2


@keyword("l3_proto")
def l3_proto(draft: Draft, text: str) -> None:
    """Layer 3 of the packet: ipv4, ipv6 or arp."""
    word = text.strip().lower()
    if word == "arp":
        draft.test("ethertype", ((_ARP, _ARP),))
        draft.needs_packet = True
    elif word in _VERSIONS:
        draft.test("ip_v", ((_VERSIONS[word],) * 2,))
    else:
        raise Refused(f"l3_proto: ipv4, ipv6 or arp, not {text[:20]!r}")


@keyword("tcp.wscale")
def tcp_wscale(draft: Draft, text: str) -> None:
    """Window scale option of the TCP header; packets without one do not match."""
    draft.test("proto", ((6, 6),))
    draft.steps.append(NumberIn("tcp.wscale", *bits_in("tcp.wscale", text, 255)))
    draft.needs_packet = True


@keyword("icmpv6.mtu")
def icmpv6_mtu(draft: Draft, text: str) -> None:
    """MTU that an ICMPv6 packet-too-big message tells; its code is 0."""
    draft.test("proto", ((58, 58),))
    draft.test("icmp_type", ((_PACKET_TOO_BIG, _PACKET_TOO_BIG),))
    draft.test("icmp_code", ((0, 0),))
    draft.steps.append(NumberIn("icmpv6.mtu", *bits_in("icmpv6.mtu", text, 0xFFFFFFFF)))
    draft.needs_packet = True


@keyword("igmp.type")
def igmp_type(draft: Draft, text: str) -> None:
    """Type of an IGMP message."""
    draft.test("proto", ((_IGMP, _IGMP),))
    draft.steps.append(NumberIn("igmp.type", *bits_in("igmp.type", text, 255)))
    draft.needs_packet = True


@keyword("igmp.hdr", value="none")
def igmp_hdr(draft: Draft, _text: str) -> None:
    """The byte keywords after it look at the IGMP message."""
    draft.look_at("igmp.hdr")
    draft.test("proto", ((_IGMP, _IGMP),))
    draft.needs_packet = True


@keyword("vxlan_vni")
def vxlan_vni(draft: Draft, text: str) -> None:
    """Network identifier of the VXLAN tunnel that the packet was inside of."""
    kind = int(TunnelKind.VXLAN) << 24
    inside = spans("vxlan_vni", text, 0xFFFFFF)
    draft.test("tunnel", tuple((kind | low, kind | high) for low, high in inside))
    draft.needs_packet = True

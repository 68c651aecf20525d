"""Shims are read over, tunnels open a row; what is wrong with either has its event."""

from __future__ import annotations

import struct

import pytest

from tests.decode.batches import decode, decode_one, packet_batch, rows_of
from tests.decode.encapsulated import (
    FRAME,
    IN_PLACE,
    IN_TUNNELS,
    INNER,
    PPP,
    framed,
    geneve,
    gre,
    label,
    nsh,
    tunnelled,
)
from tests.decode.samples import DATA, ether, ip, ip6
from vpi_tui.decode.decoder import Decoder, TunnelPorts
from vpi_tui.model.batch import LinkType


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_shim_is_read_over_in_its_row(name: str) -> None:
    link, frame = IN_PLACE[name]
    row = decode_one(frame, link=link)
    assert (row["dest_port"], row["payload"], row["events"]) == (53, bytes(DATA), set())


@pytest.mark.parametrize("name", IN_TUNNELS)
def test_a_tunnel_opens_a_row(name: str) -> None:
    kind, frame = IN_TUNNELS[name]
    outer, inner = decode([frame], verify=False)
    assert (inner["dest_port"], inner["payload"], inner["tunnel"] >> 24) == (53, bytes(DATA), kind)
    assert outer["events"] == inner["events"] == set()


def test_ids_and_tags_of_tunnels() -> None:
    assert decode([IN_TUNNELS["geneve"][1]])[1]["tunnel"] & 0xFFFFFF == 0x4711
    assert decode([IN_TUNNELS["erspan_2"][1]])[1]["vlan"] == [77, 0]
    assert decode([IN_TUNNELS["gre_vlan"][1]])[1]["vlan"] == [7, 0]
    assert decode_one(IN_PLACE["vn_tag_vlan"][1])["vlan"] == [7, 0]


def test_a_mirrored_frame_may_come_within_two_tags_and_say_a_third() -> None:
    frame = IN_TUNNELS["erspan_2"][1]
    tagged = [frame[:12] + bytes.fromhex("81000009") * tags + frame[12:] for tags in (2, 3)]
    outer, inner, alone = decode(tagged, verify=False)
    assert (inner["dest_port"], outer["events"]) == (53, set())
    assert alone["events"] == {"ERSPAN_TOO_MANY_VLAN_LAYERS"}


def test_the_ports_of_tunnels_are_settings() -> None:
    packets = packet_batch([tunnelled(1234, geneve(0x6558) + FRAME), IN_TUNNELS["geneve"][1]])
    rows = rows_of(packets, Decoder(tunnels=TunnelPorts(geneve=(1234,))).decode(packets))
    assert [row["dest_port"] for row in rows] == [1234, 53, 6081]


def icmp(version: int, kind: int, code: int, rest: bytes = bytes(4)) -> bytes:
    head = ip(proto=1) if version == 4 else ip6(nh=58)
    return bytes(ether() / head / (bytes([kind, code, 0, 0]) + rest))


def extension(proto: int, body: bytes, following: int = 59) -> bytes:
    """An IPv6 packet with one extension header and nothing behind."""
    size = (2 + len(body)) // 8 - 1
    return bytes(ether() / ip6(nh=proto) / (bytes([following, size]) + body))


ODD_FRAMES: dict[str, tuple[int, bytes]] = {
    "IPV4_ICMPV6": (1, bytes(ether() / ip(proto=58) / bytes(8))),
    "IPV6_ICMPV4": (1, bytes(ether() / ip6(nh=1) / bytes(8))),
    "IPV6_UNKNOWN_NEXT_HEADER": (1, bytes(ether() / ip6(nh=200) / bytes(8))),
    "IPV6_EXTHDR_DUPL_RH": (
        1,
        bytes(ether() / ip6(nh=43) / (b"\x2b\x00\x04" + bytes(5) + b"\x3b\x00\x04" + bytes(5))),
    ),
    "IPV6_EXTHDR_AH_RES_NOT_NULL": (1, bytes(ether() / ip6(nh=51) / (b"\x3b\x02\x00\x01" + bytes(12)))),
    "IPV6_EXTHDR_INVALID_OPTLEN": (1, extension(0, b"\x05\x08" + bytes(4))),
    "IPV6_HOPOPTS_UNKNOWN_OPT": (1, extension(0, b"\x22\x04" + bytes(4))),
    "IPV6_DSTOPTS_UNKNOWN_OPT": (1, extension(60, b"\x22\x04" + bytes(4))),
    "IPV6_ZERO_LEN_PADN": (1, extension(60, b"\x05\x02\x00\x00\x01\x00")),
    "IPV6_FH_NON_ZERO_RESERVED_FIELD": (1, bytes(ether() / ip6(nh=44) / (b"\x11\x07\x00\x08" + bytes(4)))),
    "IPV6_IPV4_IN_IPV6_TOO_SMALL": (1, bytes(ether() / ip6(nh=4) / bytes(19))),
    "IPV6_IPV4_IN_IPV6_WRONG_VERSION": (1, bytes(ether() / ip6(nh=4) / bytes(20))),
    "IPV6_IPV6_IN_IPV6_TOO_SMALL": (1, bytes(ether() / ip6(nh=41) / bytes(39))),
    "IPV6_IPV6_IN_IPV6_WRONG_VERSION": (1, bytes(ether() / ip6(nh=41) / bytes(40))),
    "ICMPV4_UNKNOWN_TYPE": (1, icmp(4, 77, 0)),
    "ICMPV4_UNKNOWN_CODE": (1, icmp(4, 3, 16)),
    "ICMPV4_IPV4_TRUNC_PKT": (1, icmp(4, 3, 1, bytes(9))),
    "ICMPV4_IPV4_UNKNOWN_VER": (1, icmp(4, 11, 0, bytes(4 + 28))),
    "ICMPV6_UNKNOWN_TYPE": (1, icmp(6, 127, 0)),
    "ICMPV6_UNKNOWN_CODE": (1, icmp(6, 128, 1)),
    "ICMPV6_IPV6_TRUNC_PKT": (1, icmp(6, 1, 0, bytes(9))),
    "ICMPV6_MLD_MESSAGE_WITH_INVALID_HL": (1, icmp(6, 131, 0, bytes(20))),
    "ICMPV6_UNASSIGNED_TYPE": (1, icmp(6, 5, 0)),
    "ICMPV6_EXPERIMENTATION_TYPE": (1, icmp(6, 200, 0)),
    "VLAN_UNKNOWN_TYPE": (1, framed(0x8100, b"\x00\x07\x12\x34")),
    "VNTAG_UNKNOWN_TYPE": (1, framed(0x8926, bytes(4) + b"\x12\x34")),
    "VNTAG_HEADER_TOO_SMALL": (1, framed(0x8926, bytes(5))),
    "ETAG_UNKNOWN_TYPE": (1, framed(0x893F, bytes(6) + b"\x12\x34")),
    "ETAG_HEADER_TOO_SMALL": (1, framed(0x893F, bytes(7))),
    "IEEE8021AH_HEADER_TOO_SMALL": (1, framed(0x88E7, bytes(17))),
    "DCE_PKT_TOO_SMALL": (1, framed(0x8903, bytes(1))),
    "SLL_PKT_TOO_SMALL": (LinkType.LINUX_SLL, bytes(15)),
    "SLL2_PKT_TOO_SMALL": (LinkType.LINUX_SLL2, bytes(19)),
    "LTNULL_PKT_TOO_SMALL": (LinkType.NULL, bytes(3)),
    "LTNULL_UNSUPPORTED_TYPE": (LinkType.NULL, b"\x07\0\0\0" + bytes(20)),
    "IPRAW_INVALID_IP_VERSION": (LinkType.RAW, b"\x50" + bytes(20)),
    "CHDLC_PKT_TOO_SMALL": (LinkType.C_HDLC, bytes(3)),
    "PPP_PKT_TOO_SMALL": (LinkType.PPP, b"\xff\x03\x00"),
    "PPP_VJU_PKT_TOO_SMALL": (LinkType.PPP, b"\xff\x03\x00\x2f" + bytes(19)),
    "PPP_WRONG_TYPE": (LinkType.PPP, b"\xff\x03\x12\x34"),
    "PPP_UNSUP_PROTO": (LinkType.PPP, b"\xff\x03\x80\x2b"),
    "PPP_IP4_PKT_TOO_SMALL": (LinkType.PPP, b"\xff\x03\x00\x21" + bytes(19)),
    "PPP_IP6_PKT_TOO_SMALL": (LinkType.PPP, b"\xff\x03\x00\x57" + bytes(39)),
    "PPPOE_PKT_TOO_SMALL": (1, framed(0x8864, bytes(7))),
    "PPPOE_WRONG_CODE": (1, framed(0x8863, b"\x11\x08" + bytes(4))),
    "PPPOE_MALFORMED_TAGS": (1, framed(0x8863, b"\x11\x09\0\0\0\x05" + b"\x01\x01\x00\x04a")),
    "MPLS_HEADER_TOO_SMALL": (1, framed(0x8847, label(16, bottom=False) + bytes(3))),
    "MPLS_PKT_TOO_SMALL": (1, framed(0x8847, label(16) + bytes(3))),
    "MPLS_BAD_LABEL_ROUTER_ALERT": (1, framed(0x8847, label(1) + INNER)),
    "MPLS_BAD_LABEL_IMPLICIT_NULL": (1, framed(0x8847, label(3) + INNER)),
    "MPLS_BAD_LABEL_RESERVED": (1, framed(0x8847, label(9) + INNER)),
    "MPLS_UNKNOWN_PAYLOAD_TYPE": (1, framed(0x8847, label(16) + b"\x50\0\0\0")),
    "NSH_HEADER_TOO_SMALL": (1, framed(0x894F, bytes(7))),
    "NSH_UNSUPPORTED_VERSION": (1, framed(0x894F, b"\x40" + nsh(2, 1, b"")[1:] + INNER)),
    "NSH_BAD_HEADER_LENGTH": (1, framed(0x894F, nsh(1, 1, bytes(8)) + INNER)),
    "NSH_RESERVED_TYPE": (1, framed(0x894F, nsh(15, 1, b"") + INNER)),
    "NSH_UNSUPPORTED_TYPE": (1, framed(0x894F, nsh(3, 1, b"") + INNER)),
    "NSH_UNKNOWN_PAYLOAD": (1, framed(0x894F, nsh(2, 9, b"") + INNER)),
    "VXLAN_UNKNOWN_PAYLOAD_TYPE": (
        1,
        tunnelled(4789, b"\x08" + bytes(7) + FRAME[:12] + b"\x88\x47" + label(30) + INNER),
    ),
    "GENEVE_UNKNOWN_PAYLOAD_TYPE": (1, tunnelled(6081, geneve(0x1234) + FRAME)),
    "ERSPAN_HEADER_TOO_SMALL": (1, gre(0x1000, 0x88BE, bytes(4 + 7))),
    "ERSPAN_UNSUPPORTED_VERSION": (1, gre(0x1000, 0x88BE, bytes(4 + 8) + FRAME)),
    "ARP_UNSUPPORTED_HARDWARE": (1, framed(0x0806, b"\x00\x06\x08\x00\x06\x04\x00\x01" + bytes(20))),
    "ARP_UNSUPPORTED_PROTOCOL": (1, framed(0x0806, b"\x00\x01\x08\x01\x06\x04\x00\x01" + bytes(20))),
    "ARP_INVALID_HARDWARE_SIZE": (1, framed(0x0806, b"\x00\x01\x08\x00\x08\x04\x00\x01" + bytes(24))),
    "ARP_INVALID_PROTOCOL_SIZE": (1, framed(0x0806, b"\x00\x01\x08\x00\x06\x05\x00\x01" + bytes(22))),
    "ARP_UNSUPPORTED_OPCODE": (1, framed(0x0806, b"\x00\x01\x08\x00\x06\x04\x00\x08" + bytes(20))),
    "ARP_INVALID_PKT": (1, framed(0x0806, b"\x00\x01\x08\x00\x06\x04\x00\x01" + bytes(19))),
    "ESP_PKT_TOO_SMALL": (1, bytes(ether() / ip(proto=50) / bytes(7))),
    "GRE_WRONG_VERSION": (1, gre(2, 0x0800, INNER)),
    "GRE_VERSION0_RECUR": (1, gre(0x0100, 0x0800, INNER)),
    "GRE_VERSION0_FLAGS": (1, gre(0x0008, 0x0800, INNER)),
    "GRE_VERSION0_HDR_TOO_BIG": (1, gre(0xB000, 0x0800, bytes(11))),
    "GRE_VERSION0_MALFORMED_SRE_HDR": (1, gre(0x4000, 0x0800, bytes(4) + b"\x08\x00\x00\xff" + bytes(9))),
    "GRE_VERSION1_CHKSUM": (1, gre(0xA001, 0x880B, bytes(4) + PPP)),
    "GRE_VERSION1_ROUTE": (1, gre(0x6001, 0x880B, bytes(4) + PPP)),
    "GRE_VERSION1_SSR": (1, gre(0x2801, 0x880B, bytes(4) + PPP)),
    "GRE_VERSION1_RECUR": (1, gre(0x2101, 0x880B, bytes(4) + PPP)),
    "GRE_VERSION1_FLAGS": (1, gre(0x2009, 0x880B, bytes(4) + PPP)),
    "GRE_VERSION1_NO_KEY": (1, gre(0x0001, 0x880B, bytes(4) + PPP)),
    "GRE_VERSION1_WRONG_PROTOCOL": (1, gre(0x2001, 0x0800, bytes(4) + INNER)),
    "GRE_VERSION1_HDR_TOO_BIG": (1, gre(0x3081, 0x880B, struct.pack("!HHI", 4, 1, 1))),
}


@pytest.mark.parametrize("event", ODD_FRAMES)
def test_what_is_odd_has_its_event(event: str) -> None:
    link, frame = ODD_FRAMES[event]
    rows = decode([frame], link=link, verify=False)
    found = set().union(*(row["events"] for row in rows))
    behind_tag = event in {"VLAN_UNKNOWN_TYPE", "VNTAG_UNKNOWN_TYPE", "ETAG_UNKNOWN_TYPE"}
    with_it = {"ETHERNET_UNKNOWN_ETHERTYPE"} if behind_tag else set()
    assert found - {"IPV6_DATA_AFTER_NONE_HEADER"} == {event} | with_it


@pytest.mark.parametrize(
    ("version", "kind", "code", "rest", "event"),
    [
        (4, 10, 0, b"", "ICMPV4_UNKNOWN_TYPE"),
        (4, 12, 1, b"", "ICMPV4_UNKNOWN_CODE"),
        (4, 13, 0, bytes(15), "ICMPV4_IPV4_TRUNC_PKT"),
        (4, 13, 0, bytes(16), ""),
        (4, 9, 7, b"\x01\x02" + bytes(10), ""),
        (4, 9, 0, b"\x01\x02" + bytes(9), "ICMPV4_IPV4_TRUNC_PKT"),
        (6, 1, 7, b"", "ICMPV6_UNKNOWN_CODE"),
        (6, 4, 3, b"", "ICMPV6_UNKNOWN_CODE"),
        (6, 138, 255, b"", ""),
        (6, 138, 3, b"", "ICMPV6_UNKNOWN_CODE"),
        (6, 143, 1, b"", "ICMPV6_UNKNOWN_CODE"),
        (6, 155, 4, b"", "ICMPV6_UNKNOWN_CODE"),
        (6, 155, 128, b"", ""),
        (6, 151, 9, b"", ""),
    ],
)
def test_types_of_icmp_have_codes_and_headers(
    version: int, kind: int, code: int, rest: bytes, event: str
) -> None:
    (row,) = decode([icmp(version, kind, code, rest or bytes(4))], verify=False)
    assert row["events"] == ({event} if event else set())


@pytest.mark.parametrize(("link", "frame"), [(LinkType.LINUX_SLL, bytes(14)), (LinkType.C_HDLC, bytes(2))])
def test_other_links_carry_unknown_types_as_well(link: int, frame: bytes) -> None:
    (row,) = decode([frame + b"\x12\x34"], link=link, verify=False)
    assert row["events"] == {"ETHERNET_UNKNOWN_ETHERTYPE"}


@pytest.mark.parametrize(
    "carried", ["8021", "8057", "80fd", "8207", "c021", "c023", "c025", "c029", "c223", "00fd"]
)
def test_what_keeps_a_ppp_link_up_is_not_odd(carried: str) -> None:
    protocol = bytes.fromhex(carried)
    in_session = framed(0x8864, b"\x11\x00\x00\x01\x00\x06" + protocol + b"\x01\x01\x00\x04")
    for link, frame in ((LinkType.PPP, b"\xff\x03" + protocol + b"\x01\x01\x00\x04"), (1, in_session)):
        assert not any(row["events"] for row in decode([frame], link=link, verify=False))


@pytest.mark.parametrize("frame", ["23", "fd", "ff0313", "ff00802b"])
def test_ppp_protocols_of_one_byte_and_headers_with_another_control(frame: str) -> None:
    (row,) = decode([bytes.fromhex(frame) + bytes(8)], link=LinkType.PPP, verify=False)
    assert row["events"] == {"PPP_UNSUP_PROTO"}


@pytest.mark.parametrize("frame", ["", "ff", "ff03", "ff0300", "00"])
def test_ppp_frames_without_a_whole_protocol_are_too_small(frame: str) -> None:
    (row,) = decode([bytes.fromhex(frame)], link=LinkType.PPP, verify=False)
    assert row["events"] == {"PPP_PKT_TOO_SMALL"}

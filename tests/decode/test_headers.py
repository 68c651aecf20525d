"""Every header beside scapy's reading of the same bytes."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Jumbo
from scapy.layers.l2 import Dot1Q, Ether

from tests.decode.batches import decode, decode_one, packet_batch, rows_of
from tests.decode.oracle import rows_by_scapy
from tests.decode.samples import DATA, L2, ODD, SAMPLES, ether, ip, ip6, tcp, udp
from vpi_tui.decode import ipopts
from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.kernels import MAX_ROWS_A_PACKET
from vpi_tui.model.batch import LinkType


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_are_what_scapy_says(name: str) -> None:
    link, frame = SAMPLES[name]
    rows, expected = decode([frame], link=link), rows_by_scapy(link, frame)
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        assert {key: row[key] for key in wanted} == wanted
        assert row["events"] == ODD.get(name, set())


def test_a_batch_of_all_kinds_gives_the_rows_of_each() -> None:
    frames = [frame for link, frame in SAMPLES.values() if link == LinkType.ETHERNET]
    alone = [decode([frame]) for frame in frames]
    expected = [{**row, "packet": at} for at, rows in enumerate(alone) for row in rows]
    assert decode(frames) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_offsets_point_at_the_headers(name: str) -> None:
    link, frame = SAMPLES[name]
    for row in decode([frame], link=link):
        if row["ip_v"]:
            assert frame[row["ip_off"]] >> 4 == row["ip_v"]
            assert row["ip_off"] < row["l4_off"]
            assert (row["payload_off"] == -1) if row["fragment"] else row["l4_off"] <= row["payload_off"]
            assert row["ip_off"] + row["ip_len"] >= row["payload_off"] + row["payload_len"]


def test_tag_that_the_kernel_stripped_is_the_outermost() -> None:
    frame = bytes(ether() / Dot1Q(vlan=20) / ip() / udp())
    row = decode_one(frame, vlan_tci=0x10000 | 0xE00A)
    assert (row["vlan"], row["vlan_layers"], row["dest_port"]) == ([10, 20], 2, 53)


def test_ip_options_are_named() -> None:
    row = decode_one(SAMPLES["ip_options"][1])
    assert set(ipopts.names(row["ip_opts"])) == {"rtralt", "rr", "eol"}


@pytest.mark.parametrize(
    ("options", "event"),
    [
        (b"\x07\x00\x04\x00", "IPV4_OPT_INVALID_LEN"),
        (b"\x07\x09\x04\x00", "IPV4_OPT_INVALID_LEN"),
        (b"\x07\x07\x03\x00\x00\x00\x00\x00", "IPV4_OPT_MALFORMED"),
        (b"\x07\x07\x05\x00\x00\x00\x00\x00", "IPV4_OPT_MALFORMED"),
        (b"\x94\x04\x00\x00\x94\x04\x00\x00", "IPV4_OPT_DUPLICATE"),
        (b"\x94\x05\x00\x00\x00\x00\x00\x00", "IPV4_OPT_INVALID_LEN"),
        (b"\x44\x08\x06\x00\x00\x00\x00\x00", "IPV4_OPT_MALFORMED"),
        (b"\x77\x04\x00\x00\x00\x00\x00\x00", "IPV4_OPT_INVALID"),
        (b"\x01\x01\x01\x01\x01\x01\x01\x07", "IPV4_OPT_EOL_REQUIRED"),
        (b"\x86\x0c\x00\x00\x00\x01\x01\x06\x00\x00\x00\x00\x00\x00\x00\x00", ""),
        (b"\x86\x0c\x00\x00\x00\x01\x01\x06\x01\x00\x00\x00\x00\x00\x00\x00", "IPV4_OPT_MALFORMED"),
        (b"\x01\x01\x01\x00", ""),
    ],
)
def test_ip_options_that_are_wrong(options: bytes, event: str) -> None:
    header = bytearray(bytes(ip(proto=59))[:20])
    header[0], header[3] = 0x45 + len(options) // 4, 20 + len(options)
    row = decode_one(bytes(header) + options, link=LinkType.IPV4, verify=False)
    padded = {"IPV4_OPT_PAD_REQUIRED"} if len(options) % 8 else set()
    assert row["events"] == ({event} if event else set()) | padded


@pytest.mark.parametrize(
    ("options", "event"),
    [
        (b"\x02\x01\x00\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x02\x05\x00\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x03\x04\x00\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x04\x02\x04\x02", "TCP_OPT_DUPLICATE"),
        (b"\x1e\x04\x00\x00", ""),
        (b"\x22\x02\x00\x00", ""),
        (b"\x22\x04\x00\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x22\x02\x22\x02", "TCP_OPT_DUPLICATE"),
        (b"\xfe\x04\xf9\x89", ""),
        (b"\xfe\x03\xf9\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x13\x04\x00\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x1d\x03\x00\x00", "TCP_OPT_INVALID_LEN"),
        (b"\x01\x01\x01\x08", ""),
    ],
)
def test_tcp_options_that_are_wrong(options: bytes, event: str) -> None:
    segment = bytearray(bytes(tcp(dataofs=6, options=[]))[:20]) + options
    row = decode_one(bytes(ip(proto=6) / bytes(segment)), link=LinkType.IPV4, verify=False)
    assert row["events"] == ({event} if event else set())
    assert row["dest_port"] == 443


@pytest.mark.parametrize(
    ("change", "event"),
    [
        ((14, 0x65), "IPV4_WRONG_IP_VER"),
        ((14, 0x44), "IPV4_HLEN_TOO_SMALL"),
        ((17, 0x10), "IPV4_IPLEN_SMALLER_THAN_HLEN"),
        ((16, 0x10), "IPV4_TRUNC_PKT"),
        ((46, 0x40), "TCP_INVALID_OPTLEN"),
        ((46, 0xF0), "TCP_HLEN_TOO_SMALL"),
    ],
)
def test_a_field_that_lies_sets_its_event(change: tuple[int, int], event: str) -> None:
    frame = bytearray(bytes(ether() / ip() / tcp()))
    frame[change[0]] = change[1]
    assert decode_one(bytes(frame), verify=False)["events"] == {event}


@pytest.mark.parametrize(("size", "event"), [(7, "UDP_HLEN_INVALID"), (300, "UDP_PKT_TOO_SMALL")])
def test_udp_length_that_lies(size: int, event: str) -> None:
    row = decode_one(bytes(ether() / ip() / udp(len=size) / DATA), verify=False)
    assert row["events"] == {event}
    assert row["payload_off"] == -1


@pytest.mark.parametrize(("size", "event"), [(0, "UDP_HLEN_INVALID"), (0, "")])
def test_udp_length_of_offloaded_frames(size: int, event: str) -> None:
    row = decode_one(bytes(ether() / ip() / udp(len=size) / DATA), verify=False, zero_is_rest=not event)
    assert row["events"] == ({event} if event else set())
    assert row["payload"] == (b"" if event else bytes(DATA))


def test_ip_length_of_offloaded_frames() -> None:
    frame = bytes(ether() / ip(len=0) / tcp() / DATA)
    assert decode_one(frame, zero_is_rest=True, verify=False)["payload"] == bytes(DATA)
    assert decode_one(frame, verify=False)["events"] == {"IPV4_IPLEN_SMALLER_THAN_HLEN"}


def test_ip6_length_of_offloaded_frames_and_jumbograms() -> None:
    frame = bytes(ether() / ip6(plen=0) / udp() / DATA)
    assert decode_one(frame, zero_is_rest=True, verify=False)["payload"] == bytes(DATA)
    assert decode_one(frame, verify=False)["events"] == {"UDP_HLEN_TOO_SMALL"}
    jumbo = bytes(ether() / ip6(plen=0) / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=63)]) / udp() / DATA)
    assert decode_one(jumbo, verify=False)["payload"] == bytes(DATA)


def test_a_routing_header_with_segments_left_is_not_summed() -> None:
    """The checksum is over the last destination, which is inside the header (RFC 8200 8.1)."""
    packet = ether() / ip6() / IPv6ExtHdrRouting(addresses=["2001:db8::7"], segleft=1) / udp(chksum=0x1234)
    assert decode_one(bytes(packet))["events"] == {"IPV6_RH_TYPE_0"}


@pytest.mark.parametrize("words", [4, 7])
def test_an_authentication_header_is_skipped(words: int) -> None:
    """Its length counts words of 4 bytes, less 2 (RFC 4302 2.2)."""
    header = bytes([17, words - 2, 0, 0]) + bytes(4 * words - 4)
    row = decode_one(bytes(ether() / ip6(nh=51) / (header + bytes(udp(chksum=0) / DATA))), verify=False)
    assert (row["proto"], row["dest_port"], row["payload"]) == (17, 53, bytes(DATA))


@pytest.mark.parametrize(("headers", "events"), [(256, set()), (257, {"IPV6_EXTHDR_TOO_MANY"})])
def test_extension_headers_are_walked_up_to_a_bound(headers: int, events: set[str]) -> None:
    packet = ether() / ip6()
    for _ in range(headers):
        packet = packet / IPv6ExtHdrDestOpt()
    row = decode_one(bytes(packet / udp() / DATA))
    assert row["events"] - {"IPV6_DSTOPTS_ONLY_PADDING", "IPV6_EXTHDR_DUPL_DH"} == events
    assert row["payload"] == (b"" if events else bytes(DATA))


@pytest.mark.parametrize(
    ("options", "event"),
    [(b"\xfe\x04\xf9\x89\x22\x02\x00\x00", "TCP_OPT_DUPLICATE"), (b"\xfe\x04\xf9\x88\x22\x02\x00\x00", "")],
)
def test_fast_open_under_both_of_its_numbers(options: bytes, event: str) -> None:
    segment = bytearray(bytes(tcp(dataofs=7, options=[]))[:20]) + options
    row = decode_one(bytes(ip(proto=6) / bytes(segment)), link=LinkType.IPV4, verify=False)
    assert row["events"] == ({event} if event else set())


def test_a_header_that_ends_behind_the_datagram_is_a_datagram_cut_short() -> None:
    header = bytearray(bytes(ip(proto=59))[:20])
    header[0], header[3] = 0x4F, 60
    assert decode_one(bytes(header), link=LinkType.IPV4)["events"] == {"IPV4_TRUNC_PKT"}
    header[3] = 20
    assert decode_one(bytes(header), link=LinkType.IPV4)["events"] == {"IPV4_IPLEN_SMALLER_THAN_HLEN"}


def test_behind_a_fragment_header_that_divides_nothing_another_one_is_not_read() -> None:
    useless, first = b"\x2c\x00\x00\x00\x00\x00\x00\x07", b"\x11\x00\x00\x01\x00\x00\x00\x08"
    row = decode_one(bytes(ether() / ip6(nh=44) / (useless + first + bytes(udp() / DATA))), verify=False)
    assert row["events"] == {"IPV6_EXTHDR_USELESS_FH", "IPV6_EXTHDR_DUPL_FH"}
    assert (row["fragment"], row["dest_port"], row["payload"]) == (0, 53, bytes(DATA))


def test_an_authentication_header_that_says_it_is_short_has_12_bytes() -> None:
    frame = bytes(ether() / ip6(nh=51) / (bytes([17, 0, 0, 0]) + bytes(8) + bytes(udp(chksum=0) / DATA)))
    assert decode_one(frame, verify=False)["dest_port"] == 53


@pytest.mark.parametrize("inside", [41, 47])
def test_a_tunnel_behind_extension_headers_is_an_unknown_next_header(inside: int) -> None:
    options = bytes([inside, 0, 5, 2, 0, 0, 1, 0])
    rows = decode([bytes(ether() / ip6(nh=60) / (options + bytes(ip6() / udp())))], verify=False)
    assert "IPV6_UNKNOWN_NEXT_HEADER" in rows[0]["events"]


def test_only_a_length_of_its_own_makes_a_packet_of_no_length_a_jumbogram() -> None:
    frame = bytes(ether() / ip6(plen=0) / IPv6ExtHdrHopByHop() / udp() / DATA)
    assert decode_one(frame, verify=False)["events"] == {"IPV6_TRUNC_EXTHDR"}


@pytest.mark.parametrize(
    ("tags", "events"), [(3, set()), (4, {"VLAN_TOO_MANY_LAYERS"}), (9, {"VLAN_TOO_MANY_LAYERS"})]
)
def test_tags_are_skipped_up_to_a_bound(tags: int, events: set[str]) -> None:
    packet = ether()
    for number in range(tags):
        packet = packet / Dot1Q(vlan=number + 1)
    row = decode_one(bytes(packet / ip() / udp() / DATA))
    assert row["events"] == events
    assert row["vlan"] == [1, 2]
    assert row["payload"] == (bytes(DATA) if tags < 8 else b"")


def test_tunnels_are_opened_up_to_a_bound() -> None:
    packet = ether()
    for number in range(MAX_ROWS_A_PACKET + 3):
        packet = packet / ip(src=f"10.0.0.{number + 1}")
    rows = decode([bytes(packet / udp() / DATA)])
    assert len(rows) == MAX_ROWS_A_PACKET
    assert [row["events"] for row in rows] == [set()] * (MAX_ROWS_A_PACKET - 1) + [{"TUNNEL_TOO_DEEP"}]


def test_a_batch_of_nothing_but_tunnels_grows_the_columns() -> None:
    packet = ether()
    for _ in range(MAX_ROWS_A_PACKET):
        packet = packet / ip()
    rows = decode([bytes(packet / udp() / DATA)] * 3000)
    assert len(rows) == 3000 * MAX_ROWS_A_PACKET
    assert [row["packet"] for row in rows] == [at // MAX_ROWS_A_PACKET for at in range(len(rows))]


def test_columns_are_blank_again_for_the_next_batch() -> None:

    decoder = Decoder()
    full = packet_batch([frame for link, frame in SAMPLES.values() if link == LinkType.ETHERNET])
    decoder.decode(full)
    nothing = packet_batch([bytes(Ether(**L2, type=0x88CC) / DATA)] * 20)
    rows = rows_of(nothing, decoder.decode(nothing))
    assert all(row["ip_v"] == row["src_port"] == row["tcp_seq"] == row["tunnel"] == 0 for row in rows)
    assert all(row["payload_off"] == row["ip_off"] == row["l4_off"] == -1 for row in rows)


def test_link_type_that_nobody_knows() -> None:
    assert decode_one(b"abc" * 10, link=147)["events"] == {"LINK_UNKNOWN"}


@pytest.mark.parametrize("family", [2, 10, 24, 28, 30])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("link", [LinkType.NULL, LinkType.LOOP])
def test_address_families_of_all_systems(family: int, order: str, link: int) -> None:
    packet = ip() / udp() / DATA if family == 2 else ip6() / udp() / DATA
    row = decode_one(family.to_bytes(4, order) + bytes(packet), link=link)  # type: ignore[arg-type]
    assert (row["ip_v"], row["dest_port"], row["payload"]) == (4 if family == 2 else 6, 53, bytes(DATA))


def test_labels_and_pppoe_are_skipped() -> None:
    inner = bytes(ip() / udp() / DATA)
    labels = Ether(**L2, type=0x8847) / (bytes.fromhex("00010040") + bytes.fromhex("00020140") + inner)
    session = Ether(**L2, type=0x8864) / (
        bytes.fromhex("11000001") + (len(inner) + 2).to_bytes(2, "big") + b"\x00\x21" + inner
    )
    for packet in (labels, session):
        row = decode_one(bytes(packet))
        assert (row["ip_v"], row["dest_port"], row["payload"]) == (4, 53, bytes(DATA))


def test_counts_are_kept_by_protocol() -> None:

    decoder = Decoder()
    frames = [
        bytes(ether() / IP() / UDP()),
        bytes(ether() / ip() / ip6() / tcp()),
        b"short",
        SAMPLES["arp_in_vlan"][1],
    ]
    decoder.decode(packet_batch(frames))
    decoder.decode(packet_batch(frames))
    stats = decoder.stats()
    assert stats["decoder.pkts"] == 8
    assert stats["decoder.bytes"] == 2 * sum(len(frame) for frame in frames)
    told = {
        name: stats[f"decoder.{name}"]
        for name in ("ipv4", "ipv6", "tcp", "udp", "arp", "vlan", "ipip", "invalid")
    }
    assert told == {"ipv4": 4, "ipv6": 2, "tcp": 2, "udp": 2, "arp": 2, "vlan": 2, "ipip": 2, "invalid": 2}
    assert stats["decoder.event.ethernet.pkt_too_small"] == 2


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [(47, b""), (4, b""), (41, b""), (89, b""), (58, b""), (50, bytes(DATA)[8:]), (132, bytes(DATA)[12:])],
)
def test_rules_see_the_payload_of_protocols_that_are_taken_apart(protocol: int, payload: bytes) -> None:
    """As in Suricata; ICMPv6 in IPv4 is none of them, ESP has a header of 8 bytes."""
    row = decode([bytes(ether() / ip(proto=protocol) / DATA)], verify=False)[0]
    assert (row["proto"], row["payload"]) == (protocol, payload)

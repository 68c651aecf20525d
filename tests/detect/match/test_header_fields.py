"""Which packets the keywords about fields of headers hold of, beyond what one column says."""

from __future__ import annotations

import pytest

from tests.detect.rules.rule_text import parse, refused
from vpi_tui.model.batch import DecoderEvent

from .build import Packet, hits

ANY = "alert ip any any -> any any"
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def rows(options: str, packets: list[Packet], *, head: str = ANY) -> list[int]:
    return [row for row, _ in hits([parse(options, head=head)], packets)]


def packet(**more: int) -> Packet:
    return Packet(version=more.pop("version", 4), proto=more.pop("proto", 6), more=more)


@pytest.mark.parametrize(
    ("asked", "held"),
    [("0", [0, 2, 3]), ("2", [4]), ("16", [5]), (">0", [4, 5]), ("!5", [0, 2, 3, 4, 5])],
)
def test_fragments_of_ipv6_count_bytes_and_other_packets_have_no_offset(asked: str, held: list[int]) -> None:
    undivided = 1 << DecoderEvent.IPV6_EXTHDR_USELESS_FH
    packets = [
        packet(),
        packet(version=6),
        packet(version=6, events=undivided),
        packet(version=6, fragment=1),
        packet(fragment=2, frag_offset=2),
        packet(version=6, fragment=2, frag_offset=2),
        packet(version=6, fragment=3),
    ]
    assert rows(f"fragoffset:{asked};", packets) == held


@pytest.mark.parametrize(
    ("asked", "held"),
    [("!S", [1, 2]), ("!SA", [0, 1, 2]), ("*SA", [0, 1]), ("!U", []), ("!P", [0, 1, 2, 3]), ("+A", [1, 3])],
)
def test_seldom_flags_are_asked_of_packets_that_have_one(asked: str, held: list[int]) -> None:
    packets = [packet(tcp_flags=flags) for flags in (SYN, FIN | ACK, RST, ACK, ACK | URG | PSH)]
    found = rows(f"flags:{asked};", packets, head="alert tcp any any -> any any")
    assert [row for row in found if row < 4] == held


def test_another_length_than_this_is_one_of_a_payload() -> None:
    packets = [Packet(b""), Packet(b"ab"), Packet(b"abc")]
    assert rows("dsize:!3;", packets) == [1]
    assert rows("dsize:!=3;", packets) == [1]
    assert rows("dsize:!1-4;", packets) == [0]


def test_a_checksum_that_is_not_there_is_not_valid() -> None:
    udp = packet(proto=17)
    assert rows("udpv4-csum:valid;", [udp, packet(proto=17, fragment=1)]) == [0]
    without = Packet(bytes(8), proto=17, more={"l4_off": 40})  # the header lies where the payload does
    assert rows("udpv4-csum:valid;", [without]) == []
    assert rows("tcpv4-csum:valid;", [packet(), packet(fragment=2)]) == [0]
    assert rows(
        "icmpv6-csum:valid;", [packet(version=6, proto=58), packet(version=6, proto=58, fragment=1)]
    ) == [0]


def test_a_broken_packet_has_no_checksum() -> None:
    cut = packet(proto=6, events=1 << DecoderEvent.IPV4_TRUNC_PKT)
    assert rows("ipv4-csum:valid;", [cut, packet()]) == [1]
    wrong = 1 << DecoderEvent.IPV4_CSUM_INVALID
    assert rows("ipv4-csum:invalid;", [packet(), packet(events=wrong)]) == [1]


def test_mtu_of_a_message_whose_code_is_none() -> None:
    mtu = [packet(version=6, proto=58, icmp_type=2, icmp_code=code) for code in (0, 1)]
    assert rows("icmpv6.mtu:>1;", mtu, head="alert icmp any any -> any any") == [0]


@pytest.mark.parametrize("options", ["ttl:>=0;", "ttl:<=255;", "dsize:<=65535;", "itype:>=0;", "bsize:>=0;"])
def test_a_test_that_every_number_meets_is_refused(options: str) -> None:
    head = "alert http any any -> any any" if "bsize" in options else ANY
    before = "http.uri; " if "bsize" in options else ""
    assert "every number is" in refused(before + options, head=head)


def test_a_size_of_streams_may_be_ruled_out_with_one_sign() -> None:
    assert parse("stream_size:client,!,5;").columns == parse("stream_size:client,!=,5;").columns


def test_pkthdr_is_ip_and_both_see_broken_frames_in_rules_about_events() -> None:
    small = DecoderEvent.IPV4_HLEN_TOO_SMALL
    packets = [Packet(proto=0, version=0, more={"events": 1 << small}), Packet(first=3), Packet()]
    for word in ("ip", "any", "pkthdr"):
        head = f"alert {word} any any -> any any"
        assert rows("decode-event:ipv4.hlen_too_small;", packets, head=head) == [0]
        assert rows('msg:"all";', packets, head=head) == [1]  # once a flow and direction
        assert rows("ttl:0;", packets, head=head) == [1, 2]

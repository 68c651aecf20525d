"""Protocols of datagrams that stand alone: SNMP, DHCP, NTP, TFTP, mDNS and the table of BitTorrent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.asn1.asn1 import ASN1_INTEGER, ASN1_IPADDRESS, ASN1_OID, ASN1_STRING, ASN1_TIME_TICKS
from scapy.asn1.ber import BERcodec_INTEGER, BERcodec_SEQUENCE, BERcodec_STRING
from scapy.layers import dhcp, dns, snmp
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.ntp import NTPHeader
from scapy.packet import Packet, Raw

from tests.detect.applayer.test_krb5 import request as kerberos_request
from tests.detect.applayer.test_scan import scan, sids
from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.bittorrent_dht import BITTORRENT_DHT
from vpi_tui.detect.applayer.describe.bittorrent_dht import describe
from vpi_tui.detect.applayer.dhcp import DHCP
from vpi_tui.detect.applayer.mdns import MDNS
from vpi_tui.detect.applayer.ntp import NTP
from vpi_tui.detect.applayer.snmp import SNMP
from vpi_tui.detect.applayer.tftp import TFTP
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def parse(application: Application, *datagrams: bytes, direction: int = SERVER) -> list[Transaction]:
    parser = application.parser(Limits())
    return [found for data in datagrams for found in parser.datagram(direction, data)]


def values(application: Application, found: Transaction, buffer: str, direction: int = SERVER) -> list[bytes]:
    return list(application.buffers[buffer].get(found, direction))


def numbers(application: Application, found: Transaction, buffer: str) -> list[int]:
    return [int.from_bytes(value) for value in values(application, found, buffer)]


# SNMP ------------------------------------------------------------------------------------------

NAME = "1.3.6.1.2.1.1.1.0"
QUESTION = snmp.SNMPget(varbindlist=[snmp.SNMPvarbind(oid=ASN1_OID(NAME))])
TRAP = snmp.SNMPtrapv1(
    enterprise=ASN1_OID("1.3.6.1.4.1.8072"),
    agent_addr=ASN1_IPADDRESS("10.0.0.9"),
    generic_trap=ASN1_INTEGER(3),
    time_stamp=ASN1_TIME_TICKS(1),
)


def snmp_message(version: int, pdu: object, community: bytes = b"private") -> bytes:
    return bytes(snmp.SNMP(version=ASN1_INTEGER(version), community=ASN1_STRING(community), PDU=pdu))


def version3(model: int, data: bytes, name: bytes = b"admin") -> bytes:
    header = b"".join(BERcodec_INTEGER.enc(n) for n in (1, 65507)) + BERcodec_STRING.enc(b"\4")
    header += BERcodec_INTEGER.enc(model)
    user = BERcodec_STRING.enc(b"engine") + BERcodec_INTEGER.enc(1) * 2 + BERcodec_STRING.enc(name)
    security = BERcodec_STRING.enc(BERcodec_SEQUENCE.enc(user))
    return BERcodec_SEQUENCE.enc(BERcodec_INTEGER.enc(3) + BERcodec_SEQUENCE.enc(header) + security + data)


@pytest.mark.parametrize(("sent", "version"), [(0, 1), (1, 2)])
def test_snmp_with_a_community(sent: int, version: int) -> None:
    (found,) = parse(SNMP, snmp_message(sent, QUESTION))
    assert values(SNMP, found, "snmp.community") == [b"private"]
    assert numbers(SNMP, found, "snmp.version") == [version]
    assert numbers(SNMP, found, "snmp.pdu_type") == [0]
    assert numbers(SNMP, found, "snmp.trap_type") == []
    assert values(SNMP, found, "snmp.usm") == []


def test_who_is_nobody_in_snmp_is_one_with_an_empty_name() -> None:
    (found,) = parse(SNMP, snmp_message(1, QUESTION, b""))
    assert values(SNMP, found, "snmp.community") == [b""]
    assert values(SNMP, found, "snmp.usm") == []
    (found,) = parse(SNMP, version3(3, BERcodec_STRING.enc(b"encrypted"), b""))
    assert values(SNMP, found, "snmp.usm") == [b""]
    assert values(SNMP, found, "snmp.community") == []


def test_an_snmp_trap() -> None:
    (found,) = parse(SNMP, snmp_message(0, TRAP))
    assert numbers(SNMP, found, "snmp.pdu_type") == [4]
    assert numbers(SNMP, found, "snmp.trap_type") == [3]
    assert values(SNMP, found, "snmp.trap_oid") == [b"1.3.6.1.4.1.8072"]
    assert values(SNMP, found, "snmp.trap_address") == [b"10.0.0.9"]


def test_snmp_of_version_3() -> None:
    (found,) = parse(SNMP, version3(3, BERcodec_STRING.enc(b"encrypted")))
    assert values(SNMP, found, "snmp.usm") == [b"admin"]
    assert numbers(SNMP, found, "snmp.version") == [3]
    assert numbers(SNMP, found, "snmp.pdu_type") == []
    scoped = BERcodec_SEQUENCE.enc(BERcodec_STRING.enc(b"") * 2 + bytes(QUESTION))
    (found,) = parse(SNMP, version3(3, scoped))
    assert numbers(SNMP, found, "snmp.pdu_type") == [0]


def test_events_of_snmp() -> None:
    found = parse(
        SNMP,
        snmp_message(0, QUESTION),
        snmp_message(1, QUESTION),
        version3(9, BERcodec_STRING.enc(b"x")),
        snmp_message(0, QUESTION)[:-2],
    )
    assert [list(one.events[SERVER]) for one in found] == [
        [],
        ["snmp.version_mismatch"],
        ["snmp.version_mismatch", "snmp.unknown_security_model"],
    ]
    assert [numbers(SNMP, one, "snmp.version") for one in found] == [[1]] * 3, "that of the flow"
    assert parse(SNMP, snmp_message(0, QUESTION)[:-2]) == []


def test_what_is_no_snmp() -> None:
    assert parse(SNMP, snmp_message(1, TRAP)) == [], "a PDU of version 1"
    assert parse(SNMP, snmp_message(0, snmp.SNMPbulk())) == [], "a PDU of version 2"
    assert parse(SNMP, snmp_message(0, QUESTION).replace(b"private", b"priv\xffte")) == []


# DHCP ------------------------------------------------------------------------------------------


def offer(*options: object, end: bool = True) -> bytes:
    head = dhcp.BOOTP(op=2, xid=7, yiaddr="10.0.0.5")
    return bytes(head / dhcp.DHCP(options=[*options, "end"] if end else list(options)))


def test_dhcp_times() -> None:
    data = offer("pad", ("lease_time", 3600), ("renewal_time", 1800), ("rebinding_time", 3000))
    (found,) = parse(DHCP, data)
    assert numbers(DHCP, found, "dhcp.leasetime") == [3600]
    assert numbers(DHCP, found, "dhcp.renewal_time") == [1800]
    assert numbers(DHCP, found, "dhcp.rebinding_time") == [3000]
    assert found.events[SERVER] == {}
    assert numbers(DHCP, parse(DHCP, offer())[0], "dhcp.leasetime") == []


def test_dhcp_options_that_are_wrong() -> None:
    (cut,) = parse(DHCP, offer(("lease_time", 3600), end=False))
    assert list(cut.events[SERVER]) == ["dhcp.truncated_options"]
    (wrong,) = parse(DHCP, offer((61, b"\1"), ("lease_time", 3600)))
    assert list(wrong.events[SERVER]) == ["dhcp.truncated_options"]
    assert numbers(DHCP, wrong, "dhcp.leasetime") == []
    (longer,) = parse(DHCP, offer((51, b"\0\0\0\1"), (58, b"\0\0\0\2\0\0")))
    assert numbers(DHCP, longer, "dhcp.renewal_time") == [2]  # and goes on behind its fourth byte
    assert parse(DHCP, offer()[:236]) == []


# NTP, TFTP -------------------------------------------------------------------------------------


def test_ntp() -> None:
    found, answer = parse(NTP, bytes(NTPHeader(version=4, mode=3)), bytes(NTPHeader(version=3, mode=4)))
    assert found.events[SERVER] == {}
    assert (answer.message.version, answer.message.mode) == (3, 4)
    for data in (b"\x23" + bytes(46), bytes(NTPHeader(version=2, mode=3))):
        assert parse(NTP, data) == []
        _, found = parse(NTP, bytes(NTPHeader(version=4, mode=3)), data)
        assert list(found.events[SERVER]) == ["ntp.malformed_data"]


def test_tftp() -> None:
    (found,) = parse(TFTP, b"\0\2boot.img\0OCTET\0blksize\x001428\0", b"\0\3\0\1data", b"\0\1x\0none\0")
    assert (found.message.packet, found.message.file, found.message.mode) == ("write", b"boot.img", b"octet")
    assert parse(TFTP, b"\0\1a\0octet\0", direction=CLIENT) == []
    assert parse(TFTP, b"\0\1a\0octet", b"\0\1\xff\0octet\0") == []


# mDNS ------------------------------------------------------------------------------------------


def test_mdns() -> None:
    service, host = "_ipp._tcp.local", "printer.local"
    response = dns.DNS(
        qr=1,
        an=[dns.DNSRR(rrname=service, type="PTR", rdata=host)],
        ar=[dns.DNSRR(rrname=host, rdata="10.0.0.3")],
    )
    question, answer = parse(MDNS, bytes(dns.DNS(qd=[dns.DNSQR(qname=service)])), bytes(response))
    assert values(MDNS, question, "mdns.queries.rrname") == [service.encode()]
    assert values(MDNS, question, "mdns.response.rrname") == []
    assert values(MDNS, answer, "mdns.answers.rrname") == [service.encode()]
    assert values(MDNS, answer, "mdns.additionals.rrname") == [host.encode()]
    assert values(MDNS, answer, "mdns.response.rrname")[-2:] == [host.encode()] * 2
    assert parse(MDNS, bytes(response)[:11]) == []
    probe = dns.DNS(qd=[dns.DNSQR(qname=host)], ns=[dns.DNSRR(rrname=host, rdata="10.0.0.3")])
    (probed,) = parse(MDNS, bytes(probe))
    assert values(MDNS, probed, "mdns.authorities.rrname") == []
    (cut,) = parse(MDNS, bytes(response)[:-3])
    assert list(cut.events[SERVER]) == ["mdns.invalid_additionals"]


# BitTorrent ------------------------------------------------------------------------------------

ID = b"2:id20:abcdefghij0123456789"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"d1:ad" + ID + b"e1:q4:ping1:t2:aa1:v4:UT011:y1:qe", b"q"),
        (b"d1:rd" + ID + b"6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re", b"r"),
        (b"d1:eli201e7:Generice1:t2:aa1:y1:ee", b"e"),
        (b"d1:ad" + ID + b"1:xlee1:q4:ping1:t2:aa1:y1:qe", b"q"),
    ],
)
def test_messages_of_bittorrent(data: bytes, kind: bytes) -> None:
    (found,) = parse(BITTORRENT_DHT, data)
    assert found.events[SERVER] == {}
    assert (found.message.kind, found.message.transaction) == (kind, b"aa")
    (cut,) = parse(BITTORRENT_DHT, data[:-1])
    assert list(cut.events[SERVER]) == ["bittorrent-dht.malformed_packet"]


def test_bittorrent_as_it_is_told() -> None:
    place = bytes.fromhex("20010db8000000000000000000000001") + b"\0\x50"
    (answer,) = parse(BITTORRENT_DHT, b"d1:rd" + ID + b"6:valuesl18:" + place + b"ee1:t2:aa1:y1:re")
    told = describe(answer)["bittorrent_dht"]["response"]
    assert told["values"] == [{"ip": "2001:0db8:0000:0000:0000:0000:0000:0001", "port": 80}]
    (error,) = parse(BITTORRENT_DHT, b"d1:el7:Generici201ee1:t2:aa1:y1:ee")
    assert describe(error)["bittorrent_dht"]["error"] == {"num": 201, "msg": "Generic"}


@pytest.mark.parametrize(
    "data",
    [
        b"d1:ad1:l" + b"l" * 40,
        b"d1:ade1:q4:ping1:t2:aa1:y1:qe",
        b"d1:adi1e1:ae",
        b"d1:ad" + ID + b"1:xllee" + b"e1:q4:ping1:t2:aa1:y1:qe",
        b"d1:ad" + ID + b"e1:q4:ping1:y1:q1:t2:aae",
        b"d1:ad" + ID + b"4:porti65536ee1:q4:ping1:t2:aa1:y1:qe",
        b"d1:ad" + ID + b"5:tokeni1ee1:q4:ping1:t2:aa1:y1:qe",
        b"d1:rd" + ID + b"6:valuesli1eee1:t2:aa1:y1:re",
        b"d1:ad" + ID + b"e1:rle1:t2:aa1:y1:qe",
        b"d1:eli65536e7:Generice1:t2:aa1:y1:ee",
        b"d1:eli201ee1:t2:aa1:y1:ee",
        b"d1:ad" + ID + b"e1:q4:ping1:t2:aa1:y1:xe",
    ],
)
def test_what_bittorrent_does_not_say(data: bytes) -> None:
    (found,) = parse(BITTORRENT_DHT, data)
    assert list(found.events[SERVER]) == ["bittorrent-dht.malformed_packet"]


# All of them -----------------------------------------------------------------------------------

GOOD = (
    snmp_message(0, TRAP),
    version3(3, BERcodec_STRING.enc(b"x")),
    offer(("lease_time", 3600)),
    b"\0\1a\0octet\0",
    b"d1:ad" + ID + b"e1:q4:ping1:t2:aa1:y1:qe",
)


@given(st.sampled_from(GOOD), st.binary(), st.integers(0, 300))
def test_nothing_raises(good: bytes, junk: bytes, at: int) -> None:
    for application in (SNMP, DHCP, NTP, TFTP, MDNS, BITTORRENT_DHT):
        for found in parse(application, junk, good[:at] + junk, good[:at] + junk + good[at + len(junk) :]):
            for buffer in application.buffers:
                values(application, found, buffer)


def test_rules_about_them_all(tmp_path: Path) -> None:
    def datagram(port: int, data: bytes) -> Packet:
        ends = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=40_000 + port, dport=port)
        return Ether() / ends / Raw(data)

    packets = [
        datagram(161, snmp_message(1, QUESTION)),
        datagram(67, offer(("lease_time", 3600))),
        datagram(5353, bytes(dns.DNS(qd=[dns.DNSQR(qname="printer.local")]))),
        datagram(88, kerberos_request()),
        datagram(69, b"\0\1boot.img\0octet\0"),
    ]
    rules = (
        'alert snmp any any -> any any (snmp.community; content:"private"; snmp.version:2;)',
        "alert dhcp any any -> any any (dhcp.leasetime:>3599;)",
        'alert udp any any -> any 5353 (mdns.queries.rrname; content:"printer";)',
        "alert krb5 any any -> any any (krb5_msg_type:10;)",
        'alert tftp any any -> any any (content:"boot.img";)',
        "alert snmp any any -> any any (snmp.pdu_type:set_request;)",
        'alert udp any any -> any any (frame:mdns.pdu; content:"printer";)',
    )
    assert sids(scan(tmp_path, packets, *rules)) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 7: 1}

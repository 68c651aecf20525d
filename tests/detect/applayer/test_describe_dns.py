"""What the log says of DNS messages."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers import dns as wire

from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.dns import DnsUdpOrTcp
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
HOST = "www.example.com"


def told(direction: int, message: wire.DNS) -> dict[str, Any]:
    (found,) = DnsUdpOrTcp().datagram(direction, bytes(message))
    body: dict[str, Any] = DESCRIPTIONS["dns"].describe(found)["dns"]
    return body


def answered(*records: wire.DNSRR, **sections: Any) -> dict[str, Any]:
    return told(CLIENT, wire.DNS(id=7, qr=1, qd=wire.DNSQR(qname=HOST), an=list(records), **sections))


SOA = wire.DNSRRSOA(
    rrname="example.com", ttl=60, mname="ns.example.com", rname="root.example.com", serial=1, refresh=2,
    retry=3, expire=4, minimum=5,
)  # fmt: skip
SOA_FIELDS = {
    "mname": "ns.example.com", "rname": "root.example.com", "serial": 1, "refresh": 2, "retry": 3,
    "expire": 4, "minimum": 5,
}  # fmt: skip


def test_an_address_of_ipv6_is_written_in_full() -> None:
    found = answered(wire.DNSRR(rrname=HOST, type="AAAA", ttl=9, rdata="2001:db8::1"))
    full = "2001:0db8:0000:0000:0000:0000:0000:0001"
    assert found["answers"] == [{"rrname": HOST, "rrtype": "AAAA", "ttl": 9, "rdata": full}]
    assert found["grouped"] == {"AAAA": [full]}


def test_each_string_of_a_text_is_an_answer() -> None:
    found = answered(wire.DNSRR(rrname=HOST, type="TXT", ttl=9, rdata=[b"one", b"two"]))
    assert [one["rdata"] for one in found["answers"]] == ["one", "two"]
    assert found["grouped"] == {"TXT": ["one", "two"]}


def test_the_start_of_an_authority_is_told() -> None:
    found = answered(SOA, ns=[SOA])
    assert found["answers"][0]["soa"] == found["authorities"][0]["soa"] == SOA_FIELDS
    assert found["grouped"] == {"SOA": [SOA_FIELDS]}
    assert "rdata" not in found["answers"][0]


def test_a_service_is_told() -> None:
    found = answered(wire.DNSRRSRV(rrname=HOST, ttl=9, priority=1, weight=2, port=3, target="a.example.com"))
    service = {"priority": 1, "weight": 2, "port": 3, "name": "a.example.com"}
    assert (found["answers"][0]["srv"], found["grouped"]) == (service, {"SRV": [service]})


def test_a_null_record_is_told_as_it_is() -> None:
    found = answered(wire.DNSRR(rrname=HOST, type="NULL", ttl=9, rdata=b"tunnel\xff"))
    assert found["grouped"] == {"NULL": ["tunnel\\xff"]}


def test_a_request_tells_its_options() -> None:
    cookie = wire.DNSRROPT(rdata=[wire.EDNS0TLV(optcode=10, optdata=b"12345678")])
    found = told(SERVER, wire.DNS(qd=wire.DNSQR(qname=HOST), ar=[cookie]))
    assert found["type"] == "request"
    assert found["additionals"][0]["opt"] == [{"code": 10, "data": "3132333435363738"}]


def test_options_that_are_none_are_no_additional_record() -> None:
    address = wire.DNSRR(rrname=HOST, ttl=9, rdata="10.0.0.1")
    found = answered(address, ar=[wire.DNSRROPT(), address])
    assert [one["rrtype"] for one in found["additionals"]] == ["A"]


@pytest.mark.parametrize(
    ("kind", "word"), [(37, "CERT"), (17, "RP"), (65, "HTTPS"), (257, "CAA"), (4000, "4000")]
)
def test_types_have_their_names(kind: int, word: str) -> None:
    found = told(SERVER, wire.DNS(qd=wire.DNSQR(qname=HOST, qtype=kind)))
    assert found["queries"] == [{"rrname": HOST, "rrtype": word}]


def test_what_asks_nothing_has_no_questions() -> None:
    assert "queries" not in told(CLIENT, wire.DNS(qr=1, rcode=5, qd=[]))


def test_the_root_has_an_empty_name() -> None:
    found = answered(wire.DNSRR(rrname=".", type="NS", ttl=0, rdata="a.root-servers.net"))
    assert found["answers"] == [{"rrname": "", "rrtype": "NS", "ttl": 0, "rdata": "a.root-servers.net"}]

"""Cases of rules/recon.yaml."""

from __future__ import annotations

from tests.cases.build import Case, get, icmp_sent, pinged, probed, said, sent
from vpi_tui.capture.demo import payloads as p


def _dns_tcp(kind: bytes) -> bytes:
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04prod\x07example\x00" + kind + b"\x00\x01"
    return len(question).to_bytes(2, "big") + question


def _snmp(community: bytes) -> bytes:
    pdu = bytes.fromhex("a01902040102030402010002010030 0b300906052b06010201 0500".replace(" ", ""))
    body = b"\x02\x01\x01\x04" + bytes([len(community)]) + community + pdu
    return b"\x30" + bytes([len(body)]) + body


CASES = {
    9000100: Case(lambda: probed(range(7000, 7035)), lambda: probed([443, 80, 5432, 8080] * 15, answer=18)),
    9000101: Case(lambda: probed(range(7000, 7030)), lambda: probed(range(7000, 7010))),
    9000102: Case(
        lambda: icmp_sent(3, 3, 24, payload=b"E" * 28), lambda: icmp_sent(3, 1, 24, payload=b"E" * 28)
    ),
    9000103: Case(lambda: probed([445] * 44), lambda: probed([445] * 20)),
    9000104: Case(lambda: probed([3389] * 24), lambda: probed([3389] * 5)),
    9000105: Case(lambda: probed([80, 81], flags=0), lambda: probed([80, 81])),
    9000106: Case(lambda: probed([80, 81], flags=0x29), lambda: said(80, b"hello")),
    9000107: Case(lambda: probed(range(80, 88), flags=1), lambda: said(80, b"hello", 8)),
    9000108: Case(lambda: probed([80], flags=3), lambda: said(80, b"hello")),
    9000109: Case(lambda: pinged(60), lambda: pinged(30, gap=1.0)),
    9000110: Case(lambda: icmp_sent(13, 0, payload=b"\0" * 12), lambda: icmp_sent(8, 0, payload=b"\0" * 12)),
    9000111: Case(lambda: icmp_sent(8, 9, payload=b"\0" * 120), lambda: icmp_sent(8, 0, payload=b"\0" * 120)),
    9000112: Case(lambda: sent(40125, b"C" * 300), lambda: sent(40125, b"C" * 299)),
    9000113: Case(
        lambda: said(
            80,
            get("/", agent="Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"),
        ),
        lambda: said(80, get("/docs/nmap-scripting")),
    ),
    9000114: Case(lambda: said(80, get("/", agent="masscan/1.3")), lambda: said(80, get("/masscan/"))),
    9000115: Case(lambda: sent(161, _snmp(b"public"), 12), lambda: sent(161, _snmp(b"s3cret"), 12)),
    9000116: Case(
        lambda: sent(53, p.dns_question("version.bind", "TXT")),
        lambda: sent(53, p.dns_question("version.example", "TXT")),
    ),
    9000117: Case(lambda: said(53, _dns_tcp(b"\x00\xfc")), lambda: said(53, _dns_tcp(b"\x00\x01"))),
}

"""dns: the question, the answer's records, grouped and in full (version 3 of the log's format)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.dns import DnsTransaction, Message, Record

VERSION: Final = 3
MOST_LISTED: Final = 64
"""Records of one section that are written."""
TYPES: Final = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT",
    28: "AAAA", 33: "SRV", 35: "NAPTR", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG",
    47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY",
    250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 257: "CAA",
}  # fmt: skip
RCODES: Final = (
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
    "NOTAUTH", "NOTZONE",
)  # fmt: skip
_FLAGS: Final = {"aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "z": 0x0040}
_GROUPED: Final = frozenset(("A", "AAAA", "CNAME", "MX", "NS", "NULL", "PTR", "TXT"))


def describe(transaction: DnsTransaction) -> dict[str, Any]:
    message = transaction.message
    body: dict[str, Any] = {
        "version": VERSION,
        "type": "response" if message.is_response else "request",
        "tx_id": max(0, transaction.number),
        "id": message.id,
        "flags": f"{message.flags:x}",
        "opcode": message.opcode,
        "rcode": _rcode(message.rcode),
        **{name: True for name, bit in _FLAGS.items() if message.flags & bit},
    }
    if message.is_response:
        body["qr"] = True
    body["queries"] = [
        {"rrname": text(question.name), "rrtype": _type(question.kind)}
        for question in message.questions[:MOST_LISTED]
    ]
    return {"dns": {**body, **(_sections(message) if message.is_response else {})}}


def _sections(message: Message) -> dict[str, Any]:
    answers, authorities, additionals = (
        [_record(record) for record in section[:MOST_LISTED] if record.kind != 41]
        for section in message.sections
    )
    grouped: dict[str, list[str]] = {}
    for answer in answers:
        if answer["rrtype"] in _GROUPED and "rdata" in answer:
            grouped.setdefault(answer["rrtype"], []).append(answer["rdata"])
    return filled(answers=answers, authorities=authorities, additionals=additionals, grouped=grouped)


def _record(record: Record) -> dict[str, Any]:
    return filled(rrname=text(record.name), rrtype=_type(record.kind), ttl=record.ttl, rdata=_data(record))


def _data(record: Record) -> str:
    if record.kind == 1 and len(record.data) == 4:
        return str(IPv4Address(record.data))
    if record.kind == 28 and len(record.data) == 16:
        return str(IPv6Address(record.data))
    if record.kind in (16, 99):
        return text(_strings(record.data))
    return text(record.names[0]) if record.names and len(record.names) == 1 else ""


def _strings(data: bytes) -> bytes:
    """The character strings of a TXT record, joined."""
    found, at = bytearray(), 0
    while at < len(data):
        found += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return bytes(found)


def _type(kind: int) -> str:
    return TYPES.get(kind, str(kind))


def _rcode(code: int) -> str:
    return RCODES[code] if code < len(RCODES) else str(code)

"""dns: the question, the answer's records, grouped and in full (version 3 of the log's format)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.dns import DnsTransaction, Message, Record

VERSION: Final = 3
OPT: Final = 41
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
        {"rrname": text(question.name), "rrtype": rrtype(question.kind)}
        for question in message.questions[:MOST_LISTED]
    ]
    return {"dns": {**body, **(_sections(message) if message.is_response else {})}}


def _sections(message: Message) -> dict[str, Any]:
    answers, authorities = (
        [_record(record) for record in section[:MOST_LISTED] if record.kind != OPT]
        for section in message.sections[:2]
    )
    grouped: dict[str, list[Any]] = {}
    for answer in answers:
        kind = answer["rrtype"]
        value = answer.get("rdata") if kind in _GROUPED else answer.get(kind.lower())
        if value is not None:
            grouped.setdefault(kind, []).append(value)
    return filled(
        answers=answers,
        authorities=[_only(one, "soa") for one in authorities],
        additionals=[_additional(record) for record in message.sections[2][:MOST_LISTED]],
        grouped=grouped,
    )


def _record(record: Record) -> dict[str, Any]:
    structure = _STRUCTURES.get(record.kind)
    found = filled(rrname=text(record.name), rrtype=rrtype(record.kind), ttl=record.ttl, rdata=_data(record))
    if structure is not None and (parts := structure(record)):
        found[rrtype(record.kind).lower()] = parts
    return found


def _only(record: dict[str, Any], *structures: str) -> dict[str, Any]:
    """Without the structures that the log does not have there."""
    return {
        name: value for name, value in record.items() if name in structures or not isinstance(value, dict)
    }


def _additional(record: Record) -> dict[str, Any]:
    if record.kind != OPT:
        return _only(_record(record))
    options = _options(record.data)
    return {"rrname": text(record.name), "rrtype": "OPT", "ttl": record.ttl, **filled(opt=options)}


def _options(data: bytes) -> list[dict[str, Any]]:
    """Options of EDNS (RFC 6891, 6.1.2), as far as they go."""
    found: list[dict[str, Any]] = []
    at = 0
    while at + 4 <= len(data) and len(found) < MOST_LISTED:
        code, size = int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4])
        found.append({"code": code, "data": data[at + 4 : at + 4 + size].hex()})
        at += 4 + size
    return found


def _soa(record: Record) -> dict[str, Any]:
    """The names are put before five numbers of four bytes (RFC 1035, 3.3.13)."""
    if record.names is None or len(record.names) != 2 or len(record.data) < 22:
        return {}
    numbers = (
        int.from_bytes(record.data[at : at + 4]) for at in range(len(record.data) - 20, len(record.data), 4)
    )
    names = {"mname": text(record.names[0]), "rname": text(record.names[1])}
    return names | dict(zip(("serial", "refresh", "retry", "expire", "minimum"), numbers, strict=True))


def _srv(record: Record) -> dict[str, Any]:
    """RFC 2782."""
    if not record.names or len(record.data) < 7:
        return {}
    priority, weight, port = (int.from_bytes(record.data[at : at + 2]) for at in (0, 2, 4))
    return {"priority": priority, "weight": weight, "port": port, "name": text(record.names[0])}


def _sshfp(record: Record) -> dict[str, Any]:
    """RFC 4255."""
    if len(record.data) < 3:
        return {}
    return {"algo": record.data[0], "type": record.data[1], "fingerprint": record.data[2:].hex(":")}


_STRUCTURES: Final = {6: _soa, 33: _srv, 44: _sshfp}


def _data(record: Record) -> str:
    if record.kind == 1 and len(record.data) == 4:
        return str(IPv4Address(record.data))
    if record.kind == 28 and len(record.data) == 16:
        return str(IPv6Address(record.data))
    if record.kind in (16, 99):
        return text(b"".join(strings(record.data)))
    if record.kind in _STRUCTURES:
        return ""
    return text(record.names[0]) if record.names and len(record.names) == 1 else ""


def strings(data: bytes) -> list[bytes]:
    """The character strings of a TXT record."""
    found: list[bytes] = []
    at = 0
    while at < len(data) and len(found) < MOST_LISTED:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return found


def rrtype(kind: int) -> str:
    return TYPES.get(kind, str(kind))


def _rcode(code: int) -> str:
    return RCODES[code] if code < len(RCODES) else str(code)

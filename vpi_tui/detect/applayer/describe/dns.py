"""dns: the question, the answer's records, grouped and in full (version 3 of the log's format)."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.dns import DnsTransaction, Message, Record
from vpi_tui.detect.applayer.names import DNS_TYPES

VERSION: Final = 3
OPT: Final = 41
_NULL: Final = 10
_TEXTS: Final = (16, 99)
"""TXT and SPF: each of their strings is told by itself."""
TYPES: Final = {number: word.upper() for word, number in DNS_TYPES.items()} | {257: "CAA"}
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
    queries = [
        {"rrname": text(question.name), "rrtype": rrtype(question.kind)}
        for question in message.questions[:MOST_LISTED]
    ]
    return {"dns": {**body, **filled(queries=queries), **_sections(message)}}


def _sections(message: Message) -> dict[str, Any]:
    if not any(message.sections):  # a question
        return {}
    answers, authorities, additionals = (
        [told for record in section[:MOST_LISTED] for told in _told(record)][:MOST_LISTED]
        for section in message.sections
    )
    grouped: dict[str, list[Any]] = {}
    for answer in answers:
        kind = answer["rrtype"]
        value = answer.get("rdata") if kind in _GROUPED else answer.get(kind.lower())
        if value is not None:
            grouped.setdefault(kind, []).append(value)
    return filled(
        answers=[_only(one, "soa", "srv", "sshfp") for one in answers],
        authorities=[_only(one, "soa") for one in authorities],
        additionals=[_only(one, "opt") for one in additionals if one["rrtype"] != "OPT" or "opt" in one],
        grouped=grouped,
    )


def _told(record: Record) -> list[dict[str, Any]]:
    """What is said of a record, once for each text that it has."""
    head = {"rrname": text(record.name), "rrtype": rrtype(record.kind), "ttl": record.ttl}
    if record.kind in _TEXTS:
        return [head | filled(rdata=one) for one in strings(record.data)]
    structure = _STRUCTURES.get(record.kind)
    parts = structure(record) if structure is not None else None
    return [head | filled(**{rrtype(record.kind).lower(): parts} if parts else {"rdata": _data(record)})]


def _only(told: dict[str, Any], *structures: str) -> dict[str, Any]:
    """Without the structures that the log does not have there."""
    return {
        name: value
        for name, value in told.items()
        if name in structures or not isinstance(value, dict | list)
    }


def _options(record: Record) -> list[dict[str, Any]]:
    """Options of EDNS (RFC 6891, 6.1.2), as far as they go."""
    data = record.data
    found: list[dict[str, Any]] = []
    at = 0
    while at + 4 <= len(data) and len(found) < MOST_LISTED:
        code, size = int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4])
        found.append({"code": code, "data": data[at + 4 : at + 4 + size].hex()})
        at += 4 + size
    return found


def _soa(record: Record) -> dict[str, Any]:
    """The names are put before five numbers of four bytes (RFC 1035, 3.3.13)."""
    names = (*record.names, *record.others)
    if len(names) != 2 or len(record.data) < 22:
        return {}
    numbers = (
        int.from_bytes(record.data[at : at + 4]) for at in range(len(record.data) - 20, len(record.data), 4)
    )
    hosts = {"mname": text(names[0]), "rname": text(names[1])}
    return hosts | dict(zip(("serial", "refresh", "retry", "expire", "minimum"), numbers, strict=True))


def _srv(record: Record) -> dict[str, Any]:
    """RFC 2782."""
    if not record.others or len(record.data) < 7:
        return {}
    priority, weight, port = (int.from_bytes(record.data[at : at + 2]) for at in (0, 2, 4))
    return {"priority": priority, "weight": weight, "port": port, "name": text(record.others[0])}


def _sshfp(record: Record) -> dict[str, Any]:
    """RFC 4255."""
    if len(record.data) < 3:
        return {}
    return {"algo": record.data[0], "type": record.data[1], "fingerprint": record.data[2:].hex(":")}


_STRUCTURES: Final[dict[int, Callable[[Record], dict[str, Any] | list[dict[str, Any]]]]] = {
    6: _soa, 33: _srv, OPT: _options, 44: _sshfp,
}  # fmt: skip


def _data(record: Record) -> str:
    if record.kind == 1 and len(record.data) == 4:
        return str(IPv4Address(record.data))
    if record.kind == 28 and len(record.data) == 16:
        return IPv6Address(record.data).exploded
    if record.kind == _NULL:
        return text(record.data)
    return text(record.names[0]) if len(record.names) == 1 else ""


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

"""Names that a host answers to: mDNS (RFC 6762), LLMNR (RFC 4795), NetBIOS name service (RFC 1002).

They share the format of the DNS (RFC 1035). Only a name that the sender binds to its own address counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from vpi_tui.inventory.wire.reader import MalformedError, Sender, name_of

_HEADER = 12
_COUNTS = struct.Struct("!5H")
"""Of the header, behind the number of the message: flags, and how many records of each kind there are."""
_RESPONSE, _OPCODE = 0x8000, 0x7800
_A, _AAAA, _NB = 1, 28, 32
_REGISTRATIONS = frozenset([5, 6, 8, 9])
"""Opcodes of NBNS by which a host claims a name or keeps it."""
_GROUP = 0x8000
"""Flag of a NetBIOS name that many have."""
_NETBIOS_BYTES, _NETBIOS_NAME = 32, 15
_NAMES_A_HOST = frozenset([0x00, 0x20])
"""Suffixes of NetBIOS names that are a host's: workstation and file server."""
MAX_RECORDS = 32
MAX_LABELS = 32
MAX_POINTERS = 8


class _Record(NamedTuple):
    name: list[bytes]
    kind: int
    data: bytes


def answered_name(data: bytes, sender: Sender) -> str:
    """Of mDNS and LLMNR: the name of an address record that is the sender's own."""
    flags, records = _read(data)
    if not flags & _RESPONSE:
        return ""
    for record in records:
        if record.kind in (_A, _AAAA) and record.data == sender.ip:
            labels = record.name[:-1] if record.name[-1:] == [b"local"] else record.name
            return name_of(b".".join(labels))
    return ""


def netbios_name(data: bytes, sender: Sender) -> str:
    """Of NBNS: the name that the sender claims, or answers for."""
    flags, records = _read(data)
    if not flags & _RESPONSE and (flags & _OPCODE) >> 11 not in _REGISTRATIONS:
        return ""
    for record in records:
        bindings = [record.data[at : at + 6] for at in range(0, len(record.data) - 5, 6)]
        own = [one for one in bindings[:MAX_RECORDS] if one[2:] == sender.ip]
        if record.kind == _NB and own and not int.from_bytes(own[0][:2], "big") & _GROUP:
            return _decoded(record.name[0] if record.name else b"")
    return ""


def _decoded(label: bytes) -> str:
    """A NetBIOS name: two letters a byte, blanks at the end, the last byte tells what it is for."""
    if len(label) != _NETBIOS_BYTES or not all(0x41 <= letter < 0x51 for letter in label):
        return ""
    name = bytes((label[at] - 0x41) << 4 | label[at + 1] - 0x41 for at in range(0, _NETBIOS_BYTES, 2))
    return name_of(name[:_NETBIOS_NAME]) if name[_NETBIOS_NAME] in _NAMES_A_HOST else ""


def _read(data: bytes) -> tuple[int, Iterator[_Record]]:
    """Flags, and the records behind the questions, at most MAX_RECORDS. Raises MalformedError."""
    if len(data) < _HEADER:
        raise MalformedError
    flags, questions, *counts = _COUNTS.unpack_from(data, 2)
    return flags, _records(data, min(questions, MAX_RECORDS), min(sum(counts), MAX_RECORDS))


def _records(data: bytes, questions: int, count: int) -> Iterator[_Record]:
    at = _HEADER
    for _ in range(questions):
        at = _name(data, at)[1] + 4
    for _ in range(count):
        name, at = _name(data, at)
        if at + 10 > len(data):
            raise MalformedError
        kind, length = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 8 : at + 10], "big")
        at += 10
        if at + length > len(data):
            raise MalformedError
        yield _Record(name, kind, data[at : at + length])
        at += length


def _name(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The labels of a name, and where what follows it begins. Pointers lead backwards only."""
    labels: list[bytes] = []
    behind = -1
    for _ in range(MAX_LABELS + MAX_POINTERS):
        if at >= len(data):
            raise MalformedError
        size = data[at]
        if size == 0:
            return labels, behind if behind >= 0 else at + 1
        if size & 0xC0 == 0xC0:
            target = int.from_bytes(data[at : at + 2], "big") & 0x3FFF
            behind = behind if behind >= 0 else at + 2
            if target >= at:
                raise MalformedError
            at = target
            continue
        if size & 0xC0 or at + 1 + size > len(data):
            raise MalformedError
        labels.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    raise MalformedError

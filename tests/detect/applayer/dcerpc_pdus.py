"""DCE/RPC messages for tests, made by hand."""

from __future__ import annotations

import struct
import uuid

SYNTAX = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860")
SVCCTL = uuid.UUID("367abb81-9844-35f1-ad32-98f038001003")
EPM = uuid.UUID("e1af8308-5d1f-11c9-91a4-08002b14a0fa")
WHOLE, FIRST, MIDDLE, LAST = 3, 1, 0, 2


def order(little: bool) -> str:
    return "<" if little else ">"


def uuid_bytes(found: uuid.UUID, little: bool) -> bytes:
    return found.bytes_le if little else found.bytes


def pdu(
    kind: int, body: bytes, *, flags: int = WHOLE, call: int = 1, little: bool = True, auth: bytes = b""
) -> bytes:
    trailer = struct.pack("BBBBI", 10, 6, 0, 0, 0) + auth if auth else b""
    size = 16 + len(body) + len(trailer)
    head = struct.pack("BBBBBBBB", 5, 0, kind, flags, 0x10 if little else 0, 0, 0, 0)
    return head + struct.pack(order(little) + "HHI", size, len(auth), call) + body + trailer


def bind(
    *contexts: tuple[int, uuid.UUID, int],
    kind: int = 11,
    flags: int = WHOLE,
    call: int = 1,
    little: bool = True,
) -> bytes:
    """contexts: (number, interface, major version)"""
    body = struct.pack(order(little) + "HHI", 4280, 4280, 0) + bytes((len(contexts), 0, 0, 0))
    for number, interface, version in contexts:
        body += struct.pack(order(little) + "HBB", number, 1, 0) + uuid_bytes(interface, little)
        body += struct.pack(order(little) + "HH", version, 0)
        body += uuid_bytes(SYNTAX, little) + struct.pack(order(little) + "I", 2)
    return pdu(kind, body, flags=flags, call=call, little=little)


def bind_ack(
    *results: int, kind: int = 12, call: int = 1, little: bool = True, port: bytes = b"135\0"
) -> bytes:
    body = struct.pack(order(little) + "HHI", 4280, 4280, 1)
    body += struct.pack(order(little) + "H", len(port)) + port
    body += bytes(-len(body) % 4) + bytes((len(results), 0, 0, 0))
    for result in results:
        body += struct.pack(order(little) + "HH", result, 0) + uuid_bytes(SYNTAX, little)
        body += struct.pack(order(little) + "I", 2)
    return pdu(kind, body, call=call, little=little)


def request(
    opnum: int, stub: bytes, *, context: int = 0, flags: int = WHOLE, call: int = 2, little: bool = True,
    auth: bytes = b"",
) -> bytes:  # fmt: skip
    head = struct.pack(order(little) + "IHH", len(stub), context, opnum)
    head += bytes(16) if flags & 0x80 else b""
    return pdu(0, head + stub, flags=flags, call=call, little=little, auth=auth)


def response(
    stub: bytes, *, context: int = 0, flags: int = WHOLE, call: int = 2, little: bool = True
) -> bytes:
    head = struct.pack(order(little) + "IHBB", len(stub), context, 0, 0)
    return pdu(2, head + stub, flags=flags, call=call, little=little)


def datagram(
    kind: int, stub: bytes, *, opnum: int = 0, flags: int = 0, sequence: int = 0, little: bool = True,
    interface: uuid.UUID = EPM, version: int = 3,
) -> bytes:  # fmt: skip
    o = order(little)
    head = struct.pack("BBBBBBBB", 4, kind, flags, 0, 0x10 if little else 0, 0, 0, 0) + bytes(16)
    head += uuid_bytes(interface, little) + bytes(range(16))
    head += struct.pack(o + "IIIHHHHHBB", 0, version, sequence, opnum, 0xFFFF, 0xFFFF, len(stub), 0, 0, 0)
    return head + stub

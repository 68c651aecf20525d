"""SMB 2 messages, as far as a session needs them ([MS-SMB2] 2.2), over direct TCP (port 445)."""

from __future__ import annotations

import struct

NEGOTIATE, SESSION_SETUP, TREE_CONNECT, CREATE, CLOSE, READ, WRITE = 0, 1, 3, 5, 6, 8, 9
STATUS_MORE, STATUS_LOGON_FAILURE = 0xC0000016, 0xC000006D
_FILE = b"\x11" * 16


def message(command: int, number: int, body: bytes, *, reply: bool = False, status: int = 0) -> bytes:
    """A message with its 4-byte transport header."""
    header = struct.pack(
        "<4sHHIHHIIQIIQ16s",
        b"\xfeSMB",
        64,
        1,
        status,
        command,
        31,
        1 if reply else 0,
        0,
        number,
        0xFEFF,
        5 if command > TREE_CONNECT else 0,
        0x0000_4000_0000_0019 if command else 0,
        b"\0" * 16,
    )
    return struct.pack("!I", len(header) + len(body)) + header + body


def negotiate(reply: bool = False) -> bytes:
    if reply:
        body = struct.pack(
            "<HHHH16sIIIIQQHHI", 65, 1, 0x0302, 0, b"\x22" * 16, 7, 1 << 20, 1 << 20, 1 << 20, 0, 0, 128, 0, 0
        )
    else:
        body = struct.pack("<HHHHI16sQ", 36, 2, 1, 0, 7, b"\x33" * 16, 0) + struct.pack("<HH", 0x0210, 0x0302)
    return message(NEGOTIATE, 0, body, reply=reply)


def session_setup(number: int, token: bytes, *, reply: bool = False, status: int = 0) -> bytes:
    if reply:
        body = struct.pack("<HHHH", 9, 0, 72, len(token)) + token
    else:
        body = struct.pack("<HBBIIHHQ", 25, 0, 1, 1, 0, 88, len(token), 0) + token
    return message(SESSION_SETUP, number, body, reply=reply, status=status)


def ntlm(kind: int, user: str = "Administrator") -> bytes:
    """An NTLMSSP message of type 1, 2 or 3, shortened to what is read in passing."""
    name = user.encode("utf-16-le") if kind == 3 else b""
    return b"NTLMSSP\0" + struct.pack("<I", kind) + b"\x97\x82\x08\xe2" + b"\0" * 32 + name


def tree_connect(number: int, share: str) -> bytes:
    path = share.encode("utf-16-le")
    return message(TREE_CONNECT, number, struct.pack("<HHHH", 9, 0, 72, len(path)) + path)


def tree_connected(number: int) -> bytes:
    return message(TREE_CONNECT, number, struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0x1F01FF), reply=True)


def create(number: int, name: str) -> bytes:
    path = name.encode("utf-16-le")
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x12019F, 0, 7, 1, 0x40, 120, len(path), 0, 0)
    return message(CREATE, number, body + path)


def created(number: int) -> bytes:
    body = struct.pack("<HBBIQQQQQQII", 89, 0, 0, 1, 0, 0, 0, 0, 4096, 4096, 0x80, 0) + _FILE + b"\0" * 8
    return message(CREATE, number, body, reply=True)


def read(number: int, length: int) -> bytes:
    return message(
        READ, number, struct.pack("<HBBIQ16sIIIHH", 49, 80, 0, length, 0, _FILE, 0, 0, 0, 0, 0) + b"\0"
    )


def read_done(number: int, data: bytes) -> bytes:
    return message(READ, number, struct.pack("<HBBIII", 17, 80, 0, len(data), 0, 0) + data, reply=True)


def write(number: int, data: bytes) -> bytes:
    return message(
        WRITE, number, struct.pack("<HHIQ16sIIHHI", 49, 112, len(data), 0, _FILE, 0, 0, 0, 0, 0) + data
    )


def written(number: int, length: int) -> bytes:
    return message(WRITE, number, struct.pack("<HHIIHH", 17, 0, length, 0, 0, 0), reply=True)


def close(number: int, *, reply: bool = False) -> bytes:
    body = struct.pack("<HH", 60, 0) + b"\0" * 56 if reply else struct.pack("<HHI", 24, 0, 0) + _FILE
    return message(CLOSE, number, body, reply=reply)


def dcerpc_bind(uuid: bytes) -> bytes:
    """A DCE/RPC bind for one interface (C706, 12.6.4.3); uuid: 16 bytes as on the wire."""
    item = struct.pack("<HBB", 0, 1, 0) + uuid + struct.pack("<I", 2)
    item += bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<I", 2)
    body = struct.pack("<HHIBBH", 4280, 4280, 0, 1, 0, 0) + item
    return struct.pack("<BBBBIHHI", 5, 0, 11, 3, 0x10, 16 + len(body), 0, 1) + body


SVCCTL = bytes.fromhex("81bb7a364498f135ad3298f038001003")
"""367abb81-9844-35f1-ad32-98f038001003, the service control manager ([MS-SCMR] 1.9)."""

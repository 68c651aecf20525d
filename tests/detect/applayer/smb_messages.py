"""SMB messages for tests, made by hand. Numbers are little-endian."""

from __future__ import annotations

import struct

OK, PENDING, DENIED, MORE = 0, 0x103, 0xC0000022, 0x80000005
FID = bytes(range(16))


def record(*messages: bytes) -> bytes:
    """One record; several messages of SMB 2 are a compound."""
    parts = []
    for message in messages[:-1]:
        padded = message + bytes(-len(message) % 8)
        parts.append(padded[:20] + struct.pack("<I", len(padded)) + padded[24:])
    data = b"".join((*parts, messages[-1]))
    return struct.pack("!I", len(data)) + data


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


# SMB 2 -------------------------------------------------------------------------------------------


def smb2(
    command: int, body: bytes, *, reply: bool = False, status: int = OK, message: int = 1, tree: int = 1,
    session: int = 7, related: bool = False,
) -> bytes:  # fmt: skip
    flags = reply | related << 2
    head = b"\xfeSMB" + struct.pack("<HHIHHII", 64, 1, status, command, 1, flags, 0)
    return head + struct.pack("<QIIQ", message, 0, tree, session) + bytes(16) + body


def negotiate2(*dialects: int, **more: int) -> bytes:
    body = struct.pack("<HHHHI", 36, len(dialects), 1, 0, 0) + bytes(range(16)) + bytes(8)
    return smb2(0, body + b"".join(struct.pack("<H", one) for one in dialects), **more)


def negotiated2(dialect: int, *, size: int = 1 << 20, **more: int) -> bytes:
    body = struct.pack("<HHHH", 65, 1, dialect, 0) + bytes(16) + struct.pack("<IIII", 0, size, size, size)
    return smb2(0, body + bytes(24), reply=True, **more)


def logon(domain: str, user: str, host: str) -> bytes:
    """NTLMSSP AUTHENTICATE in some blob."""
    names = [wide(one) for one in (domain, user, host)]
    at, fields, data = 72, b"", b""
    for name in (b"", b"", *names, bytes(16)):
        fields += struct.pack("<HHI", len(name), len(name), at + len(data))
        data += name
    head = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 0x02000000)
    return b"\x60\x40blob" + head + bytes((10, 0)) + struct.pack("<H", 19041) + bytes((0, 0, 0, 15)) + data


def session_setup2(blob: bytes, **more: int) -> bytes:
    return smb2(1, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(blob), 0) + blob, **more)


def tree_connect2(path: str, **more: int) -> bytes:
    name = wide(path)
    return smb2(3, struct.pack("<HHHH", 9, 0, 72, len(name)) + name, tree=0, **more)


def tree_connected2(kind: int, **more: int) -> bytes:
    return smb2(3, struct.pack("<HBBIII", 16, kind, 0, 0, 0, 0), reply=True, **more)


def create2(name: str, **more: int) -> bytes:
    raw = wide(name)
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x12019F, 0, 7, 1, 0, 120, len(raw), 0, 0)
    return smb2(5, body + raw, **more)


def created2(fid: bytes = FID, **more: int) -> bytes:
    body = struct.pack("<HBBI", 89, 0, 0, 1) + bytes(32) + struct.pack("<QQII", 0, 0, 0, 0) + fid + bytes(8)
    return smb2(5, body, reply=True, **more)


def write2(data: bytes, *, offset: int = 0, fid: bytes = FID, **more: int) -> bytes:
    body = struct.pack("<HHIQ", 49, 112, len(data), offset) + fid + bytes(16)
    return smb2(9, body + data, **more)


def read2(size: int, *, offset: int = 0, fid: bytes = FID, **more: int) -> bytes:
    return smb2(8, struct.pack("<HBBIQ", 49, 80, 0, size, offset) + fid + bytes(17), **more)


def was_read2(data: bytes, **more: int) -> bytes:
    return smb2(8, struct.pack("<HBBIII", 17, 80, 0, len(data), 0, 0) + data, reply=True, **more)


def transceive2(data: bytes, *, fid: bytes = FID, **more: int) -> bytes:
    body = (
        struct.pack("<HHI", 57, 0, 0x11C017)
        + fid
        + struct.pack("<IIIIIIII", 120, len(data), 0, 0, 0, 9, 1, 0)
    )
    return smb2(11, body + data, **more)


def transceived2(data: bytes, *, fid: bytes = FID, **more: int) -> bytes:
    body = struct.pack("<HHI", 49, 0, 0x11C017) + fid + struct.pack("<IIIIII", 112, 0, 112, len(data), 0, 0)
    return smb2(11, body + data, reply=True, **more)


def close2(fid: bytes = FID, **more: int) -> bytes:
    return smb2(6, struct.pack("<HHI", 24, 0, 0) + fid, **more)


# SMB 1 -------------------------------------------------------------------------------------------


def smb1(
    command: int, words: bytes, data: bytes, *, reply: bool = False, status: int = OK, mid: int = 1,
    tree: int = 1, user: int = 7, unicode: bool = True,
) -> bytes:  # fmt: skip
    head = b"\xffSMB" + struct.pack("<BIBH", command, status, 0x98 if reply else 0x18, 0x8000 * unicode)
    head += bytes(12) + struct.pack("<HHHH", tree, 1, user, mid)
    return head + bytes((len(words) // 2,)) + words + struct.pack("<H", len(data)) + data


ANDX = b"\xff\0\0\0"


def negotiate1(*dialects: bytes, **more: int) -> bytes:
    return smb1(0x72, b"", b"".join(b"\x02" + one + b"\0" for one in dialects), **more)


def negotiated1(index: int, **more: int) -> bytes:
    return smb1(0x72, struct.pack("<H", index) + bytes(32), bytes(range(16)), reply=True, **more)


def session_setup1(blob: bytes, **more: int) -> bytes:
    words = ANDX + bytes(10) + struct.pack("<H", len(blob)) + bytes(8)
    pad = b"\0" * ((32 + 1 + len(words) + 2 + len(blob)) % 2)
    return smb1(0x73, words, blob + pad + wide("Unix\0Samba\0"), **more)


def tree_connect1(path: str, service: bytes = b"?????", *, unicode: bool = True, **more: int) -> bytes:
    name = b"\0" * (43 % 2 ^ 0) + wide(path + "\0") if unicode else path.encode() + b"\0"
    words = ANDX + struct.pack("<HH", 0, 0 if unicode else 1)
    password = b"" if unicode else b"\0"
    return smb1(0x75, words, password + name + service + b"\0", tree=0, unicode=unicode, **more)


def tree_connected1(service: bytes, **more: int) -> bytes:
    return smb1(0x75, ANDX + bytes(2), service + b"\0" + wide("NTFS\0"), reply=True, **more)


def create1(name: str, **more: int) -> bytes:
    raw = wide(name)
    words = ANDX + struct.pack("<BHIIIQIIIIIB", 0, len(raw), 0, 0, 3, 0, 0, 7, 1, 0, 2, 0)
    return smb1(0xA2, words, b"\0" + raw, **more)


def created1(fid: int = 5, **more: int) -> bytes:
    return smb1(0xA2, ANDX + struct.pack("<BH", 0, fid) + bytes(61), b"", reply=True, **more)


def write1(data: bytes, *, offset: int = 0, fid: int = 5, **more: int) -> bytes:
    words = ANDX + struct.pack("<HIIHHHHHI", fid, offset, 0, 0, 0, 0, len(data), 64, 0)
    return smb1(0x2F, words, b"\0" + data, **more)


def read1(size: int, *, offset: int = 0, fid: int = 5, **more: int) -> bytes:
    return smb1(0x2E, ANDX + struct.pack("<HIHHIHI", fid, offset, size, 0, 0, 0, 0), b"", **more)


def was_read1(data: bytes, **more: int) -> bytes:
    words = ANDX + struct.pack("<HHHHH", 0, 0, 0, len(data), 60) + bytes(10)
    return smb1(0x2E, words, b"\0" + data, reply=True, **more)


def trans1(data: bytes, *, fid: int = 5, **more: int) -> bytes:
    name = b"\0" + wide("\\PIPE\\\0")
    at = 32 + 1 + 32 + 2 + len(name)
    words = struct.pack("<HHHHBBHIH", 0, len(data), 0, 1024, 0, 0, 0, 0, 0)
    words += struct.pack("<HHHHBBHH", 0, at, len(data), at, 2, 0, 0x26, fid)
    return smb1(0x25, words, name + data, **more)


def trans_response1(data: bytes, **more: int) -> bytes:
    words = struct.pack("<HHHHHHHHHBB", 0, len(data), 0, 0, 56, 0, len(data), 56, 0, 0, 0)
    return smb1(0x25, words, b"\0" + data, reply=True, **more)


def close1(fid: int = 5, **more: int) -> bytes:
    return smb1(0x04, struct.pack("<HI", fid, 0), b"", **more)

"""ClientHello and ServerHello (RFC 8446, 4.1), and the fingerprints that are made of them.

JA3 and JA3S: https://github.com/salesforce/ja3; JA4: https://github.com/FoxIO-LLC/ja4.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

SNI, GROUPS, POINT_FORMATS, SIGNATURES, ALPN, VERSIONS = 0, 10, 11, 13, 16, 43
_JA4_VERSIONS: Final = {
    0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
}  # fmt: skip


@dataclass(slots=True)
class Hello:
    """One hello, as far as it is whole."""

    version: int = 0
    random: bytes = b""
    ciphers: list[int] = field(default_factory=list)
    """Of a server: the one chosen."""
    extensions: list[tuple[int, bytes]] = field(default_factory=list)

    def extension(self, kind: int) -> bytes:
        return next((data for number, data in self.extensions if number == kind), b"")

    @property
    def sni(self) -> bytes:
        """RFC 6066, 3; b"" = none."""
        data = self.extension(SNI)
        return data[5 : 5 + int.from_bytes(data[3:5], "big")] if len(data) > 5 and data[2] == 0 else b""

    @property
    def alpn(self) -> list[bytes]:
        """RFC 7301."""
        data, found, at = self.extension(ALPN), [], 2
        while at < len(data):
            found.append(data[at + 1 : at + 1 + data[at]])
            at += 1 + data[at]
        return found

    @property
    def versions(self) -> list[int]:
        """Of the supported_versions extension."""
        data = self.extension(VERSIONS)
        return _pairs(data) if len(data) == 2 else _pairs(data[1:])


def _pairs(data: bytes) -> list[int]:
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data) - 1, 2)]


def parse_hello(data: bytes, *, of_client: bool) -> Hello:
    """data: the handshake message without its header."""
    hello = Hello(int.from_bytes(data[:2], "big"), data[2:34])
    at = 35 + data[34] if len(data) > 34 else len(data)
    if of_client:
        size = int.from_bytes(data[at : at + 2], "big")
        hello.ciphers = _pairs(data[at + 2 : at + 2 + size])
        at += 2 + size
        at += 1 + (data[at] if at < len(data) else 0)
    else:
        hello.ciphers = _pairs(data[at : at + 2])
        at += 3
    end = min(len(data), at + 2 + int.from_bytes(data[at : at + 2], "big"))
    at += 2
    while at + 4 <= end:
        kind, size = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        hello.extensions.append((kind, data[at + 4 : min(end, at + 4 + size)]))
        at += 4 + size
    return hello


def _is_grease(value: int) -> bool:
    """RFC 8701."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _without_grease(values: list[int]) -> list[int]:
    return [value for value in values if not _is_grease(value)]


def _dashed(values: list[int]) -> str:
    return "-".join(map(str, _without_grease(values)))


def ja3(hello: Hello) -> bytes:
    """The text whose MD5 is the JA3 of a client."""
    kinds = [kind for kind, _ in hello.extensions]
    groups, formats = _pairs(hello.extension(GROUPS)[2:]), list(hello.extension(POINT_FORMATS)[1:])
    parts = (_dashed(hello.ciphers), _dashed(kinds), _dashed(groups), "-".join(map(str, formats)))
    return f"{hello.version},{','.join(parts)}".encode()


def ja3s(hello: Hello) -> bytes:
    """The text whose MD5 is the JA3S of a server."""
    kinds = [kind for kind, _ in hello.extensions]
    return f"{hello.version},{_dashed(hello.ciphers)},{'-'.join(map(str, kinds))}".encode()


def ja4(hello: Hello, transport: str = "t") -> bytes:
    """JA4 of a client; transport: t for TCP, q for QUIC."""
    ciphers = _without_grease(hello.ciphers)
    kinds = _without_grease([kind for kind, _ in hello.extensions])
    version = max(_without_grease(hello.versions), default=hello.version)
    first = (hello.alpn or [b""])[0]
    head = (
        f"{transport}{_JA4_VERSIONS.get(version, '00')}{'d' if SNI in kinds else 'i'}"
        f"{min(len(ciphers), 99):02d}{min(len(kinds), 99):02d}{_ends(first)}"
    )
    sorted_kinds = sorted(f"{kind:04x}" for kind in kinds if kind not in (SNI, ALPN))
    signatures = [f"{value:04x}" for value in _pairs(hello.extension(SIGNATURES)[2:])]
    text = ",".join(sorted_kinds) + (f"_{','.join(signatures)}" if signatures else "")
    return f"{head}_{_short(','.join(sorted(f'{c:04x}' for c in ciphers)))}_{_short(text)}".encode()


def _ends(name: bytes) -> str:
    """First and last character of the first ALPN name; of its hexadecimal form when they are no letters."""
    if not name:
        return "00"
    text = name.decode("latin-1")
    ends = text[0] + text[-1]
    return ends if ends.isascii() and ends.isalnum() else name.hex()[0] + name.hex()[-1]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12

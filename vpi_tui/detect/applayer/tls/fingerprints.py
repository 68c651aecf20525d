"""JA3, JA3S (salesforce/ja3) and JA4 (FoxIO-LLC/ja4, TLS client) fingerprints of hellos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from vpi_tui.detect.applayer.tls.hello import (
    ALPN,
    GREASE,
    GROUPS,
    POINT_FORMATS,
    SIGNATURE_ALGORITHMS,
    SNI,
    Hello,
    numbers,
    offered_versions,
    preferred_version,
    protocols,
)

OVER_TCP, OVER_QUIC = "t", "q"
"""What JA4 calls the transports."""
_ANY_GREASE: Final = 0xFAFA
"""What an extension counts as over QUIC whose number only keeps others honest."""
_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}


def _real(values: Iterable[int]) -> list[int]:
    return [value for value in values if value not in GREASE]


def _dashed(values: Iterable[int], transport: str) -> str:
    """Without GREASE, but over QUIC, where Suricata leaves none out."""
    return "-".join(map(str, values if transport == OVER_QUIC else _real(values)))


def _kinds(hello: Hello, transport: str) -> list[int]:
    kinds = [kind for kind, _ in hello.extensions]
    return list(map(plain_kind, kinds)) if transport == OVER_QUIC else kinds


def plain_kind(kind: int) -> int:
    """What an extension counts as over QUIC: all GREASE is one."""
    return _ANY_GREASE if kind & 0x0F0F == 0x0A0A else kind


def ja3_string(hello: Hello, transport: str = OVER_TCP) -> bytes:
    """Of a ClientHello: version, ciphers, extensions, groups, point formats, decimal."""
    if not hello.ja3:
        hello.ja3 = _ja3_string(hello, transport)
    return hello.ja3


def _ja3_string(hello: Hello, transport: str) -> bytes:
    parts = (
        str(hello.version),
        _dashed(hello.ciphers, transport),
        _dashed(_kinds(hello, transport), transport),
        _dashed(numbers(hello.extension(GROUPS)[2:], 2), transport),
        "-".join(map(str, hello.extension(POINT_FORMATS)[1:])),
    )
    return ",".join(parts).encode("ascii")


def ja3s_string(hello: Hello, transport: str = OVER_TCP) -> bytes:
    """Of a ServerHello: version, chosen cipher, extensions."""
    if not hello.ja3:
        ciphers, kinds = (_dashed(one, transport) for one in (hello.ciphers, _kinds(hello, transport)))
        hello.ja3 = f"{hello.version},{ciphers},{kinds}".encode("ascii")
    return hello.ja3


def md5(text: bytes) -> bytes:
    """In hexadecimal, as rules write it."""
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode("ascii")


def ja4(hello: Hello, transport: str = OVER_TCP) -> bytes:
    """transport: t for TLS over TCP, q for QUIC.

    Where the standard leaves parts out that are empty, they are hashed, as in Suricata; as there the version
    is that which a client prefers, and over QUIC the highest that it offers.
    """
    over_quic = transport == OVER_QUIC
    version = max(offered_versions(hello), default=0) if over_quic else _highest(hello)
    ciphers = _real(hello.ciphers)
    kinds = _real(kind for kind, _ in hello.extensions)
    head = (
        transport
        + _VERSIONS.get(version, "00")
        + ("d" if hello.has(SNI) else "i")
        + f"{min(len(ciphers), 99):02}{min(len(kinds), 99):02}"
        + _ends(protocols(hello))
    )
    hashed = ",".join(sorted(f"{kind:04x}" for kind in kinds if kind not in (SNI, ALPN)))
    signatures = _real(numbers(hello.extension(SIGNATURE_ALGORITHMS)[2:], 2))
    hashed += "_" + ",".join(f"{one:04x}" for one in signatures)
    ciphers_hash = _short(",".join(sorted(f"{one:04x}" for one in ciphers)))
    return f"{head}_{ciphers_hash}_{_short(hashed)}".encode("ascii")


def _highest(hello: Hello) -> int:
    return max(hello.version, preferred_version(hello))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12]


def _ends(names: list[bytes]) -> str:
    """First and last character of the first ALPN name, of its hexadecimal form where they are no such."""
    name = next(filter(None, names), b"")
    if not name or (len(name) == 2 and int.from_bytes(name) in GREASE):
        return "00"
    if all(chr(one).isalnum() and one < 128 for one in (name[0], name[-1])):
        return chr(name[0]) + chr(name[-1])
    return name.hex()[0] + name.hex()[-1]

"""quic: version, who is asked for, and the fingerprints of the hello that a packet completed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.describe.tls_names import EXTENSIONS, version_name
from vpi_tui.detect.applayer.quic.transaction import QuicTransaction, cyu_hash
from vpi_tui.detect.applayer.tls import fingerprints
from vpi_tui.detect.applayer.tls.fingerprints import OVER_QUIC, plain_kind
from vpi_tui.detect.applayer.tls.hello import (
    ALPN,
    SIGNATURE_ALGORITHMS,
    SNI,
    SUPPORTED_VERSIONS,
    Hello,
    listed_versions,
    numbers,
    protocols,
    server_names,
)
from vpi_tui.model.batch import Direction

MOST_EXTENSIONS: Final = 64
MOST_VALUES: Final = 64
"""Values of one that are written."""
VERSIONS: Final = {
    int.from_bytes(code): code.decode() for code in (b"Q039", b"Q043", b"Q044", b"Q045", b"Q046")
} | {0x6B3343CF: "v2"}
"""Versions that have names; of others the number is written."""


def describe(transaction: QuicTransaction) -> dict[str, Any]:
    version = VERSIONS.get(transaction.version, f"{transaction.version:x}")
    hello = transaction.hello
    return {
        "quic": filled(
            version=version,
            sni=transaction.server_name,
            ua=transaction.agent,
            cyu=[{"hash": cyu_hash(one).decode(), "string": text(one)} for one in transaction.cyu],
            **(_hello(hello, transaction.direction) if hello is not None else {}),
        )
    }


def _hello(hello: Hello, direction: int) -> dict[str, Any]:
    client = direction == Direction.TO_SERVER
    text_of = fingerprints.ja3_string if client else fingerprints.ja3s_string
    string = text_of(hello, OVER_QUIC)
    fingerprint = {"hash": fingerprints.md5(string).decode(), "string": string.decode()}
    return {
        "ja3" if client else "ja3s": fingerprint,
        "ja4": fingerprints.ja4(hello, OVER_QUIC).decode() if client else "",
        "extensions": [_extension(hello, kind) for kind, _ in hello.extensions[:MOST_EXTENSIONS]],
    }


def _extension(hello: Hello, kind: int) -> dict[str, Any]:
    read = _VALUES.get(kind)
    values = read(hello)[:MOST_VALUES] if read is not None else []
    return filled(name=EXTENSIONS.get(kind), type=plain_kind(kind), values=values)


_VALUES: Final[dict[int, Callable[[Hello], list[str]]]] = {
    SNI: lambda hello: list(map(text, server_names(hello))),
    ALPN: lambda hello: list(map(text, protocols(hello))),
    SIGNATURE_ALGORITHMS: lambda hello: list(map(str, numbers(hello.extension(SIGNATURE_ALGORITHMS)[2:], 2))),
    SUPPORTED_VERSIONS: lambda hello: list(map(version_name, listed_versions(hello))),
}
"""Extensions whose values are told."""

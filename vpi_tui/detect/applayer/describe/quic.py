"""quic: version, who is asked for, and the fingerprints of the hello that a packet completed."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.quic.transaction import OVER_QUIC, QuicTransaction, cyu_hash
from vpi_tui.detect.applayer.tls import fingerprints
from vpi_tui.detect.applayer.tls.hello import ALPN, SNI, Hello, protocols, server_names
from vpi_tui.model.batch import Direction

MOST_EXTENSIONS: Final = 64
_NAMES: Final = {SNI: ("server_name", server_names), ALPN: ("alpn", protocols)}
_GOOGLE: Final = b"Q0"


def describe(transaction: QuicTransaction) -> dict[str, Any]:
    code = transaction.version.to_bytes(4)
    version = text(code) if code.startswith(_GOOGLE) else f"{transaction.version:x}"
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
    string = fingerprints.ja3_string(hello) if client else fingerprints.ja3s_string(hello)
    fingerprint = {"hash": fingerprints.md5(string).decode(), "string": string.decode()}
    return {
        "ja3" if client else "ja3s": fingerprint,
        "ja4": fingerprints.ja4(hello, OVER_QUIC).decode() if client else "",
        "extensions": [_extension(hello, kind) for kind, _ in hello.extensions[:MOST_EXTENSIONS]],
    }


def _extension(hello: Hello, kind: int) -> dict[str, Any]:
    name, read = _NAMES.get(kind, ("", None))
    values = [text(one) for one in read(hello)] if read is not None else []
    return filled(name=name, type=kind, values=values)

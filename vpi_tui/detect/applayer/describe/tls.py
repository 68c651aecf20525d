"""tls: who the server says it is, what was negotiated, the fingerprints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.tls import fingerprints
from vpi_tui.detect.applayer.tls.certificates import Certificate, fingerprint
from vpi_tui.detect.applayer.tls.hello import (
    GREASE,
    SESSION_TICKET,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    Hello,
    numbers,
    preferred_version,
    protocols,
    server_name,
)
from vpi_tui.detect.applayer.tls.transaction import Side, TlsTransaction
from vpi_tui.model.batch import Direction

VERSIONS: Final = {
    0x0002: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2",
    0x0304: "TLS 1.3", **{0x7F00 + number: f"TLS 1.3 draft-{number}" for number in range(16, 29)},
}  # fmt: skip
_TLS_1_2: Final = 0x0303
_VERSIONS_1_3: Final = frozenset((0x0304, *range(0x7F00, 0x8000)))
"""With the drafts."""
MOST_NAMES: Final = 64
"""Alternative names that are written."""
MOST_NUMBERS: Final = 256
"""Ciphers, extensions or algorithms that are written."""


def describe(transaction: TlsTransaction) -> dict[str, Any]:
    client, server = transaction.side[Direction.TO_SERVER], transaction.side[Direction.TO_CLIENT]
    own = _certificate(client)
    return {
        "tls": filled(
            **_certificate(server),
            session_resumed=True if _is_resumed(client, server) else None,
            version=_version(server.version) or "UNDETERMINED",
            **_client(client),
            **_server(server),
            client=own,
        )
    }


def is_told(transaction: TlsTransaction) -> bool:
    """As in Suricata the log tells of handshakes whose certificate was seen, or need not be seen."""
    client, server = transaction.side[Direction.TO_SERVER], transaction.side[Direction.TO_CLIENT]
    return bool(server.chain) or _may_go_on(client, server) or _hides_certificate(client, server)


def _is_resumed(client: Side, server: Side) -> bool:
    if server.hello is None or server.chain or _hides_certificate(client, server):
        return False
    return _may_go_on(client, server)


def _may_go_on(client: Side, server: Side) -> bool:
    """Does the client have a ticket, or want one, or a session that the server goes on with?"""
    asked, chosen = client.hello, server.hello
    if asked is None:
        return False
    goes_on = chosen is not None and bool(chosen.session) and chosen.session == asked.session
    return goes_on or asked.has(SESSION_TICKET)


def _hides_certificate(client: Side, server: Side) -> bool:
    """TLS 1.3 encrypts it. There the client's session is sent back whether it goes on or not."""
    chosen = server.hello
    if chosen is None:
        return False
    offers = client.hello is not None and client.hello.has(SUPPORTED_VERSIONS)
    return chosen.version in _VERSIONS_1_3 or (offers and server.version > _TLS_1_2)


def _client(side: Side) -> dict[str, Any]:
    hello = side.hello
    if hello is None:
        return {}
    string = fingerprints.ja3_string(hello)
    return filled(
        sni=server_name(hello),
        client_alpns=[text(name) for name in protocols(hello) if name],
        ja3={"hash": fingerprints.md5(string).decode(), "string": string.decode()},
        ja4=fingerprints.ja4(hello),
        client_handshake=filled(
            version=_version(max(hello.version, preferred_version(hello))),
            ciphers=_real(hello.ciphers),
            exts=_extensions(hello),
            sig_algs=_real(numbers(hello.extension(SIGNATURE_ALGORITHMS)[2:], 2)),
        ),
    )


def _server(side: Side) -> dict[str, Any]:
    hello = side.hello
    if hello is None:
        return {}
    string = fingerprints.ja3s_string(hello)
    return filled(
        server_alpns=[text(name) for name in protocols(hello) if name],
        ja3s={"hash": fingerprints.md5(string).decode(), "string": string.decode()},
        server_handshake=filled(
            version=_version(hello.version),
            cipher=next(iter(hello.ciphers), None),
            exts=_extensions(hello),
        ),
    )


def _certificate(side: Side) -> dict[str, Any]:
    own: Certificate | None = side.own
    if own is None:
        return {}
    return filled(
        subject=own.subject,
        issuerdn=own.issuer,
        serial=own.serial,
        fingerprint=fingerprint(side.chain[0]),
        notbefore=_date(own.not_before),
        notafter=_date(own.not_after),
        subjectaltname=[text(name) for name in own.alternative_names[:MOST_NAMES]],
    )


def _version(number: int) -> str:
    return VERSIONS.get(number, f"0x{number:04x}" if number else "")


def _extensions(hello: Hello) -> list[int]:
    return _real([kind for kind, _ in hello.extensions])


def _real(values: list[int]) -> list[int]:
    """Those that do not only keep others honest."""
    return [value for value in values if value not in GREASE][:MOST_NUMBERS]


def _date(seconds: int | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"

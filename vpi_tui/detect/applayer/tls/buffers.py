"""What rules see of a TLS handshake."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import BOTH, TO_CLIENT, TO_SERVER, Buffer, Stage
from vpi_tui.detect.applayer.tls.certificate import Certificate
from vpi_tui.detect.applayer.tls.hello import Hello, ja3, ja3s, ja4
from vpi_tui.detect.applayer.tls.parser import TlsTransaction


def _of_hello(name: str, directions: int, get: Callable[[Hello], bytes]) -> Buffer:
    def instances(transaction: TlsTransaction, direction: int) -> Sequence[bytes]:
        hello = transaction.hello[direction]
        value = get(hello) if hello is not None else b""
        return (value,) if value else ()

    return Buffer(name, directions, Stage.HEAD, instances)


def _alpn(transaction: TlsTransaction, direction: int) -> Sequence[bytes]:
    hello = transaction.hello[direction]
    return hello.alpn if hello is not None else ()


def _of_certificate(name: str, get: Callable[[Certificate], Iterable[bytes]]) -> Buffer:
    """Of the certificate itself, not of those that vouch for it."""

    def instances(transaction: TlsTransaction, direction: int) -> Sequence[bytes]:
        chain = transaction.certificates[direction]
        return [value for value in get(chain[0]) if value] if chain else ()

    return Buffer(name, BOTH, Stage.DONE, instances)


def _chain(transaction: TlsTransaction, direction: int) -> Sequence[bytes]:
    return [certificate.der for certificate in transaction.certificates[direction]]


def _chain_length(transaction: TlsTransaction, direction: int) -> Sequence[bytes]:
    chain = transaction.certificates[direction]
    return (bytes((len(chain),)),) if chain else ()


def _md5(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()


BUFFERS: Final = (
    _of_hello("tls.sni", TO_SERVER, lambda hello: hello.sni),
    _of_hello("tls.random", BOTH, lambda hello: hello.random),
    _of_hello("tls.random_time", BOTH, lambda hello: hello.random[:4]),
    _of_hello("tls.random_bytes", BOTH, lambda hello: hello.random[4:]),
    _of_hello("ja3.string", TO_SERVER, ja3),
    _of_hello("ja3.hash", TO_SERVER, lambda hello: _md5(ja3(hello))),
    _of_hello("ja3s.string", TO_CLIENT, ja3s),
    _of_hello("ja3s.hash", TO_CLIENT, lambda hello: _md5(ja3s(hello))),
    _of_hello("ja4.hash", TO_SERVER, ja4),
    Buffer("tls.alpn", BOTH, Stage.HEAD, _alpn),
    Buffer("tls.certs", BOTH, Stage.DONE, _chain),
    Buffer("tls.cert_chain_len", BOTH, Stage.DONE, _chain_length),
    _of_certificate("tls.cert_subject", lambda c: (c.subject,)),
    _of_certificate("tls.cert_issuer", lambda c: (c.issuer,)),
    _of_certificate("tls.cert_serial", lambda c: (c.serial,)),
    _of_certificate("tls.cert_fingerprint", lambda c: (c.fingerprint,)),
    _of_certificate("tls.subjectaltname", lambda c: c.alternative_names),
)

"""What rules see of a handshake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Buffer
from vpi_tui.detect.applayer.tls import fingerprints
from vpi_tui.detect.applayer.tls.certificates import Certificate, fingerprint
from vpi_tui.detect.applayer.tls.hello import Hello, protocols, server_name
from vpi_tui.detect.applayer.tls.transaction import Side, TlsTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _of_side(name: str, directions: int, stage: Stage, get: Callable[[Side], Sequence[bytes]]) -> Buffer:
    def instances(transaction: TlsTransaction, direction: int) -> Sequence[bytes]:
        return get(transaction.side[direction])

    return Buffer(name, directions, stage, instances)


def _of_hello(name: str, directions: int, get: Callable[[Hello], Sequence[bytes]]) -> Buffer:
    def instances(side: Side) -> Sequence[bytes]:
        return [value for value in get(side.hello) if value] if side.hello is not None else ()

    return _of_side(name, directions, Stage.HEAD, instances)


def _of_own(name: str, get: Callable[[Certificate], Sequence[bytes]], directions: int = BOTH) -> Buffer:
    def instances(side: Side) -> Sequence[bytes]:
        return [value for value in get(side.own) if value] if side.own is not None else ()

    return _of_side(name, directions, Stage.DONE, instances)


def _time(seconds: int | None) -> Sequence[bytes]:
    """As a number; times before 1970 count as that."""
    return () if seconds is None else (max(0, seconds).to_bytes(8),)


def _count(chain: Sequence[bytes]) -> Sequence[bytes]:
    """0 once it is known that none comes."""
    return (bytes((len(chain),)),)


# Without a sticky keyword of their own: tls.cert_notbefore, tls.cert_notafter, tls.cert_validity,
# tls.cert_chain_len and tls.version (numbers), tls.hello and tls.state (names of messages seen).
BUFFERS: Final = (
    _of_hello("tls.sni", TO_SERVER, lambda h: (server_name(h),)),
    _of_hello("tls.alpn", BOTH, protocols),
    _of_hello("tls.random", BOTH, lambda h: (h.random,)),
    _of_hello("tls.random_time", BOTH, lambda h: (h.random[:4],)),
    _of_hello("tls.random_bytes", BOTH, lambda h: (h.random[4:],)),
    _of_hello("ja3.string", TO_SERVER, lambda h: (fingerprints.ja3_string(h),)),
    _of_hello("ja3.hash", TO_SERVER, lambda h: (fingerprints.md5(fingerprints.ja3_string(h)),)),
    _of_hello("ja3s.string", TO_CLIENT, lambda h: (fingerprints.ja3s_string(h),)),
    _of_hello("ja3s.hash", TO_CLIENT, lambda h: (fingerprints.md5(fingerprints.ja3s_string(h)),)),
    _of_hello("ja4.hash", TO_SERVER, lambda h: (fingerprints.ja4(h),)),
    _of_own("tls.cert_subject", lambda c: (c.subject,)),
    _of_own("tls.cert_issuer", lambda c: (c.issuer,)),
    _of_own("tls.cert_serial", lambda c: (c.serial,)),
    _of_own("tls.subjectaltname", lambda c: c.alternative_names, TO_CLIENT),
    _of_own("tls.cert_notbefore", lambda c: _time(c.not_before), TO_CLIENT),
    _of_own("tls.cert_notafter", lambda c: _time(c.not_after), TO_CLIENT),
    _of_own("tls.cert_validity", lambda c: _time(c.not_after), TO_CLIENT),
    _of_side("tls.cert_fingerprint", BOTH, Stage.DONE, lambda s: [fingerprint(der) for der in s.chain[:1]]),
    _of_side("tls.certs", BOTH, Stage.DONE, lambda s: s.chain),
    _of_side("tls.cert_chain_len", TO_CLIENT, Stage.DONE, lambda s: _count(s.chain)),
    _of_side("tls.version", BOTH, Stage.HEAD, lambda s: (s.version.to_bytes(2),) if s.version else ()),
    _of_side("tls.hello", BOTH, Stage.HEAD, lambda s: [name for name in s.states if name.endswith(b"hello")]),
    _of_side("tls.state", BOTH, Stage.DONE, lambda s: list(s.states)),
)

"""What rules see of QUIC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Buffer
from vpi_tui.detect.applayer.quic.transaction import QuicTransaction, cyu_hash
from vpi_tui.detect.applayer.tls import fingerprints
from vpi_tui.detect.applayer.tls.fingerprints import OVER_QUIC, md5
from vpi_tui.detect.applayer.tls.hello import Hello
from vpi_tui.detect.applayer.transaction import Stage


def _buffer(name: str, directions: int, get: Callable[[QuicTransaction], Iterable[bytes]]) -> Buffer:
    def instances(transaction: QuicTransaction, direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction) if value] if direction == transaction.direction else ()

    return Buffer(name, directions, Stage.HEAD, instances)


def _of_hello(name: str, directions: int, get: Callable[[Hello], Iterable[bytes]]) -> Buffer:
    return _buffer(name, directions, lambda t: get(t.hello) if t.hello is not None else ())


def _ja3(hello: Hello) -> bytes:
    return fingerprints.ja3_string(hello, OVER_QUIC)


def _ja3s(hello: Hello) -> bytes:
    return fingerprints.ja3s_string(hello, OVER_QUIC)


BUFFERS: Final = (
    _buffer("quic.version", BOTH, lambda t: (t.version.to_bytes(4),)),
    _buffer("quic.sni", TO_SERVER, lambda t: (t.server_name,)),
    _buffer("quic.ua", TO_SERVER, lambda t: (t.agent,)),
    _buffer("quic.cyu.string", TO_SERVER, lambda t: t.cyu),
    _buffer("quic.cyu.hash", TO_SERVER, lambda t: map(cyu_hash, t.cyu)),
    _of_hello("ja3.string", TO_SERVER, lambda h: (_ja3(h),)),
    _of_hello("ja3.hash", TO_SERVER, lambda h: (md5(_ja3(h)),)),
    _of_hello("ja3s.string", TO_CLIENT, lambda h: (_ja3s(h),)),
    _of_hello("ja3s.hash", TO_CLIENT, lambda h: (md5(_ja3s(h)),)),
    _of_hello("ja4.hash", TO_SERVER, lambda h: (fingerprints.ja4(h, OVER_QUIC),)),
)

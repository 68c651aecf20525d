"""TLS: a hello of the ssl module, certificates made by hand, and bytes that are neither."""

from __future__ import annotations

import hashlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.base import Stage, Transaction
from vpi_tui.detect.applayer.tls import TLS, TlsParser
from vpi_tui.detect.applayer.tls.certificate import parse_certificate
from vpi_tui.detect.applayer.tls.hello import Hello, ja3, ja3s, ja4
from vpi_tui.detect.applayer.tls.parser import HANDSHAKE_LIMIT, RECORD_LIMIT
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def values(found: Transaction, name: str, direction: int) -> list[bytes]:
    return list(TLS.buffers[name].get(found, direction))


def client_hello() -> bytes:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="guest.example").do_handshake()
    return out.read()


HELLO = client_hello()


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_real_client(step: int) -> None:
    parser = TlsParser()
    moved = [t for at in range(0, len(HELLO), step) for t in parser.feed(SERVER, HELLO[at : at + step], 0)]
    (found,) = moved
    assert found.stage[SERVER] == Stage.HEAD
    assert values(found, "tls.sni", SERVER) == [b"guest.example"]
    assert values(found, "tls.alpn", SERVER) == [b"h2", b"http/1.1"]
    assert values(found, "tls.random", SERVER) == [HELLO[11:43]]
    (text,) = values(found, "ja3.string", SERVER)
    assert text.startswith(b"771,")
    assert values(found, "ja3.hash", SERVER) == [hashlib.md5(text).hexdigest().encode()]
    (fingerprint,) = values(found, "ja4.hash", SERVER)
    assert fingerprint.startswith(b"t13d")
    assert fingerprint.split(b"_")[0].endswith(b"h2")


def test_grease_is_left_out() -> None:
    hello = Hello(771, b"", [0x0A0A, 4865, 4866], [(0x1A1A, b""), (10, b"\0\4\x2a\x2a\0\x1d"), (11, b"\1\0")])
    assert ja3(hello) == b"771,4865-4866,10-11,29,0"
    assert ja3s(Hello(771, b"", [4865], [(43, b"\3\4"), (51, b"")])) == b"771,4865,43-51"
    assert ja4(hello).startswith(b"t12i020200_")


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes((len(body),)) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes((tag,)) + size + body


def name(*attributes: tuple[bytes, bytes]) -> bytes:
    made = [der(0x31, der(0x30, der(6, kind), der(0x0C, text))) for kind, text in attributes]
    return der(0x30, *made)


COUNTRY, ORGANISATION, COMMON = b"\x55\4\6", b"\x55\4\x0a", b"\x55\4\3"
ALT = der(0x30, der(6, b"\x55\x1d\x11"), der(4, der(0x30, der(0x82, b"a.example"), der(0x82, b"b.example"))))
VERSION, SERIAL, ANY = der(0xA0, der(2, b"\2")), der(2, b"\1\xab\xcd"), der(0x30)
ISSUER = name((COUNTRY, b"US"), (COMMON, b"R\0oot"))
SUBJECT = name((ORGANISATION, b"Example, Inc"), (COMMON, b"host"))
EXTENSIONS = der(0xA3, der(0x30, ALT))
CERTIFICATE = der(0x30, der(0x30, VERSION, SERIAL, ANY, ISSUER, ANY, SUBJECT, ANY, EXTENSIONS))


def test_a_certificate() -> None:
    found = parse_certificate(CERTIFICATE)
    assert found.issuer == b"C=US, CN=R\0oot"
    assert found.subject == b"O=Example, Inc, CN=host"
    assert found.serial == b"01:AB:CD"
    assert found.alternative_names == (b"a.example", b"b.example")
    assert found.fingerprint == hashlib.sha1(CERTIFICATE).digest().hex(":").encode()


def record(kind: int, body: bytes) -> bytes:
    return bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body


def test_a_server_cut_anywhere() -> None:
    size = len(CERTIFICATE).to_bytes(3, "big")
    chain = (size + CERTIFICATE) * 2
    message = len(chain).to_bytes(3, "big") + chain
    hello = b"\2\0\0\x26\3\3" + bytes(32) + b"\0\xc0\x2f\0"
    certificates = b"\x0b" + len(message).to_bytes(3, "big") + message
    stream = record(22, hello + certificates[:50]) + record(22, certificates[50:]) + record(23, b"secret")
    for at in range(0, len(stream), 5):
        parser = TlsParser()
        moved = {*parser.feed(CLIENT, stream[:at], 0), *parser.feed(CLIENT, stream[at:], 0)}
        (found,) = moved
        assert found.stage[CLIENT] == Stage.DONE
        assert values(found, "tls.cert_subject", CLIENT) == [b"O=Example, Inc, CN=host"]
        assert values(found, "tls.cert_chain_len", CLIENT) == [b"\2"]
        assert parser.held() == 0


@given(st.binary(max_size=400), st.integers(0, len(CERTIFICATE)))
def test_certificates_of_nonsense(data: bytes, at: int) -> None:
    parse_certificate(data)
    parse_certificate(CERTIFICATE[:at] + data)


pieces = st.one_of(
    st.just(HELLO), st.just(HELLO[:60]), st.binary(max_size=200), st.binary().map(lambda b: record(22, b))
)


@given(
    st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), pieces, st.sampled_from([0, 0, 9])), max_size=20)
)
def test_nothing_raises_and_nothing_grows(stream: list[tuple[int, bytes, int]]) -> None:
    parser = TlsParser()
    for direction, data, gap in stream:
        parser.feed(direction, data, gap)
        assert parser.held() <= 2 * (RECORD_LIMIT + HANDSHAKE_LIMIT)
    for found in parser.finish():
        for direction in (SERVER, CLIENT):
            for buffer in TLS.buffers:
                values(found, buffer, direction)

"""TLS: what rules see of real handshakes, hand-made hellos and certificates, however they are cut."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from tests.detect.applayer.conversations import memory_of
from vpi_tui.detect.applayer.ber import object_identifier
from vpi_tui.detect.applayer.tls import TLS
from vpi_tui.detect.applayer.tls.certificates import Certificate, certificate
from vpi_tui.detect.applayer.tls.fingerprints import ja3_string, ja3s_string, ja4
from vpi_tui.detect.applayer.tls.hello import client_hello, server_hello
from vpi_tui.detect.applayer.tls.parser import MESSAGE_LIMIT, TlsParser
from vpi_tui.detect.applayer.tls.records import RECORD_LIMIT
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Pieces = list[tuple[int, bytes]]
SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prüfstand"),
        x509.NameAttribute(NameOID.COMMON_NAME, "host.example"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@example"),
    ]
)
BEGIN, END = datetime(2020, 1, 2, tzinfo=UTC), datetime(2061, 3, 4, 5, 6, 7, tzinfo=UTC)


@cache
def made() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("host.example"), x509.DNSName("*.example"), x509.IPAddress(IPv4Address("10.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(SUBJECT)
        .issuer_name(x509.Name(list(SUBJECT)[:2]))
        .public_key(key.public_key())
        .serial_number(0x00F1_22_33)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return builder.sign(key, hashes.SHA256()), key


def der() -> bytes:
    return made()[0].public_bytes(serialization.Encoding.DER)


@cache
def handshake(version: ssl.TLSVersion) -> tuple[tuple[int, bytes], ...]:
    """The bytes of a real handshake and some data, by the ssl module."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as place:
        path = Path(place) / "chain.pem"
        path.write_bytes(
            made()[0].public_bytes(serialization.Encoding.PEM)
            + made()[1].private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        server_context.load_cert_chain(path)
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
    for context in (server_context, client_context):
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
    return tuple(_talk(server_context, client_context))


def _talk(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> Iterator[tuple[int, bytes]]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="Host.example")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side, out, into, direction in (
            (client, to_server, to_server, SERVER),
            (server, to_client, to_client, CLIENT),
        ):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            else:
                side.write(b"data of the application")
            data = out.read()
            if data:
                yield direction, data
                into.write(data)


def parsed(pieces: Pieces) -> Transaction:
    parser = TlsParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    (transaction,) = found
    return transaction


seen = partial(feeding.seen, TLS)


def test_a_real_handshake_of_tls_1_2() -> None:
    buffers = seen(parsed(list(handshake(ssl.TLSVersion.TLSv1_2))))
    assert buffers["tls.sni", SERVER] == [b"Host.example"]
    assert buffers["tls.alpn", SERVER] == [b"h2", b"http/1.1"]
    assert buffers["tls.alpn", CLIENT] == [b"h2"]
    assert buffers["tls.version", SERVER] == buffers["tls.version", CLIENT] == [b"\x03\x03"]
    assert buffers["tls.state", SERVER] == [b"client_hello", b"client_keyx"]
    assert buffers["tls.state", CLIENT] == [b"server_hello", b"server_keyx"]
    assert buffers["tls.cert_subject", CLIENT] == [
        "C=DE, O=Prüfstand, CN=host.example, emailAddress=a@example".encode()
    ]
    assert buffers["tls.cert_issuer", CLIENT] == ["C=DE, O=Prüfstand".encode()]
    assert buffers["tls.cert_serial", CLIENT] == [b"00:F1:22:33"]
    sha1 = made()[0].fingerprint(hashes.SHA1()).hex(":").encode()
    assert buffers["tls.cert_fingerprint", CLIENT] == [sha1]
    assert buffers["tls.certs", CLIENT] == [der()]
    assert buffers["tls.subjectaltname", CLIENT] == [b"host.example", b"*.example", b"[10, 0, 0, 1]"]
    assert ("tls.cert_subject", SERVER) not in buffers
    assert len(buffers["tls.random", CLIENT][0]) == 32


def test_tls_1_3_hides_the_certificate_and_tells_its_version() -> None:
    buffers = seen(parsed(list(handshake(ssl.TLSVersion.TLSv1_3))))
    assert buffers["tls.version", CLIENT] == buffers["tls.version", SERVER] == [b"\x03\x04"]
    assert buffers["ja4.hash", SERVER][0].startswith(b"t13d")
    assert ("tls.certs", CLIENT) not in buffers


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_cuts_change_nothing(version: ssl.TLSVersion) -> None:
    pieces = list(handshake(version))
    whole = seen(parsed(pieces))
    bytewise = [(direction, bytes([byte])) for direction, data in pieces for byte in data]
    assert seen(parsed(bytewise)) == whole
    for at in range(1, max(len(data) for _, data in pieces)):
        cut = [(d, part) for d, data in pieces for part in (data[:at], data[at:]) if part]
        assert seen(parsed(cut)) == whole


def test_messages_in_many_records_and_many_in_one() -> None:
    data = next(data for direction, data in handshake(ssl.TLSVersion.TLSv1_2) if direction == SERVER)
    body = data[5:]
    shattered = b"".join(b"\x16\x03\x01\0\x01" + bytes([byte]) for byte in body)
    found = seen(parsed([(SERVER, shattered)]))
    assert found.pop(("app-layer-event", SERVER)) == [b"tls.invalid_ssl_record"]
    assert found.pop(("app-layer-event", CLIENT)) == [b"tls.invalid_ssl_record"]
    assert found == seen(parsed([(SERVER, data)]))


def test_after_the_handshake_the_flow_is_passed_by() -> None:
    parser = TlsParser()
    for direction, data in handshake(ssl.TLSVersion.TLSv1_2):
        parser.feed(direction, data, 0)
    assert parser.over()
    kept = parser.held()
    assert parser.feed(SERVER, b"\x17\x03\x03\x01\0" * 1000, 0) == []
    assert parser.held() == kept


def test_what_a_hello_lists_is_weighed() -> None:
    parser = TlsParser()
    extensions = b"".join(extension(number, bytes(40)) for number in range(250))
    body = hello_body(list(range(0x1000, 0x7000)), extensions)
    whole = b"\1" + len(body).to_bytes(3) + body
    for at in range(0, len(whole), 16_000):
        parser.feed(SERVER, record(22, whole[at : at + 16_000]), 0)
    kept, _ = memory_of(parser)
    assert kept > len(body)
    assert kept / 2 < parser.held() < 2 * kept


def test_a_gap_ends_one_direction_only() -> None:
    parser = TlsParser()
    (moved,) = parser.feed(SERVER, b"x", 100)
    assert moved.stage[SERVER] == Stage.DONE
    assert not parser.over()
    (answer,) = [data for direction, data in handshake(ssl.TLSVersion.TLSv1_2) if direction == CLIENT][:1]
    parser.feed(CLIENT, answer, 0)
    assert seen(moved)["tls.cert_serial", CLIENT] == [b"00:F1:22:33"]


SSL2_HELLO = bytes.fromhex("802e0103010015000000100100800300800700c0000004000005") + bytes(22)


def test_a_hello_of_sslv2_that_offers_more() -> None:
    answer = next(data for direction, data in handshake(ssl.TLSVersion.TLSv1_2) if direction == CLIENT)
    buffers = seen(parsed([(SERVER, SSL2_HELLO), (CLIENT, answer)]))
    assert buffers["tls.version", SERVER] == [b"\x03\x01"]
    assert buffers["tls.cert_serial", CLIENT] == [b"00:F1:22:33"]


def test_sslv2_alone() -> None:
    server = (
        b"\x04\0\x01\0\x02" + len(der()).to_bytes(2) + b"\0\x03\0\x10" + der() + b"\x01\0\x80" + bytes(16)
    )
    hello = SSL2_HELLO[:3] + b"\0\x02" + SSL2_HELLO[5:]
    pieces = [(SERVER, hello), (CLIENT, (len(server) | 0x8000).to_bytes(2) + server)]
    buffers = seen(parsed(pieces))
    assert buffers["tls.version", SERVER] == buffers["tls.version", CLIENT] == [b"\0\x02"]
    assert buffers["tls.certs", CLIENT] == [der()]


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2) + len(data).to_bytes(2) + data


def hello_body(ciphers: list[int], extensions: bytes) -> bytes:
    listed = b"".join(one.to_bytes(2) for one in ciphers)
    return (
        b"\x03\x03" + bytes(32) + b"\0" + len(listed).to_bytes(2) + listed + b"\1\0"
        + len(extensions).to_bytes(2) + extensions
    )  # fmt: skip


def test_the_version_of_a_client_is_the_first_that_it_offers() -> None:
    offered = extension(43, b"\x06\x0a\x0a\x03\x04\x03\x03")
    for extensions, version in ((offered, b"\x03\x04"), (b"", b"\x03\x03")):
        found = parsed([(SERVER, message(1, hello_body([0x1301], extensions)))])
        assert seen(found)["tls.version", SERVER] == [version]


def test_fingerprints_leave_grease_out() -> None:
    extensions = (
        extension(0x0A0A, b"")
        + extension(0, b"\0\4\0\0\1h")
        + extension(10, b"\0\4\x1a\x1a\0\x1d")
        + extension(11, b"\2\0\1")
        + extension(13, b"\0\4\4\3\x08\4")
        + extension(16, b"\0\3\2h2")
        + extension(43, b"\4\x3a\x3a\3\4")
    )
    made_hello = client_hello(hello_body([0x2A2A, 0x1301, 0xC02F], extensions))
    assert ja3_string(made_hello) == b"771,4865-49199,0-10-11-13-16-43,29,0-1"
    ciphers = sha256(b"1301,c02f").hexdigest()[:12]
    rest = sha256(b"000a,000b,000d,002b_0403,0804").hexdigest()[:12]
    assert ja4(made_hello) == f"t13d0206h2_{ciphers}_{rest}".encode()
    body = b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + b"\0\6" + extension(43, b"\3\4")
    assert ja3s_string(server_hello(body)) == b"771,4865,43"


def test_of_a_fingerprint_the_version_is_the_preferred_one() -> None:
    offered = extension(43, b"\4\3\2\3\4")
    body = hello_body([0x1301], offered)
    assert ja4(client_hello(b"\3\1" + body[2:])).startswith(b"t11i0101")
    assert ja4(client_hello(body)).startswith(b"t12i0101")
    assert ja4(client_hello(body), "q").startswith(b"q13i0101")


def test_fingerprints_over_quic_keep_grease() -> None:
    groups, versions = extension(10, b"\0\4\x1a\x1a\0\x1d"), extension(43, b"\3\4")
    client = client_hello(hello_body([0x2A2A, 0x1301], extension(0x3A3A, b"") + groups))
    assert ja3_string(client, "q") == b"771,10794-4865,64250-10,6682-29,"
    body = b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + b"\0\x0a" + versions + extension(0x1A1A, b"")
    assert ja3s_string(server_hello(body), "q") == b"771,4865,43-64250"


@pytest.mark.parametrize(
    ("names", "ends"),
    [
        (b"\3\2h2", b"h2"),
        (b"\2\1x", b"xx"),
        (b"\3\2\x2a\x2a", b"00"),
        (b"\5\0\3\xabbc", b"a3"),
        (b"\1\0", b"00"),
    ],
)
def test_a_fingerprint_of_next_to_nothing(names: bytes, ends: bytes) -> None:
    made = client_hello(hello_body([], extension(16, b"\0" + names)))
    nothing, line = sha256(b"").hexdigest()[:12], sha256(b"_").hexdigest()[:12]
    assert ja4(made) == b"t12i0001" + ends + f"_{nothing}_{line}".encode()


def test_dates_are_read_as_the_library_reads_them() -> None:
    found = certificate(der())
    assert found.not_before == int(BEGIN.timestamp())
    assert found.not_after == int(END.timestamp())


def test_a_certificate_that_a_library_refuses_is_read_all_the_same() -> None:
    zero = der().replace(b"host.example", b"hos\0.example", 1)
    assert b"CN=hos\0.example" in certificate(zero).subject + certificate(zero).alternative_names[0]
    cut = certificate(der()[:4] + der()[4:120])
    assert cut == Certificate()


@given(st.binary(max_size=300))
def test_no_certificate_raises(data: bytes) -> None:
    certificate(data)
    object_identifier(data)
    client_hello(data)
    server_hello(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_spoilt_certificate_raises_nothing(data: st.DataObject) -> None:
    spoilt = bytearray(der())
    for _ in range(data.draw(st.integers(1, 6))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    certificate(bytes(spoilt))


PIECES = [
    b"\x16\x03\x01\0\x04", b"\x16\x03\x03\x40\0", b"\x01\0\0\x30", b"\x0b\xff\xff\xff",
    b"\x0b\0\0\x07\0\0\x04\0\0\1\x30",
    b"\x14\x03\x03\0\1\1", b"\x15\x03\x03\0\2\1\0", b"\x80\x2e\x01\0\2", b"\x80\x04\x04\0\0\0", SSL2_HELLO,
    b"\x02\0\0\0",
]  # fmt: skip
piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=40))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), piece, st.sampled_from([0, 0, 0, 7])), max_size=20)
)
def test_nothing_raises(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = TlsParser()
    found: list[Transaction] = []
    for direction, data, gap in pieces:
        found += parser.feed(direction, data, gap)
    found += parser.finish()
    for transaction in found:
        assert all(isinstance(one, bytes) for data in seen(transaction).values() for one in data)


@pytest.mark.parametrize(
    "endless",
    [b"\x16\x03\x01\x40\0" + b"\x0b\x01\xff\xff" + bytes(16380), b"\x16\x03\x01\0\x01\x01", b"\x80" * 999],
)
def test_endless_input_is_bounded(endless: bytes) -> None:
    parser = TlsParser()
    for _ in range(500):
        parser.feed(SERVER, endless, 0)
        assert parser.held() <= MESSAGE_LIMIT + 2 * RECORD_LIMIT


def record(kind: int, body: bytes) -> bytes:
    return bytes((kind, 3, 3)) + len(body).to_bytes(2) + body


def message(kind: int, body: bytes) -> bytes:
    return record(22, bytes((kind,)) + len(body).to_bytes(3) + body)


def events(direction: int, data: bytes) -> list[bytes]:
    return seen(parsed([(direction, data)])).get(("app-layer-event", direction), [])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\1\0\4data" + bytes(16), []),
        (b"\1\x40\0", [b"tls.overflow_heartbeat_message"]),
        (b"\7\0\0", [b"tls.invalid_heartbeat_message"]),
        (b"\7\0", []),
        (b"\1\0\4data" + bytes(15), [b"tls.invalid_heartbeat_message"]),
        (b"\2\0\4data" + bytes(15), [b"tls.invalid_heartbeat_message"]),
    ],
)
def test_heartbeats(body: bytes, expected: list[bytes]) -> None:
    assert events(SERVER, record(24, body)) == expected


def test_an_answer_that_is_longer_than_the_heartbeat_it_repeats() -> None:
    """Behind the handshake nothing can be read but sizes (CVE-2014-0160)."""
    change, data = record(20, b"\1"), record(23, b"secret")
    start = [(SERVER, change), (CLIENT, change)]
    for asked, answer, told in ((40, 40, False), (40, 41, True), (40, 30, False)):
        beats = [(SERVER, record(24, bytes(asked))), (CLIENT, record(24, bytes(answer)))]
        found = seen(parsed([*start, *beats, (CLIENT, record(24, bytes(99)))]))
        name = b"tls.dataleak_heartbeat_mismatch"
        assert found.get(("app-layer-event", CLIENT), []) == ([name] if told else [])
        assert ("app-layer-event", SERVER) not in found
        # Data of the application ends the reading.
        assert ("app-layer-event", CLIENT) not in seen(parsed([*start, (CLIENT, data), *beats]))
    two = [(SERVER, record(24, bytes(9))), (SERVER, record(24, bytes(99))), (CLIENT, record(24, bytes(50)))]
    found = seen(parsed([*start, *two]))
    assert found["app-layer-event", SERVER] == [b"tls.invalid_heartbeat_message"]
    assert ("app-layer-event", CLIENT) not in found, "nothing is read behind what cannot be"


def test_behind_what_cannot_be_neither_side_is_read() -> None:
    parser = TlsParser()
    parser.feed(CLIENT, record(21, b"\2"), 0)
    assert parser.over()
    assert parser.feed(SERVER, message(1, hello_body([5], b"")), 0) == []


def test_behind_a_change_of_ciphers_no_message_is_read() -> None:
    change, odd = record(20, b"\1"), message(99, b"abcd")
    hello = message(1, hello_body([5], b""))
    newest = message(1, hello_body([5], extension(43, b"\2\3\4")))
    answered = message(2, b"\3\3" + bytes(33) + b"\0\5\0")
    name = [b"tls.invalid_handshake_message"]
    for before, expected in (
        ([(SERVER, hello)], []),
        ([(SERVER, newest)], name),
        ([(SERVER, newest), (CLIENT, answered)], []),
    ):
        found = seen(parsed([*before, (SERVER, change), (CLIENT, odd)]))
        assert found.get(("app-layer-event", CLIENT), []) == expected


def test_of_an_answer_in_the_clear_nothing_is_asked() -> None:
    beats = [(SERVER, record(24, b"\1\0\4data" + bytes(16))), (CLIENT, record(24, b"\2\x40\0"))]
    assert not any(parsed(beats).events)


def certified(*chain: bytes) -> bytes:
    """The message that shows certificates."""
    listed = b"".join(len(one).to_bytes(3) + one for one in chain)
    return message(11, len(listed).to_bytes(3) + listed)


def test_a_certificate_of_which_nothing_can_be_read() -> None:
    """The one behind it counts for the first, and the handshake goes on."""
    broken = bytes.fromhex("30063084fffffffa04")
    assert events(CLIENT, certified(broken)) == [b"tls.invalid_certificate"]
    found = seen(parsed([(CLIENT, certified(broken, der(), b"any") + message(12, b"keys"))]))
    assert found["app-layer-event", CLIENT] == [b"tls.invalid_certificate"]
    assert found["tls.certs", CLIENT] == [der(), b"any"]
    assert found["tls.cert_serial", CLIENT] == [b"00:F1:22:33"]
    assert found["tls.cert_chain_len", CLIENT] == [b"\2"]
    assert found["tls.state", CLIENT] == [b"server_keyx"]


def test_the_first_message_with_certificates_counts() -> None:
    found = seen(parsed([(CLIENT, certified(der()) + certified(b"other", b"another"))]))
    assert found["tls.certs", CLIENT] == [der()]


def test_without_a_hello_the_version_is_that_of_records() -> None:
    found = seen(parsed([(SERVER, b"\x17\3\2\0\1x"), (CLIENT, b"\x15\3\1\0\2\2\x28")]))
    assert found["tls.version", SERVER] == [b"\3\2"]
    assert found["tls.version", CLIENT] == [b"\3\1"]


def test_where_no_certificate_comes_there_are_none() -> None:
    found = seen(parsed([(CLIENT, message(2, hello_body([], b""))), (CLIENT, record(23, b"data"))]))
    assert found["tls.cert_chain_len", CLIENT] == [b"\0"]


def test_alternative_names_are_written_as_suricata_does() -> None:
    names = [
        x509.RFC822Name("a@b.example"),
        x509.UniformResourceIdentifier("urn:a"),
        x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "c")])),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1"), b"\x0c\1x"),
        x509.IPAddress(IPv6Address("::1")),
    ]
    key = made()[1]
    built = (
        x509.CertificateBuilder()
        .subject_name(SUBJECT)
        .issuer_name(SUBJECT)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    assert certificate(built.public_bytes(serialization.Encoding.DER)).alternative_names == [
        b"RFC822Name(a@b.example)",
        b"urn:a",
        b"DirectoryName(CN=c)",
        b"RegisteredID(1.2.3)",
        b"OtherName(1.3.6.1, [...])",
        b"[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"\0\6\0\0\3abc", []),
        (b"\0\6\1\0\3abc", [b"tls.invalid_sni_type"]),
        (b"\0\6\0\0\x09abc", [b"tls.invalid_sni_length"]),
        (b"\0\3\0\0\0", [b"tls.invalid_sni_length"]),
        (b"\0\1", [b"tls.handshake_invalid_length"]),
    ],
)
def test_names_that_a_client_asks_for(name: bytes, expected: list[bytes]) -> None:
    extension = b"\0\0" + len(name).to_bytes(2) + name
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\0\5" + b"\1\0" + len(extension).to_bytes(2) + extension
    assert events(SERVER, message(1, body)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (record(21, b"\2"), b"tls.invalid_alert_message"),
        (record(22, b"\0"), b"tls.invalid_ssl_record"),
        (message(99, b"abcd"), b"tls.invalid_handshake_message"),
        (record(23, bytes(17_500)), b"tls.invalid_record_length"),
        (b"\x80\x03\0\0\1", b"tls.error_message_encountered"),
        (b"\x80\x03\1\0\2", b"tls.invalid_ssl_record"),
        (message(1, b"\3\3" + bytes(32) + b"\x20short"), b"tls.handshake_invalid_length"),
        (message(1, b"\3\3" + bytes(32) + b"\0\0\3\0\5\0\1\0"), b"tls.handshake_invalid_length"),
        (message(1, hello_body([5], extension(16, b"\0\x09\2h2"))), b"tls.handshake_invalid_length"),
        (message(1, hello_body([5], extension(43, b"\1\3"))), b"tls.handshake_invalid_length"),
        (message(1, hello_body([5], extension(10, b"\0\4\0\x1d"))), b"tls.handshake_invalid_length"),
        (message(1, hello_body([5], extension(11, b"\2\0"))), b"tls.handshake_invalid_length"),
        (message(1, hello_body([5], extension(13, b"\0\3\4\3\4"))), b"tls.handshake_invalid_length"),
        (message(1, hello_body([5], extension(16, b"\0\3\x09h2"))), b"tls.handshake_invalid_length"),
    ],
)
def test_records_that_cannot_be(data: bytes, expected: bytes) -> None:
    assert events(SERVER, data) == [expected]


def test_behind_an_extension_with_a_flaw_there_is_no_other() -> None:
    host, other = extension(0, b"\0\4\0\0\1h"), extension(0, b"\0\4\1\0\1h")
    for extensions, expected in (
        (host + host, [b"tls.multiple_sni_extensions"]),
        (host + extension(0, b""), []),
        (host + extension(16, b"\0\x09\2h2") + host, [b"tls.handshake_invalid_length"]),
        (other + host + host, [b"tls.invalid_sni_type"]),
        (extension(16, b"\0\3\4h2xx"), []),
    ):
        assert events(SERVER, message(1, hello_body([5], extensions))) == expected
    chosen = b"\3\3" + bytes(33) + b"\0\5\0"
    for extensions, expected in (
        (extension(43, b"\3"), [b"tls.handshake_invalid_length"]),
        (extension(43, b"\3\4"), []),
    ):
        answer = chosen + len(extensions).to_bytes(2) + extensions
        assert events(CLIENT, message(2, answer)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (record(22, b""), [b"tls.invalid_record_length"]),
        (b"\x16\3\x09\0\x04\1\0\0\0", [b"tls.invalid_record_version"]),
        (b"\x80\0\1\0\2", [b"tls.invalid_sslv2_header", b"tls.invalid_ssl_record"]),
        (b"\x40\x03\0\1\0\2", [b"tls.invalid_ssl_record"]),
        (b"\x80\x03\7\0\2", []),
        # The record behind a message of an unknown type is read, also where the message says that it is long.
        (
            record(22, b"\x63\0\xff\xff1234") + record(21, b"\2"),
            [b"tls.invalid_handshake_message", b"tls.invalid_alert_message"],
        ),
        # The head of a message in two records: said, and read all the same.
        (
            record(22, b"\0\0\0\0\x63\0") + record(22, b"\0\4abcd"),
            [b"tls.invalid_ssl_record", b"tls.invalid_handshake_message"],
        ),
    ],
)
def test_records_and_messages_with_a_flaw(data: bytes, expected: list[bytes]) -> None:
    assert events(SERVER, data) == expected


@pytest.mark.parametrize(("version", "goes_on"), [(b"\3\1", True), (b"\3\2", True), (b"\3\3", False)])
def test_a_record_of_an_unknown_type(version: bytes, goes_on: bool) -> None:
    """In TLS 1.0 and 1.1 it is passed over with all that came along."""
    hello = message(2, version + bytes(32) + b"\0\0\5\0")
    pieces = [(CLIENT, hello), (CLIENT, b"\x19\3\1\0\1x" + hello), (CLIENT, certified(der()))]
    found = seen(parsed(pieces))
    assert found["app-layer-event", CLIENT] == [b"tls.invalid_record_type"]
    assert (("tls.cert_serial", CLIENT) in found) == goes_on


def test_behind_a_hello_the_version_of_records_says_nothing() -> None:
    hello = message(2, b"\3\3" + bytes(32) + b"\0\0\5\0")
    shown = certified(der())
    found = seen(parsed([(CLIENT, hello + shown[:1] + b"\5\5" + shown[3:])]))
    assert found["tls.cert_serial", CLIENT] == [b"00:F1:22:33"]
    odd = message(2, b"\5\5" + bytes(32) + b"\0\0\5\0")
    assert events(CLIENT, odd + shown) == [b"tls.invalid_record_version"]


@pytest.mark.parametrize("listed", [b"\1\0\3abc\0\0\3abc", b"\0" + (256).to_bytes(2) + b"a" * 256, b"\0\0\0"])
def test_what_is_no_name_of_a_host(listed: bytes) -> None:
    hello = message(1, hello_body([5], extension(0, len(listed).to_bytes(2) + listed)))
    assert ("tls.sni", SERVER) not in seen(parsed([(SERVER, hello)]))


def tlv(tag: int, *values: bytes) -> bytes:
    value = b"".join(values)
    size = len(value)
    return bytes((tag,)) + (bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2)) + value


ALGORITHM = tlv(0x30, tlv(6, b"\x2a\3"))
NAME = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\4\3"), tlv(12, b"a.example"))))
GOOD = {
    "version": tlv(0xA0, tlv(2, b"\2")),
    "serial": tlv(2, b"\1"),
    "signed": ALGORITHM,
    "issuer": NAME,
    "validity": tlv(0x30, tlv(0x17, b"250101000000Z"), tlv(0x18, b"20600101000000Z")),
    "subject": NAME,
    "key": tlv(0x30, ALGORITHM, tlv(3, b"\0k")),
    "extensions": tlv(0xA3, tlv(0x30, tlv(0x30, tlv(6, b"\x55\x1d\x11"), tlv(4, b"")))),
}


@pytest.mark.parametrize(
    ("field", "data", "event"),
    [
        ("version", tlv(0xA0, tlv(4, b"\2")), "certificate_invalid_version"),
        ("serial", tlv(4, b"\1"), "certificate_invalid_serial"),
        ("signed", tlv(0x30, tlv(5)), "certificate_invalid_algorithmidentifier"),
        ("issuer", tlv(0x30, tlv(0x30, tlv(5))), "certificate_invalid_x509name"),
        ("validity", tlv(0x30, tlv(0x17, b"once"), tlv(0x17, b"250101000000Z")), "certificate_invalid_date"),
        ("subject", tlv(0x31), "certificate_invalid_x509name"),
        ("key", tlv(0x30), "invalid_certificate"),
        ("extensions", tlv(0xA3, tlv(0x30, b"\x30\x50")), "certificate_invalid_extensions"),
        ("serial", GOOD["serial"], ""),
    ],
)  # fmt: skip
def test_certificates_with_a_flaw(field: str, data: bytes, event: str) -> None:
    whole = tlv(0x30, tlv(0x30, *{**GOOD, field: data}.values()), ALGORITHM, tlv(3, b"\0s"))
    assert events(CLIENT, certified(whole)) == ([f"tls.{event}".encode()] if event else [])


@pytest.mark.parametrize(
    ("broken", "event"),
    [
        (tlv(0x30, tlv(0x30, *GOOD.values()), ALGORITHM), b"tls.certificate_invalid_der"),
        (tlv(0x30, tlv(0x30, *GOOD.values())), b"tls.certificate_invalid_algorithmidentifier"),
        (tlv(0x31, tlv(0x30, *GOOD.values())), b"tls.certificate_invalid_der"),
    ],
)
def test_what_is_around_a_certificate(broken: bytes, event: bytes) -> None:
    assert events(CLIENT, certified(broken)) == [event]


def test_a_certificate_that_is_cut() -> None:
    found = events(CLIENT, certified(tlv(0x30, tlv(0x30, *GOOD.values()))[:-9]))
    assert found == [b"tls.certificate_invalid_length"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_real_handshakes_raise_nothing(version: ssl.TLSVersion) -> None:
    found = parsed(list(handshake(version)))
    assert not any(found.events)

"""What the log says of TLS, FTP and Kerberos."""

from __future__ import annotations

import ssl
import struct
from typing import Any

import pytest

from tests.detect.applayer.test_tls import certified, extension, handshake, hello_body, message, parsed
from tests.detect.applayer.test_tls import der as certificate
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.ftp.parser import LINE_LIMIT, FtpParser
from vpi_tui.detect.applayer.krb5 import Krb5Parser
from vpi_tui.detect.applayer.quic.transaction import QuicTransaction
from vpi_tui.detect.applayer.tls.hello import client_hello
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Pieces = list[tuple[int, bytes]]
SESSION = bytes(range(32))


def tls(pieces: Pieces) -> dict[str, Any]:
    body: dict[str, Any] = DESCRIPTIONS["tls"].describe(parsed(pieces))["tls"]
    return body


def hello(session: bytes, version: int = 0x0303) -> bytes:
    field = bytes([len(session)]) + session
    return message(1, struct.pack("!H", version) + bytes(32) + field + b"\0\2\0\x2f\1\0")


def answer(session: bytes, version: int = 0x0303) -> bytes:
    field = bytes([len(session)]) + session
    return message(2, struct.pack("!H", version) + bytes(32) + field + b"\0\x2f\0")


def test_a_session_that_goes_on_is_told() -> None:
    assert tls([(SERVER, hello(SESSION)), (CLIENT, answer(SESSION))])["session_resumed"] is True


@pytest.mark.parametrize(("asked", "given"), [(SESSION, SESSION[1:]), (b"", b""), (b"", SESSION)])
def test_a_new_session_is_none_that_goes_on(asked: bytes, given: bytes) -> None:
    assert "session_resumed" not in tls([(SERVER, hello(asked)), (CLIENT, answer(given))])


TICKET = b"\0\x04\0\x23\0\0"
"""Extensions: a ticket is wanted."""


def test_a_client_with_a_ticket_goes_on_where_no_certificate_is_shown() -> None:
    asked = message(1, b"\3\3" + bytes(33) + b"\0\2\0\x2f\1\0" + TICKET)
    assert "session_resumed" not in tls([(SERVER, asked)])
    assert tls([(SERVER, asked), (CLIENT, answer(b""))])["session_resumed"] is True
    assert "session_resumed" not in tls([(SERVER, asked), (CLIENT, answer(b"") + certified(certificate()))])
    assert "session_resumed" not in tls([(SERVER, asked), (CLIENT, answer(b"", 0x7F1C))])


def test_handshakes_of_which_the_log_tells() -> None:
    is_told = DESCRIPTIONS["tls"].is_told
    assert is_told is not None
    alert = (CLIENT, b"\x15\3\3\0\2\2\x28")
    shown = (CLIENT, answer(b"") + certified(certificate()))
    asked = message(1, b"\3\3" + bytes(33) + b"\0\2\0\x2f\1\0" + TICKET)
    assert not is_told(parsed([(SERVER, hello(b"")), alert]))
    assert not is_told(parsed([(SERVER, hello(b"")), (CLIENT, answer(b"")), alert]))
    assert is_told(parsed([(SERVER, hello(b"")), shown]))
    assert is_told(parsed([(SERVER, hello(SESSION)), (CLIENT, answer(SESSION))]))
    assert is_told(parsed([(SERVER, asked), alert]))
    assert is_told(parsed(list(handshake(ssl.TLSVersion.TLSv1_3))))


def test_what_a_hello_offers_is_told_without_grease() -> None:
    listed = extension(0x3A3A, b"") + extension(13, b"\0\4\x2a\x2a\4\3") + extension(16, b"\0\4\0\2h2")
    listed += extension(43, b"\6\x4a\x4a\3\4\3\3")
    told = tls([(SERVER, message(1, hello_body([0x1A1A, 0x1301], listed)))])
    assert told["client_handshake"] == {
        "version": "TLS 1.3",
        "ciphers": [0x1301],
        "exts": [13, 16, 43],
        "sig_algs": [0x0403],
    }
    assert told["client_alpns"] == ["h2"]


def test_extensions_over_quic_have_names_and_values() -> None:
    made = QuicTransaction(1, SERVER)
    listed = extension(0x3A3A, b"") + extension(13, b"\0\2\4\3") + extension(43, b"\4\x4a\x4a\3\4")
    made.hello = client_hello(hello_body([0x1301], listed + extension(57, b"") + extension(999, b"")))
    assert DESCRIPTIONS["quic"].describe(made)["quic"]["extensions"] == [
        {"type": 64250},
        {"name": "signature_algorithms", "type": 13, "values": ["1027"]},
        {"name": "supported_versions", "type": 43, "values": ["TlsVersion(19018 / 0x4a4a)", "Tls13"]},
        {"name": "quic_transport_parameters", "type": 57},
        {"type": 999},
    ]


def test_tls_1_3_repeats_any_session() -> None:
    found = tls(list(handshake(ssl.TLSVersion.TLSv1_3)))
    assert found["version"] == "TLS 1.3"
    assert "session_resumed" not in found


def test_the_version_is_what_the_server_chose() -> None:
    assert tls([(SERVER, hello(b""))])["version"] == "UNDETERMINED"
    assert tls([(SERVER, hello(b"")), (CLIENT, answer(b"", 0x0302))])["version"] == "TLS 1.1"
    assert tls([(SERVER, hello(b"")), (CLIENT, message(2, b"\x7f\x1c" + bytes(36)))])["version"] == (
        "TLS 1.3 draft-28"
    )


def ftp(*pieces: tuple[int, bytes]) -> list[dict[str, Any]]:
    parser = FtpParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return [DESCRIPTIONS["ftp"].describe(one)["ftp"] for one in found]


def test_a_command_and_its_reply_are_whole() -> None:
    (told,) = ftp((SERVER, b"USER anna\r\n"), (CLIENT, b"331 ok\r\n"))
    assert (told["command"], told["command_data"]) == ("USER", "anna")
    assert told["command_truncated"] is told["reply_truncated"] is False


def test_what_was_too_long_is_cut() -> None:
    (told,) = ftp(
        (SERVER, b"USER " + b"a" * LINE_LIMIT + b"\r\n"), (CLIENT, b"331 " + b"b" * LINE_LIMIT + b"\r\n")
    )
    assert told["command_truncated"] is told["reply_truncated"] is True


def test_a_command_without_data_has_none_to_cut() -> None:
    (told,) = ftp((SERVER, b"PASV\r\n"), (CLIENT, b"227 ok (10,0,0,1,4,1)\r\n"))
    assert "command_truncated" not in told
    assert (told["mode"], told["dynamic_port"]) == ("passive", 1025)


def test_a_command_that_has_no_name_is_not_named() -> None:
    (told,) = ftp((SERVER, b"FROB x\r\n"), (CLIENT, b"500 what\r\n"))
    assert not {"command", "command_data", "command_truncated"} & told.keys()
    assert told["completion_code"] == ["500"]


def der(tag: int, *values: bytes) -> bytes:
    value = b"".join(values)
    assert len(value) < 128
    return bytes([tag, len(value)]) + value


def request(kind: int) -> bytes:
    return der(0x60 | kind, der(0x30, der(0xA1, der(2, b"\5")), der(0xA2, der(2, bytes([kind])))))


ERROR = der(0x7E, der(0x30, der(0xA0, der(2, b"\5")), der(0xA1, der(2, b"\x1e")), der(0xA6, der(2, b"\x19"))))


@pytest.mark.parametrize(
    ("before", "failed"),
    [([10], "KRB_AS_REQ"), ([12], "KRB_TGS_REQ"), ([10, 12], "KRB_TGS_REQ"), ([], "UNKNOWN")],
)
def test_an_error_tells_which_request_failed(before: list[int], failed: str) -> None:
    parser = Krb5Parser()
    for kind in before:
        parser.datagram(SERVER, request(kind))
    (found,) = parser.datagram(CLIENT, ERROR)
    told = DESCRIPTIONS["krb5"].describe(found)["krb5"]
    assert (told["failed_request"], told["error_code"]) == (failed, "KDC_ERR_PREAUTH_REQUIRED")
    (again,) = parser.datagram(CLIENT, ERROR)
    assert DESCRIPTIONS["krb5"].describe(again)["krb5"]["failed_request"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("version", "told"),
    [(0x6B3343CF, "v2"), (0x51303436, "Q046"), (0x51303530, "51303530"), (0xFF00001D, "ff00001d")],
)
def test_versions_of_quic_that_have_names(version: int, told: str) -> None:
    assert DESCRIPTIONS["quic"].describe(QuicTransaction(version, SERVER))["quic"]["version"] == told

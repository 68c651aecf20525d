"""Frames: emitted only when a rule wants them, seen once each, and the same however the bytes are cut."""

from __future__ import annotations

import pytest

from tests.detect.applayer.test_ssh import STREAM as SSH_STREAM
from vpi_tui.detect.applayer.application import instances
from vpi_tui.detect.applayer.base import Parser
from vpi_tui.detect.applayer.dns import DnsUdpOrTcp
from vpi_tui.detect.applayer.frame_names import FRAMES, frame_buffer, frames_of
from vpi_tui.detect.applayer.frames import FRAME_LIMIT, MOST_FRAMES, FrameLog
from vpi_tui.detect.applayer.ftp.parser import FtpParser
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.applayer.sip.parser import SipParser
from vpi_tui.detect.applayer.smtp.parser import SmtpParser
from vpi_tui.detect.applayer.ssh import SshParser
from vpi_tui.detect.applayer.tls.parser import TlsParser
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Found = list[tuple[int, str, bytes]]

SIP_HEADERS = b"Via: SIP/2.0/TCP h\r\nContent-Length: 4\r\n"
SIP_REQUEST = b"REGISTER sip:a SIP/2.0\r\n" + SIP_HEADERS + b"\r\nbody"
NEW_KEYS = b"\0\0\0\x0c\x0a\x15" + bytes(10)
QUERY = b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"

HTTP_REQUEST = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
HTTP_RESPONSE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
MAIL = b"EHLO me\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nSubject: s\r\n\r\nhi\r\n.\r\nQUIT\r\n"
TLS_RECORDS = b"\x15\3\1\0\2\1\x5a" + b"\x16\3\1\0\4\0\0\0\0" + b"\x14\3\1\0\1\1"


def emitted(parser: Parser, wanted: tuple[str, ...], direction: int, *pieces: bytes) -> Found:
    """What a parser emits in one direction."""
    parser.frames = FrameLog(frozenset(wanted))
    found = []
    for piece in pieces:
        parser.feed(direction, piece, 0)
        found += parser.frames.take()
    parser.finish()
    found += parser.frames.take()
    return [(direction, one.name, one.data) for one in found]


CASES = {
    "sip": (SipParser, "sip", SERVER, SIP_REQUEST * 2),
    "ssh": (SshParser, "ssh", CLIENT, SSH_STREAM + NEW_KEYS + b"encrypted"),
    "http request": (HttpParser, "http1", SERVER, HTTP_REQUEST + HTTP_REQUEST),
    "http response": (HttpParser, "http1", CLIENT, HTTP_RESPONSE + HTTP_RESPONSE),
    "ftp": (FtpParser, "ftp", SERVER, b"USER bob\r\nPASS x\nQUIT\r\n"),
    "smtp": (SmtpParser, "smtp", SERVER, MAIL),
    "tls": (TlsParser, "tls", SERVER, TLS_RECORDS),
    "dns": (DnsUdpOrTcp, "dns", SERVER, (len(QUERY).to_bytes(2) + QUERY) * 3),
}


@pytest.mark.parametrize("case", CASES)
def test_cut_anywhere_it_is_the_same(case: str) -> None:
    parser, protocol, direction, stream = CASES[case]
    whole = emitted(parser(), frames_of(protocol), direction, stream)
    assert whole
    assert {name for _, name, _ in whole} <= set(FRAMES[protocol])
    assert emitted(parser(), frames_of(protocol), direction, *(bytes([b]) for b in stream)) == whole
    for at in range(0, len(stream), 7):
        assert emitted(parser(), frames_of(protocol), direction, stream[:at], stream[at:]) == whole


def test_a_sip_message_in_its_parts() -> None:
    assert emitted(SipParser(), frames_of("sip"), SERVER, SIP_REQUEST) == [
        (SERVER, "pdu", SIP_REQUEST),
        (SERVER, "request.line", b"REGISTER sip:a SIP/2.0\r\n"),
        (SERVER, "request.headers", SIP_HEADERS),
        (SERVER, "request.body", b"body"),
    ]


def test_ssh_records_end_with_the_new_keys() -> None:
    found = emitted(SshParser(), ("record.hdr",), CLIENT, SSH_STREAM + NEW_KEYS + SSH_STREAM)
    assert [data[-1] for _, _, data in found] == [20, 21]


def test_http_messages_as_sent() -> None:
    found = emitted(HttpParser(), frames_of("http1"), CLIENT, HTTP_RESPONSE * 2)
    assert found == [(CLIENT, "response", HTTP_RESPONSE)] * 2


def test_lines_with_their_ends() -> None:
    found = emitted(FtpParser(), ("command_line",), SERVER, b"USER bob\r\nPASS x\n")
    assert [data for _, _, data in found] == [b"USER bob\r\n", b"PASS x\n"]


def test_the_data_of_a_mail() -> None:
    found = emitted(SmtpParser(), frames_of("smtp"), SERVER, MAIL)
    assert [name for _, name, _ in found] == ["command_line"] * 8 + ["data"] + ["command_line"] * 2
    assert found[8][2] == b"Subject: s\r\n\r\nhi\r\n.\r\n"
    assert [data for _, _, data in found[:2]] == [b"EHLO me\r\n", b"EHLO me"]


def test_chunks_of_a_mail_are_no_data() -> None:
    found = emitted(SmtpParser(), frames_of("smtp"), SERVER, b"BDAT 4 LAST\r\nhi\r\nQUIT\r\n")
    assert [data for _, name, data in found if name == "data"] == []


def test_tls_records_by_what_they_hold() -> None:
    found = emitted(TlsParser(), frames_of("tls"), SERVER, TLS_RECORDS)
    assert [name for _, name, _ in found] == [
        "pdu",
        "hdr",
        "alert",
        "pdu",
        "hdr",
        "data",
        "pdu",
        "hdr",
        "data",
    ]
    assert found[2][2] == b"\1\x5a"


def test_a_frame_is_only_what_a_rule_wants() -> None:
    assert emitted(SipParser(), ("request.line",), SERVER, SIP_REQUEST) == [
        (SERVER, "request.line", b"REGISTER sip:a SIP/2.0\r\n")
    ]
    assert emitted(SipParser(), (), SERVER, SIP_REQUEST) == []


def test_frames_are_bounded() -> None:
    log = FrameLog(frozenset(("pdu",)))
    for _ in range(MOST_FRAMES + 1):
        log.add(SERVER, "pdu", b"x")
    assert len(log.take()) == MOST_FRAMES
    log.add(SERVER, "pdu", bytes(FRAME_LIMIT + 1))
    assert len(log.take()[0].data) == FRAME_LIMIT


def test_no_other_buffer_sees_a_frame() -> None:
    log = FrameLog(frozenset(("pdu",)))
    log.add(SERVER, "pdu", b"x")
    (frame,) = log.take()
    for name, buffer in by_name()["sip"].buffers.items():
        expected = [b"x"] if name == frame_buffer("sip", "pdu") else []
        assert list(instances(buffer, frame, SERVER)) == expected
        assert list(instances(buffer, frame, CLIENT)) == []

"""What the log says of SMB."""

from __future__ import annotations

import struct
from typing import Any

from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS

from . import smb_messages as smb
from .smb_messages import record
from .test_smb import CLIENT, SERVER, SMB2, Piece, feed

FSCTL_VALIDATE = 0x0014_0204


def told(pieces: list[Piece]) -> list[dict[str, Any]]:
    return [DESCRIPTIONS["smb"].describe(one)["smb"] for one in feed(pieces)]


def of_command(pieces: list[Piece], command: str) -> list[dict[str, Any]]:
    return [one for one in told(pieces) if one.get("command") == f"SMB2_COMMAND_{command}"]


def test_a_negotiation_tells_the_largest_sizes() -> None:
    found = of_command(
        [(SERVER, record(smb.negotiate2(0x0311))), (CLIENT, record(smb.negotiated2(0x0311, size=65_536)))],
        "NEGOTIATE_PROTOCOL",
    )[-1]
    assert (found["max_read_size"], found["max_write_size"]) == (65_536, 65_536)


def test_a_file_tells_its_share() -> None:
    pieces = [
        *SMB2[:10],
        (SERVER, record(smb.create2("a.txt", message=5, tree=2))),
        (CLIENT, record(smb.created2(message=5, tree=2))),
        (SERVER, record(smb.write2(b"hello", message=6, tree=2))),
        (SERVER, record(smb.close2(message=7, tree=2))),
    ]
    (moved,) = of_command(pieces, "WRITE")
    assert (moved["filename"], moved["share"]) == ("a.txt", r"\srv\docs")


def control(function: int) -> bytes:
    return smb.smb2(11, struct.pack("<HHI", 57, 0, function) + smb.FID + bytes(32))


def test_a_control_is_told_by_name() -> None:
    known, unknown = (of_command([(SERVER, record(control(one)))], "IOCTL") for one in (FSCTL_VALIDATE, 7))
    assert (known[0]["function"], unknown[0]["function"]) == ("FSCTL_VALIDATE_NEGOTIATE_INFO", "7")


def der(tag: int, *values: bytes) -> bytes:
    value = b"".join(values)
    size = bytes([len(value)]) if len(value) < 128 else b"\x81" + bytes([len(value)])
    return bytes([tag]) + size + value


def token(ticket: bytes) -> bytes:
    """A GSS token of Kerberos with an AP-REQ, in some blob."""
    body = der(0x30, der(0xA0, der(2, b"\5")), der(0xA1, der(2, b"\x0e")), der(0xA3, ticket))
    return b"blob" + bytes.fromhex("06092a864886f712010202") + b"\1\0" + der(0x6E, body)


TICKET = der(
    0x61,
    der(
        0x30,
        der(0xA0, der(2, b"\5")),
        der(0xA1, der(0x1B, b"CONTOSO.LOCAL")),
        der(
            0xA2,
            der(0x30, der(0xA0, der(2, b"\2")), der(0xA1, der(0x30, der(0x1B, b"cifs"), der(0x1B, b"srv")))),
        ),
    ),
)


def logged_on(blob: bytes) -> dict[str, Any]:
    (found,) = of_command([(SERVER, record(smb.session_setup2(blob)))], "SESSION_SETUP")
    return found


def test_a_log_on_with_kerberos_tells_the_service() -> None:
    found = logged_on(token(TICKET))
    assert found["kerberos"] == {"realm": "CONTOSO.LOCAL", "snames": ["cifs", "srv"]}
    assert "ntlmssp" not in found


def test_a_ticket_that_is_cut_tells_nothing() -> None:
    whole = token(TICKET)
    for size in range(len(whole)):
        assert "kerberos" not in logged_on(whole[:size])

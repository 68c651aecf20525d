"""Cases of rules/lateral-movement.yaml."""

from __future__ import annotations

from tests.cases.build import OUTSIDE, Case, Talks, answered, said
from vpi_tui.capture.demo import hosts, smb
from vpi_tui.capture.demo.conversation import Tcp

_PROGRAM = b"MZ\x90\0" + b"\0" * 74 + b"This program cannot be run in DOS mode.\r\n$"
_TEXT = b"Minutes of the meeting. This program of the day is over.\r\n" * 4
_PETIT = bytes.fromhex("88d481c650d8d0118c5200c04fd90f7e")
_DRSUAPI = bytes.fromhex("35425 1e3064bd111ab0400c04fc2dcd2".replace(" ", ""))
_ACTIVATOR = bytes.fromhex("a001000000000000c000000000000046")
_WBEM = bytes.fromhex("99dc5695 8c82cf11a37e00aa003240c7".replace(" ", ""))
_OTHER = bytes.fromhex("c84f324b7016d30112785a47bf6ee188")
_RDP = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"


def _smb1(command: int, status: int, flags: int) -> bytes:
    body = (
        b"\xffSMB"
        + bytes([command])
        + status.to_bytes(4, "little")
        + bytes([flags])
        + b"\x07\xc0"
        + b"\0" * 24
    )
    return len(body).to_bytes(4, "big") + body


def _smb(bad: bytes, good: bytes) -> Case:
    return Case(lambda: said(445, bad), lambda: said(445, good))


def _bound(bad: bytes, port: int = 49670) -> Case:
    """A DCE/RPC bind that alerts, and one to another interface."""
    return Case(lambda: said(port, smb.dcerpc_bind(bad)), lambda: said(port, smb.dcerpc_bind(_OTHER)))


def _east_west(port: int, data: bytes, times: int = 1) -> Case:
    """Between two guests it alerts; from outside it does not."""
    return Case(lambda: said(port, data, times), lambda: said(port, data, times, client=OUTSIDE))


def _written_after(share: str, data: bytes) -> Talks:
    talk = Tcp(hosts.WEB1, hosts.FS1, 445).open()
    talk.send(smb.tree_connect(3, share)).reply(smb.tree_connected(3))
    yield talk.send(smb.write(4, data)).reply(smb.written(4, len(data))).close().done()


CASES = {
    9000400: _smb(smb.tree_connect(3, r"\\db-01\ADMIN$"), smb.tree_connect(3, r"\\db-01\administration")),
    9000401: _smb(smb.tree_connect(3, r"\\db-01\c$"), smb.tree_connect(3, r"\\db-01\misc$")),
    9000402: _smb(smb.create(4, "svcctl"), smb.create(4, "srvsvc")),
    9000403: _smb(smb.create(4, "PSEXESVC.exe"), smb.create(4, "report.exe")),
    9000404: _bound(smb.SVCCTL),
    9000405: _smb(smb.create(4, "atsvc"), smb.create(4, "wkssvc")),
    9000406: _smb(smb.create(4, "winreg"), smb.create(4, "windows.txt")),
    9000407: _smb(smb.write(5, _PROGRAM), smb.write(5, _TEXT)),
    9000408: _bound(_ACTIVATOR, 135),
    9000409: _bound(_WBEM),
    9000410: _east_west(
        5985, b"POST /wsman?PSVersion=5.1 HTTP/1.1\r\nHost: db-01:5985\r\nContent-Length: 0\r\n\r\n"
    ),
    9000411: _east_west(3389, _RDP),
    9000412: Case(
        lambda: said(22, b"SSH-2.0-OpenSSH_9.9\r\n", 14), lambda: said(22, b"SSH-2.0-OpenSSH_9.9\r\n", 3)
    ),
    9000413: Case(
        lambda: answered(445, _smb1(0x32, 0xC0000002, 0x98)), lambda: answered(445, _smb1(0x32, 0, 0x98))
    ),
    9000414: Case(
        lambda: answered(445, _smb1(0x72, 0, 0x98)), lambda: answered(445, smb.negotiate(reply=True))
    ),
    9000415: _bound(_DRSUAPI),
    9000416: _bound(_PETIT),
    9000417: _smb(smb.create(4, r"temp\lsass_1.dmp"), smb.create(4, r"temp\lsa-notes.docx")),
    9000418: Case(
        lambda: said(
            4444, b"Microsoft Windows [Version 10.0.20348.2762]\r\n(c) Microsoft\r\n\r\nC:\\Windows>"
        ),
        lambda: answered(4444, b"Microsoft Windows [Version 10.0.20348.2762]\r\n"),
    ),
    9000419: Case(
        lambda: said(4444, b"bash: no job control in this shell\nwww-data@web-01:/$ "),
        lambda: said(4444, b"the printer has no job control\n"),
    ),
    9000420: Case(
        lambda: _written_after(r"\\win-fs01\ADMIN$", _PROGRAM),
        lambda: _written_after(r"\\win-fs01\projects", _PROGRAM),
    ),
    9000421: Case(
        lambda: said(23, b"\xff\xfd\x03\xff\xfb\x18"),
        lambda: said(23, b"\xff\xfd\x03\xff\xfb\x18", client=OUTSIDE),
    ),
}

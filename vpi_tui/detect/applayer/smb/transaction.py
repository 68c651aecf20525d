"""A command of SMB and its response, a call through a named pipe, or a file that is moved."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.dcerpc.calls import Call
from vpi_tui.detect.applayer.krb5 import Ticket
from vpi_tui.detect.applayer.smb.ntlmssp import Ntlm

NAME_LIMIT: Final = 1_024
"""Bytes that are kept of a name."""


class SmbTransaction(Call):
    """What a command is about is in the fields that it has; the others are empty."""

    __slots__ = (
        "access", "client_guid", "command", "control", "dialect", "dialects", "disposition", "fid",
        "file_size", "filename", "is_pipe", "largest", "native", "ntlm", "on_share", "options", "renamed_to",
        "server_guid", "session", "share", "status", "ticket", "times", "tree", "version",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        """1, or 2 for versions 2 and 3; 0 = not known."""
        self.command = -1
        self.status: int | None = None
        """NT status of the response; None = there was none."""
        self.session = 0
        self.tree = 0
        self.share: bytes | None = None
        """Of a tree connect: the path without its first backslash."""
        self.is_pipe = False
        """Of a tree connect: the share is of named pipes."""
        self.on_share = b""
        """Of a file that is moved: the share that it is on; b"" = not known."""
        self.control: int | None = None
        """Of an IOCTL: its function."""
        self.largest = (0, 0)
        """Of a negotiation: bytes of a read and of a write at most; 0 = not said."""
        self.ntlm: Ntlm | None = None
        self.ticket: Ticket | None = None
        """Of a session set-up: what Kerberos says of the service that is logged on to."""
        self.native: dict[str, bytes] = {}
        """Of a session set-up: native OS and LAN manager of request and response."""
        self.filename = b""
        self.renamed_to = b""
        self.fid = b""
        self.disposition = 0
        self.access = 0
        self.options = 0
        """Of a create."""
        self.file_size = 0
        self.times: tuple[int, ...] = ()
        """Created, accessed, written, changed, in seconds since 1970."""
        self.dialects: list[bytes] = []
        self.dialect = b""
        """Negotiated by then, b"" = not known."""
        self.client_guid = b""
        self.server_guid = b""

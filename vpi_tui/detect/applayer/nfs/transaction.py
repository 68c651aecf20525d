"""What is kept of one call and its reply, or of all the calls that read or write one file."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.nfs.rpc import Call
from vpi_tui.detect.applayer.transaction import Transaction

MOST_PROCEDURES: Final = 256
NAME_LIMIT: Final = 1_024
"""Bytes that are kept of a name."""
HANDLE_LIMIT: Final = 128
"""Bytes of a handle, as NFS 4 bounds them (RFC 7530); more are not looked at."""


class NfsTransaction(Transaction):
    """procedures: of version 4 the operation that matters; more than one when a file is committed."""

    __slots__ = (
        "chunks", "credentials", "file_name", "handle", "is_file", "procedures", "rename_to", "rpc_status",
        "size", "status", "version", "xid",
    )  # fmt: skip

    def __init__(self, call: Call, procedure: int | None = None) -> None:
        super().__init__()
        self.xid = call.xid
        self.version = call.version
        self.procedures = [] if procedure is None else [procedure]
        self.credentials = call.credentials
        self.file_name = b""
        self.rename_to = b""
        self.handle = b""
        self.is_file = False
        """It reads or writes a file."""
        self.chunks = 0
        """Reads or writes of the file that had bytes."""
        self.size = 0
        """Where the last of its bytes ends."""
        self.rpc_status: int | None = None
        self.status: int | None = None
        """Of the reply; 0 = done, None = there is none yet."""

    def also(self, procedure: int) -> None:
        """Another call belongs to it."""
        if len(self.procedures) < MOST_PROCEDURES:
            self.procedures.append(procedure)

    def take(self, direction: int, offset: int, data: bytes, needs: FileNeeds | None) -> None:
        """Bytes of the file. needs: what rules ask of it; None = none does."""
        if not data:
            return
        self.chunks += 1
        self.size = max(self.size, offset + len(data))
        if needs is not None:
            if not self.files:
                self.open_file(direction, self.file_name, needs)
            self.files[0].chunk(offset, data)

    def close(self, *, truncated: bool) -> None:
        """Nothing more of the file will come."""
        for file in self.files:
            file.close(truncated=truncated)

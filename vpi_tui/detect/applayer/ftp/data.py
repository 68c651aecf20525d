"""ftp-data: a file on a data connection that an FTP command has arranged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, Application, Buffer, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.applayer.ftp.parser import FtpTransaction
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


class FtpDataTransaction(Transaction):
    """One transfer. command: RETR or STOR; b"" = it is not known which."""

    __slots__ = ("command", "file_name")

    def __init__(self, command: bytes, file_name: bytes) -> None:
        super().__init__()
        self.command = command
        self.file_name = file_name


class FtpDataParser(Parser):
    """cause: the command that the connection serves.

    The server of the connection is who was called: the FTP client itself in active mode.
    """

    def __init__(self, limits: Limits | None = None, cause: Transaction | None = None) -> None:
        self._limits = limits or Limits()
        command, name, active = b"", b"", False
        if isinstance(cause, FtpTransaction):
            command, name, active = cause.command, cause.argument, cause.transfers_actively
        self._transaction = FtpDataTransaction(command, name)
        stores = command == b"STOR"
        self._direction = CLIENT if stores == active else SERVER
        self._file: File | None = None

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if direction != self._direction:
            return []
        now = self._transaction
        if self._file is None:
            self._file = now.open_file(direction, now.file_name, self._limits.files)
            now.stage[SERVER] = now.stage[CLIENT] = Stage.HEAD
        self._file.skip(gap)
        self._file.append(data)
        return [now]

    def finish(self) -> list[Transaction]:
        if self._file is None:
            return []
        self._file.close()
        self._transaction.stage[SERVER] = self._transaction.stage[CLIENT] = Stage.DONE
        return [self._transaction]

    def held(self) -> int:
        return self._file.held() if self._file is not None else 0


_WAYS: Final = {b"RETR": CLIENT, b"STOR": SERVER}
"""In which direction rules see a command, though the file of an active transfer goes the other way."""


def _command(transaction: FtpDataTransaction, direction: int) -> Sequence[bytes]:
    return (transaction.command,) if _WAYS.get(transaction.command) == direction else ()


FTP_DATA: Final[Application] = application(
    "ftp-data",
    FtpDataParser,
    (Buffer("ftpdata_command", BOTH, Stage.HEAD, _command),),
    files=BOTH,
    takes_over=FtpDataParser,
    after=("ftp",),
)

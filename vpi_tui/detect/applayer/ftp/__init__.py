"""ftp: the control connection (RFC 959, 2428): each command and its replies are a transaction.

Rules see those of the commands that Suricata names, not of others (FEAT, OPTS ...), nor what a server says
unasked; the log has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.ftp.parser import REPLY_RECEIVED, FtpParser, FtpTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _buffer(
    name: str, directions: int, stage: Stage, get: Callable[[FtpTransaction], Sequence[bytes]]
) -> Buffer:
    def instances(transaction: FtpTransaction, _direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction) if value] if transaction.is_named else ()

    return Buffer(name, directions, stage, instances)


def _port(transaction: FtpTransaction) -> Sequence[bytes]:
    """0 = the command arranges none, which rules about smaller numbers mean too."""
    return (transaction.port.to_bytes(2),)


def _mode(transaction: FtpTransaction) -> Sequence[bytes]:
    return (transaction.mode,) if transaction.port and transaction.codes else ()


def _received(transaction: FtpTransaction, _direction: int) -> Sequence[bytes]:
    return (bytes((transaction.answered,)),) if transaction.is_named else ()


# ftp.mode, ftp.dynamic_port and ftp.reply_received (numbers) have keywords of their own. The first two are
# known once the command is answered, also to rules about the client's direction. The last is asked whenever
# replies have come, as in Suricata: between the 150 and the 226 of a transfer none has.
FTP: Final[Application] = application(
    "ftp",
    FtpParser,
    (
        _buffer("ftp.command", TO_SERVER, Stage.HEAD, lambda t: (t.command,)),
        _buffer("ftp.command_data", TO_SERVER, Stage.HEAD, lambda t: (t.argument,)),
        _buffer("ftp.reply", TO_CLIENT, Stage.DONE, lambda t: t.replies),
        _buffer("ftp.completion_code", TO_CLIENT, Stage.DONE, lambda t: t.codes),
        _buffer("ftp.mode", BOTH, Stage.DONE, _mode),
        _buffer("ftp.bounce", TO_SERVER, Stage.HEAD, lambda t: (b"\1",) if t.bounces else ()),
        _buffer("ftp.dynamic_port", BOTH, Stage.DONE, _port),
        Buffer(REPLY_RECEIVED, TO_CLIENT, Stage.HEAD, _received, grows=True),
    ),
)

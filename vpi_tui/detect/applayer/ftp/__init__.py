"""ftp: the control connection (RFC 959, 2428): each command and its replies are a transaction.

Rules see those of the commands that Suricata names, not of others (FEAT, OPTS ...), nor what a server says
unasked; the log has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.ftp.parser import FtpParser, FtpTransaction
from vpi_tui.detect.applayer.transaction import Stage

_AUTH_TLS: Final = b"AUTH", b"TLS"
_NAMED: Final = frozenset(
    b"ABOR ACCT ALLO APPE CDUP CHMOD CWD DELE EPRT EPSV HELP IDLE LIST MAIL MDTM MKD MLFL MODE MRCP MRSQ "
    b"MSAM MSND MSOM NLST NOOP PASS PASV PORT PWD QUIT REIN REST RETR RMD RNFR RNTO SITE SIZE SMNT STAT STOR "
    b"STOU STRU SYST TYPE UMASK USER".split()
)


def _is_named(transaction: FtpTransaction) -> bool:
    command = transaction.command
    return command in _NAMED or (command, transaction.argument.upper()) == _AUTH_TLS


def _buffer(
    name: str, directions: int, stage: Stage, get: Callable[[FtpTransaction], Sequence[bytes]]
) -> Buffer:
    def instances(transaction: FtpTransaction, _direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction) if value] if _is_named(transaction) else ()

    return Buffer(name, directions, stage, instances)


def _port(transaction: FtpTransaction) -> Sequence[bytes]:
    """0 = the command arranges none, which rules about smaller numbers mean too."""
    return (transaction.port.to_bytes(2),)


def _mode(transaction: FtpTransaction) -> Sequence[bytes]:
    return (transaction.mode,) if transaction.port and transaction.codes else ()


# ftp.mode, ftp.dynamic_port and ftp.reply_received (numbers) have keywords of their own. They are known
# once the command is answered, the first two also to rules about the client's direction.
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
        _buffer("ftp.reply_received", TO_CLIENT, Stage.DONE, lambda t: (bytes((bool(t.codes),)),)),
    ),
)

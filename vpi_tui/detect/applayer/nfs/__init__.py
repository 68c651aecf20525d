"""nfs: versions 2, 3 and 4 over UDP and TCP: calls with their replies, and the files that they transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.nfs.parser import NfsParser, names
from vpi_tui.detect.applayer.nfs.transaction import NfsTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _procedures(transaction: NfsTransaction, _direction: int) -> Sequence[bytes]:
    return [number.to_bytes(4) for number in transaction.procedures]


def _names(transaction: NfsTransaction, _direction: int) -> Sequence[bytes]:
    return list(names(transaction))


def _version(transaction: NfsTransaction, _direction: int) -> Sequence[bytes]:
    return (transaction.version.to_bytes(4),) if transaction.procedures else ()


NFS: Final[Application] = application(
    "nfs",
    NfsParser,
    (
        Buffer("nfs_procedure", TO_SERVER, Stage.HEAD, _procedures),
        Buffer("nfs_procedure.name", TO_SERVER, Stage.HEAD, _names),
        Buffer("nfs_version", TO_SERVER, Stage.HEAD, _version),
    ),
    transports=("tcp", "udp"),
    files=BOTH,
)

"""pgsql: the frontend/backend protocol 3 of PostgreSQL, queries together with their outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.application import TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.pgsql.parser import PgsqlParser, PgsqlTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _query(transaction: PgsqlTransaction, _direction: int) -> Sequence[bytes]:
    request = transaction.request
    return (request.query,) if request is not None and request.query else ()


PGSQL: Final[Application] = application(
    "pgsql",
    PgsqlParser,
    (Buffer("pgsql.query", TO_SERVER, Stage.DONE, _query),),
    apps=("postgresql",),
)

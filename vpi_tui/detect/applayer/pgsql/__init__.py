"""pgsql: the frontend/backend protocol 3 of PostgreSQL, queries together with their outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.base import TO_SERVER, Application, Buffer, Stage, application
from vpi_tui.detect.applayer.pgsql.parser import PgsqlParser, PgsqlTransaction


def _query(transaction: PgsqlTransaction, _direction: int) -> Sequence[bytes]:
    request = transaction.request
    return (request.query,) if request is not None and request.query else ()


PGSQL: Final[Application] = application(
    "pgsql",
    PgsqlParser,
    (Buffer("pgsql.query", TO_SERVER, Stage.DONE, _query),),
    apps=("postgresql",),
)

"""Which protocols the log knows to describe. A new one adds its line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from vpi_tui.detect.applayer.base import Stage, Transaction
from vpi_tui.detect.applayer.describe import dns, ftp, http, http2, quic, sip, smtp, ssh, tls, websocket
from vpi_tui.model.batch import Direction


class Description(NamedTuple):
    """event_type: how the log calls the protocol. one_way: one direction is all there will be."""

    event_type: str
    describe: Callable[[Any], dict[str, Any]]
    one_way: bool = False


DESCRIPTIONS: Final[dict[str, Description]] = {
    "http1": Description("http", http.describe),
    "http2": Description("http", http2.describe),
    "doh2": Description("http", http2.describe),
    "dns": Description("dns", dns.describe, one_way=True),
    "ftp": Description("ftp", ftp.describe),
    "quic": Description("quic", quic.describe, one_way=True),
    "sip": Description("sip", sip.describe, one_way=True),
    "smtp": Description("smtp", smtp.describe),
    "ssh": Description("ssh", ssh.describe),
    "tls": Description("tls", tls.describe),
    "websocket": Description("websocket", websocket.describe, one_way=True),
}
"""By the name of the Application."""


def is_complete(description: Description, transaction: Transaction) -> bool:
    """Nothing more will come of it."""
    done = [transaction.stage[d] == Stage.DONE for d in (Direction.TO_SERVER, Direction.TO_CLIENT)]
    return any(done) if description.one_way else all(done)

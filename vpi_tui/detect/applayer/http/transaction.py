"""One HTTP request and its response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.applayer.files import FILE_DATA, NOTHING_GROWN
from vpi_tui.detect.applayer.http.body import NO_BODY, Body
from vpi_tui.detect.applayer.http.headers import Headers
from vpi_tui.detect.applayer.http.lines import RequestLine, StatusLine
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

CLIENT: Final = Direction.TO_CLIENT


@dataclass(slots=True)
class Request:
    start: RequestLine
    headers: Headers
    body: Body = NO_BODY
    trailer: Headers | None = None


@dataclass(slots=True)
class Response:
    start: StatusLine
    headers: Headers
    body: Body = NO_BODY
    trailer: Headers | None = None


class HttpTransaction(Transaction):
    """request or response is None as long as nothing of it was seen."""

    __slots__ = ("kept", "request", "response", "waits")

    def __init__(self) -> None:
        super().__init__()
        self.request: Request | None = None
        self.response: Response | None = None
        self.kept = 0
        """Bytes of its heads, and of a request's body and files once they are whole."""
        self.waits = False
        """Is it to be answered?"""

    def weight(self) -> int:
        return super().weight() + self.kept

    def grown(self, direction: int) -> Mapping[str, Sequence[Window]]:
        """The bodies, and the files in them. The body of a response is what file.data is about."""
        found = super().grown(direction) if self.files else NOTHING_GROWN
        message = self.response if direction == CLIENT else self.request
        body = message.body.window if message is not None else None
        window = body.take() if body is not None and body.kept else None
        if window is None:
            return found
        if direction == CLIENT:
            return {**found, "http.response_body": (window,), FILE_DATA: (window, *found.get(FILE_DATA, ()))}
        return {**found, "http.request_body": (window,)}


def asks_for_tunnel(transaction: HttpTransaction | None) -> bool:
    """Does it ask for a tunnel? Then what follows is another protocol's, unless it is refused."""
    request = transaction.request if transaction is not None else None
    return request is not None and request.start.method == b"CONNECT"

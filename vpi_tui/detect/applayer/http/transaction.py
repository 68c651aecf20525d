"""One HTTP request and its response."""

from __future__ import annotations

from dataclasses import dataclass, field

from vpi_tui.detect.applayer.base import Transaction
from vpi_tui.detect.applayer.http.body import Body
from vpi_tui.detect.applayer.http.headers import Headers
from vpi_tui.detect.applayer.http.lines import RequestLine, StatusLine


@dataclass(slots=True)
class Request:
    start: RequestLine
    headers: Headers = field(default_factory=Headers)
    body: Body = field(default_factory=Body)
    trailer: Headers | None = None


@dataclass(slots=True)
class Response:
    start: StatusLine
    headers: Headers = field(default_factory=Headers)
    body: Body = field(default_factory=Body)
    trailer: Headers | None = None


class HttpTransaction(Transaction):
    """request or response is None as long as nothing of it was seen."""

    __slots__ = ("request", "response")

    def __init__(self) -> None:
        super().__init__()
        self.request: Request | None = None
        self.response: Response | None = None

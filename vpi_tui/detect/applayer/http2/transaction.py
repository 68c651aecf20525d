"""One stream of HTTP/2, or one frame about the connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from vpi_tui.detect.applayer.dns import DnsTransaction
from vpi_tui.detect.applayer.files import FILE_DATA
from vpi_tui.detect.applayer.http.body import NO_BODY
from vpi_tui.detect.applayer.http2.fields import LIST_LIMIT, Field
from vpi_tui.detect.applayer.transaction import A_TRANSACTION, DONE, HEAD, NONE, Transaction
from vpi_tui.detect.applayer.window import Window
from vpi_tui.model.batch import Direction

MOST_NUMBERS: Final = 64
"""Values of each kind (priorities, windows, ...) that are kept of one side of a stream."""
MOST_LOOKS: Final = 64
"""Times that rules look again at a stage of a stream because more has come."""
DNS_MESSAGE: Final = b"application/dns-message"
_FIELD: Final = 32


class Side:
    """What one side has sent. Numbers are in the order of their frames."""

    __slots__ = (
        "body",
        "dns",
        "errors",
        "fields",
        "has_body",
        "kinds",
        "priorities",
        "room",
        "settings",
        "size_updates",
        "windows",
    )

    def __init__(self) -> None:
        self.fields: list[Field] = []
        """Pseudo-header fields included; those of promises, and trailers, as well."""
        self.room = LIST_LIMIT
        self.kinds: dict[int, None] = {}
        """Types of its frames."""
        self.errors: Sequence[int] = ()
        """Error codes of RST_STREAM and GOAWAY."""
        self.priorities: Sequence[int] = ()
        """Weights."""
        self.windows: Sequence[int] = ()
        self.settings: Sequence[int] = ()
        """Identifier << 32 | value."""
        self.size_updates: Sequence[int] = ()
        self.body = NO_BODY
        self.has_body = False
        self.dns: DnsTransaction | None = None
        """The body (or the query in a GET's URI), where it is a DNS message (RFC 8484)."""

    def add(self, fields: list[Field]) -> None:
        for one in fields:
            self.room -= len(one[0]) + len(one[1]) + _FIELD
            if self.room < 0:
                return
            self.fields.append(one)

    def first(self, name: bytes) -> bytes | None:
        """The value of the first field of a name, which is compared as sent."""
        return next((value for found, value in self.fields if found == name), None)

    def joined(self, name: bytes) -> bytes | None:
        """The values of all fields of a name."""
        values = [value for found, value in self.fields if found == name]
        return b", ".join(values) if values else None

    def held(self) -> int:
        return LIST_LIMIT - max(self.room, 0) + self.body.window.held


def noted(numbers: Sequence[int], value: int) -> Sequence[int]:
    """These and one more, if there is room."""
    return (*numbers, value) if len(numbers) < MOST_NUMBERS else numbers


_SILENT: Final = Side()
"""Stays empty: most streams of a flood have one side, and many have hardly that."""


class Http2Transaction(Transaction):
    """stream: 0 = a frame about the connection. side: by Direction (entry 0 is not used); all streams share
    the side that has sent nothing."""

    __slots__ = ("_looks", "side", "stream", "weighed")

    def __init__(self, stream: int) -> None:
        super().__init__()
        self.stream = stream
        self.side = [_SILENT, _SILENT, _SILENT]
        self.application = "http2"
        self._looks = 0
        self.weighed = 0
        """What it held when that was asked last."""

    def weight(self) -> int:
        return A_TRANSACTION + self.weighed

    @property
    def is_doh2(self) -> bool:
        """Does it carry DNS?"""
        return self.application == "doh2"

    def speaks(self, direction: int) -> Side:
        """The side, which has sent something."""
        side = self.side[direction]
        if side is _SILENT:
            side = self.side[direction] = Side()
        return side

    def more(self, direction: int) -> None:
        """Something that rules may ask for has come in a direction, whatever they have seen of it already."""
        if not self.stage[direction]:
            self.stage[direction] = HEAD
        if self._looks < MOST_LOOKS:
            self._looks += 1
            self.inspected[direction] = NONE
        if self.cache:
            self.cache = {key: kept for key, kept in self.cache.items() if key[1] != direction}

    def end(self, direction: int, *, truncated: bool) -> None:
        """Nothing more is awaited in a direction. truncated: of a body it should be."""
        side = self.side[direction]
        if side.has_body:
            side.body.close(truncated=truncated)
        self.stage[direction] = DONE

    def grown(self, direction: int) -> Mapping[str, Sequence[Window]]:
        """The bodies, and the files that they are. The body of a response is what file.data is about."""
        found = super().grown(direction)
        if not self.side[direction].has_body:
            return found
        window = self.side[direction].body.window.take()
        if window is None:
            return found
        if direction == Direction.TO_CLIENT:
            return {**found, "http.response_body": (window,), FILE_DATA: (window, *found.get(FILE_DATA, ()))}
        return {**found, "http.request_body": (window,)}

    def held(self) -> int:
        held = sum(file.held() for file in self.files) if self.files else 0
        for side in self.side:
            if side is not _SILENT:
                held += side.held()
        return held

    @property
    def is_over(self) -> bool:
        _, asking, answering = self.stage
        return asking is answering is DONE

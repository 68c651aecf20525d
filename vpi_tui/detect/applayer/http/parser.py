"""HTTP/1: both directions of one connection, requests and responses paired in order."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser, Successor
from vpi_tui.detect.applayer.frames import FrameSpool
from vpi_tui.detect.applayer.http import anomalies
from vpi_tui.detect.applayer.http.asked import asked_by
from vpi_tui.detect.applayer.http.reader import Reader
from vpi_tui.detect.applayer.http.requests import Requests
from vpi_tui.detect.applayer.http.responses import Responses
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, asks_for_tunnel
from vpi_tui.detect.applayer.http.tunnel import Tunnel
from vpi_tui.detect.applayer.http.unanswered import Unanswered
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

# Bound once: until Python 3.12 a member is looked up in its enum by a call.
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
_HEAD, _DONE = Stage.HEAD, Stage.DONE


class HttpParser(Parser):
    """One connection."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.asked = asked_by(self.limits)
        self.waiting = Unanswered()
        """Requests seen, whose response is not complete."""
        self._moved: dict[HttpTransaction, None] = {}
        self._spools: tuple[FrameSpool, ...] = ()
        """By Direction: the message that is read, when rules look at frames."""
        self._successor: Successor | None = None
        self._tunnel: Tunnel | None = None
        self._warnings = 0
        self._requests = Requests(self)
        self._responses = Responses(self)

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        if self._tunnel is not None:
            self._follow(self._tunnel, direction, data)
            return []
        reader: Reader = self._responses if direction == CLIENT else self._requests
        if gap:
            reader.skip(gap)
        if direction == CLIENT and self._requests.begun and self._requests.is_next(self.waiting):
            self._requests.cut_off()  # an answer before the end of the head: HTTP/0.9, or a cut request
        if self.frames.wanted:
            self._spool(direction).add(data)
        reader.feed(data)
        return self._progress() if self._moved else []

    def finish(self) -> list[Transaction]:
        self._requests.finish()
        self._responses.finish()
        if self.waiting:
            for left in self.waiting:
                self.reached(left, SERVER, _DONE)
            self.waiting = Unanswered()
        return self._progress() if self._moved else []

    def part(self) -> None:
        self._requests.part()
        self._responses.part()

    def held(self) -> int:
        held = self._requests.held() + self._responses.held() + self.waiting.held()
        if self._spools:
            held += sum(map(len, self._spools))
        return held + self._tunnel.held() if self._tunnel is not None else held

    def patience(self, direction: int) -> int:
        if self._tunnel is not None or self.frames.wanted:
            return 0
        return (self._responses if direction == CLIENT else self._requests).patience()

    def reached(self, transaction: HttpTransaction, direction: int, stage: Stage) -> None:
        if transaction.stage[direction] < stage:
            transaction.stage[direction] = stage
            self._moved[transaction] = None

    def moved(self, transaction: HttpTransaction) -> None:
        """More of a body has come."""
        self._moved[transaction] = None

    def odd(self, transaction: HttpTransaction, direction: int, name: str) -> None:
        """An anomaly of a message."""
        self._warnings += 1
        if self._warnings == anomalies.MOST_WARNINGS:
            transaction.event(direction, "http.too_many_warnings")
        transaction.event(direction, f"http.{name}")

    def emit(self, direction: int, rest: bytearray) -> None:
        """A message is whole, or will not become so. rest: the bytes behind it."""
        name = "response" if direction == CLIENT else "request"
        self.frames.add(direction, name, self._spool(direction).cut(rest))

    def _spool(self, direction: int) -> FrameSpool:
        if not self._spools:
            self._spools = FrameSpool(), FrameSpool(), FrameSpool()
        return self._spools[direction]

    def successor(self) -> Successor | None:
        return self._successor

    def tunnel(self, cause: HttpTransaction, answered: bytes) -> None:
        """The connection speaks another protocol from here on. answered: what came of it already."""
        self._responses.ignore()
        rest = b"", self._requests.ignore(), answered
        upgrade = cause.response.headers.get(b"upgrade") if cause.response is not None else None
        application = _UPGRADES.get((upgrade or b"").strip().lower())
        if application is not None:
            self._successor = Successor(application, rest, cause)
        elif asks_for_tunnel(cause):
            self._tunnel = Tunnel()
            for direction in (SERVER, CLIENT):
                self._follow(self._tunnel, direction, rest[direction])

    def stays(self, refused: HttpTransaction) -> None:
        """This CONNECT was refused: what is behind it are requests."""
        if refused is self._requests.last:
            self._requests.go_on()

    def _follow(self, tunnel: Tunnel, direction: int, data: bytes) -> None:
        tunnel.feed(direction, data)
        if tunnel.application:
            self._successor = Successor(tunnel.application, (b"", tunnel.rest[SERVER], tunnel.rest[CLIENT]))

    def _progress(self) -> list[Transaction]:
        moved: list[Transaction] = list(self._moved)
        self._moved.clear()
        return moved


_UPGRADES: Final = {b"h2c": "http2", b"websocket": "websocket"}
"""What a server switches to (RFC 9110, 7.8) -> the protocol that goes on."""

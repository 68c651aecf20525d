"""Calls: requests and their responses, put together from PDUs, whatever carried these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from vpi_tui.detect.applayer.dcerpc.pdu import (
    FIRST_FRAGMENT,
    HEADER,
    LAST_FRAGMENT,
    Header,
    Interface,
    Kind,
    parse_bind,
    parse_request,
    parse_response,
    parse_results,
)
from vpi_tui.detect.applayer.transaction import DONE, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
STUB_LIMIT: Final = 262_144
"""Bytes of stub data kept of one direction of a call."""
CALLS_LIMIT: Final = 1_048_576
"""Bytes of stub data kept of all calls of a connection."""
MOST_OPEN: Final = 256
"""Calls that wait for more fragments or for their response."""
MOST_CONTEXTS: Final = 1_024
"""Contexts remembered of a connection."""
A_CALL: Final = 512
"""Bytes that a call costs beside its stub data."""

_REQUEST, _RESPONSE, _FAULT = Kind.REQUEST, Kind.RESPONSE, Kind.FAULT
_BIND, _BIND_ACK, _BIND_NAK = Kind.BIND, Kind.BIND_ACK, Kind.BIND_NAK
_ALTER_CONTEXT, _ALTER_CONTEXT_RESP = Kind.ALTER_CONTEXT, Kind.ALTER_CONTEXT_RESP
_NO_STUBS: Final = (bytearray(), bytearray(), bytearray())
"""Stay empty: most of what SMB carries is no call."""
_ANSWERS: Final = {
    _BIND_ACK: _BIND,
    _BIND_NAK: _BIND,
    _ALTER_CONTEXT_RESP: _ALTER_CONTEXT,
    _RESPONSE: _REQUEST,
    _FAULT: _REQUEST,
}


class Call(Transaction):
    """A request and its response, or a bind and its outcome; what SMB carries besides has neither."""

    __slots__ = (
        "activity", "call_id", "context", "fragments", "interfaces", "opnum", "request", "response",
        "results", "stub",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.activity = b""
        """Of a call over datagrams: its activity, whose call_id is its sequence number."""
        self.call_id = 0
        self.request: int | None = None
        """Kind of the PDU that asks; None = it was not seen."""
        self.response: int | None = None
        self.context = 0
        self.opnum = 0
        self.interfaces: Sequence[Interface] = ()
        """Of a request: those accepted for its context. Of a bind: those asked for."""
        self.results: Sequence[int] = ()
        """Of a bind: what became of each; 0 = accepted."""
        self.stub = _NO_STUBS
        """By Direction."""
        self.fragments = [0, 0, 0]

    @property
    def size(self) -> int:
        return sum(map(len, self.stub))

    def weight(self) -> int:
        return super().weight() + self.size

    def extend(self, direction: int, data: bytes) -> None:
        if self.stub is _NO_STUBS:
            self.stub = (bytearray(), bytearray(), bytearray())
        stub = self.stub[direction]
        stub += data[: STUB_LIMIT - len(stub)]
        self.fragments[direction] += 1


T = TypeVar("T", bound=Call)


class Calls(Generic[T]):
    """What one client and server say to each other. make: gives an empty transaction."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._open: dict[tuple[int, int], T] = {}
        """By kind of what asks and call_id; oldest first."""
        self._accepted: dict[int, Interface] = {}
        """By context."""
        self._held = 0

    def pdu(self, direction: int, header: Header, data: bytes) -> Iterator[T]:
        """The calls that a whole PDU moved on; nothing when it goes the wrong way."""
        body = data[HEADER : header.length]
        moved: T | None = None
        if direction == SERVER and header.kind in (_BIND, _ALTER_CONTEXT):
            moved = self._bind(header, body)
        elif direction == SERVER and header.kind == _REQUEST:
            yield from self._restarted(header)
            moved = self._request(header, body)
        elif direction == CLIENT and header.kind in _ANSWERS:
            moved = self._answer(header, body)
        if moved is not None:
            yield moved
        if self._held > CALLS_LIMIT or len(self._open) > MOST_OPEN:
            yield from self._shrink()

    def finish(self) -> Iterator[T]:
        """Requests that were never completed are seen as far as they go."""
        for call in self._open.values():
            if call.stage[SERVER] != DONE:
                call.stage[SERVER] = DONE
                yield call
            if call.fragments[CLIENT]:
                call.stage[CLIENT] = DONE
                yield call
        self._open.clear()
        self._held = 0

    def held(self) -> int:
        return self._held + A_CALL * len(self._open) + 128 * len(self._accepted)

    def _new(self, kind: int, header: Header) -> T:
        made = self._make()
        made.call_id, made.little_endian = header.call_id, header.little
        former = self._open.pop((kind, header.call_id), None)
        self._held -= former.size if former is not None else 0
        self._open[kind, header.call_id] = made
        return made

    def _close(self, kind: int, call: T) -> None:
        if self._open.get((kind, call.call_id)) is call:
            del self._open[kind, call.call_id]
            self._held -= call.size

    def _shrink(self) -> Iterator[T]:
        while self._open and (self._held > CALLS_LIMIT or len(self._open) > MOST_OPEN):
            key = next(iter(self._open))
            call = self._open.pop(key)
            self._held -= call.size
            call.stage[SERVER] = DONE
            call.over = True
            yield call

    def _bind(self, header: Header, body: bytes) -> T:
        call = self._new(header.kind, header)
        call.request = header.kind
        call.fragments[SERVER] = 1
        call.interfaces = parse_bind(header, body)
        call.stage[SERVER] = DONE
        return call

    def _restarted(self, header: Header) -> Iterator[T]:
        """A first fragment ends what was open under its number."""
        call = self._open.get((_REQUEST, header.call_id))
        if call is None or (call.stage[SERVER] != DONE and not header.flags & FIRST_FRAGMENT):
            return
        self._close(_REQUEST, call)
        call.over = True
        if call.stage[SERVER] != DONE:
            call.stage[SERVER] = DONE
            yield call

    def _request(self, header: Header, body: bytes) -> T | None:
        found = parse_request(header, body)
        if found is None:
            return None
        call = self._open.get((_REQUEST, header.call_id))
        fresh = call is None
        if call is None:
            call = self._new(_REQUEST, header)
            call.request, call.context, call.opnum = _REQUEST, found.context, found.opnum
        before = call.size
        call.extend(SERVER, found.stub)
        self._held += call.size - before
        edges = header.flags & (FIRST_FRAGMENT | LAST_FRAGMENT)
        if not edges & LAST_FRAGMENT and not (fresh and not edges):
            return None
        call.interfaces = self._of_context(call.context)
        call.stage[SERVER] = DONE
        return call

    def _of_context(self, context: int) -> tuple[Interface, ...]:
        found = self._accepted.get(context)
        return () if found is None else (found,)

    def _answer(self, header: Header, body: bytes) -> T | None:
        asked = _ANSWERS[Kind(header.kind)]
        call = self._open.get((asked, header.call_id)) or self._new(asked, header)
        call.response = header.kind
        if header.kind != _RESPONSE:
            call.fragments[CLIENT] = 1
            if header.kind in (_BIND_ACK, _ALTER_CONTEXT_RESP):
                self._accept(call, parse_results(header, body))
        else:
            before = call.size
            call.extend(CLIENT, parse_response(body))
            self._held += call.size - before
            edges = header.flags & (FIRST_FRAGMENT | LAST_FRAGMENT)
            if not edges & LAST_FRAGMENT and not (call.fragments[CLIENT] == 1 and not edges):
                return None
            call.interfaces = call.interfaces or self._of_context(call.context)
        if call.request is not None:
            call.stage[SERVER] = DONE
        call.stage[CLIENT] = DONE
        self._close(asked, call)
        return call

    def _accept(self, call: T, results: list[int]) -> None:
        call.results = results
        for interface, result in zip(call.interfaces, results, strict=False):
            if result == 0:
                self._accepted.pop(interface.context, None)
                self._accepted[interface.context] = interface
        while len(self._accepted) > MOST_CONTEXTS:
            del self._accepted[next(iter(self._accepted))]

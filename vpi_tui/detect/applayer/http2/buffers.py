"""What rules see of HTTP/2: its frames, and its messages in the buffers of HTTP/1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Buffer, Getter
from vpi_tui.detect.applayer.dns import DNS
from vpi_tui.detect.applayer.files import FILE_DATA
from vpi_tui.detect.applayer.http2.transaction import Http2Transaction, Side
from vpi_tui.detect.applayer.transaction import EVENTS, Stage
from vpi_tui.model.batch import Direction

Get = Callable[[Side, int], Iterable[bytes | None]]
_PROTOCOL: Final = b"HTTP/2"


def _buffer(name: str, directions: int, get: Get, *, empty: bool = False) -> Buffer:
    """get: (side, direction) -> instances, of which None and (unless empty) b"" are none."""

    def instances(transaction: Http2Transaction, direction: int) -> Sequence[bytes]:
        found = get(transaction.side[direction], direction)
        return [value for value in found if value is not None and (value or empty)]

    return Buffer(name, directions, Stage.HEAD, instances)


def _field(name: str, directions: int, field: bytes) -> Buffer:
    """One that is empty is taken for none, unlike in HTTP/1: as in Suricata 8."""
    return _buffer(name, directions, lambda side, _: (side.joined(field),))


def _first(name: str, directions: int, field: bytes) -> Buffer:
    return _buffer(name, directions, lambda side, _: (side.first(field),))


def _numbers(name: str, size: int, get: Callable[[Side], Iterable[int]]) -> Buffer:
    return _buffer(name, BOTH, lambda side, _: (number.to_bytes(size) for number in get(side)))


def _cookie_name(direction: int) -> bytes:
    return b"cookie" if direction == Direction.TO_SERVER else b"set-cookie"


def _header(side: Side, direction: int) -> Iterator[bytes]:
    """All fields but cookies, a line each."""
    cookie = _cookie_name(direction)
    yield b"".join(
        name + b": " + value.strip(b" \t") + b"\r\n" for name, value in side.fields if name.lower() != cookie
    )


def _raw_header(side: Side, _direction: int) -> Iterator[bytes]:
    yield b"".join(name + b": " + value + b"\r\n" for name, value in side.fields)


def _names(side: Side, _direction: int) -> Iterator[bytes]:
    if side.fields:
        yield b"\r\n" + b"".join(name + b"\r\n" for name, _ in side.fields) + b"\r\n"


def _lines(side: Side, _direction: int) -> Iterator[bytes]:
    return (name + b": " + value for name, value in side.fields)


def _escaped(side: Side, _direction: int) -> Iterator[bytes]:
    return (name.replace(b":", b"::") + b": " + value.replace(b":", b"::") for name, value in side.fields)


def _raw_host(side: Side, _direction: int = Direction.TO_SERVER) -> Iterator[bytes | None]:
    authority = side.joined(b":authority")
    yield side.joined(b"host") if authority is None else authority


def _host(side: Side, _direction: int) -> Iterator[bytes | None]:
    """In lower case, without userinfo and port."""
    host = next(_raw_host(side))
    if host is not None:
        host = host.rpartition(b"@")[2]
        yield (host.partition(b"]")[0] + b"]" if host.startswith(b"[") else host.partition(b":")[0]).lower()


def _request_line(side: Side, _direction: int) -> Iterator[bytes]:
    method, path = side.first(b":method"), side.first(b":path")
    if method is not None and path is not None:
        yield b" ".join((method, path, _PROTOCOL)) + b"\r\n"


def _response_line(side: Side, _direction: int) -> Iterator[bytes]:
    status = side.first(b":status")
    if status is not None:
        yield _PROTOCOL + b" " + status + b"\r\n"


def _body(transaction: Http2Transaction, direction: int) -> Sequence[bytes]:
    data = transaction.side[direction].body.data()
    return (data,) if data else ()


def _file_data(transaction: Http2Transaction, direction: int) -> Sequence[bytes]:
    if direction == Direction.TO_CLIENT:
        return _body(transaction, direction)
    return [data for file in transaction.files if file.direction == direction and (data := file.tail())]


def _growing(name: str, directions: int, get: Getter) -> Buffer:
    return Buffer(name, directions, Stage.HEAD, get, grows=True)


HTTP: Final = (
    _first("http.uri", TO_SERVER, b":path"),
    _first("http.uri.raw", TO_SERVER, b":path"),
    _first("http.method", TO_SERVER, b":method"),
    _first("http.stat_code", TO_CLIENT, b":status"),
    _buffer("http.request_line", TO_SERVER, _request_line),
    _buffer("http.response_line", TO_CLIENT, _response_line),
    _buffer("http.stat_msg", TO_CLIENT, lambda _side, _direction: (b"",), empty=True),
    _buffer("http.protocol", BOTH, lambda _side, _direction: (_PROTOCOL,)),
    _buffer("http.host", TO_SERVER, _host),
    _buffer("http.host.raw", TO_SERVER, _raw_host),
    _growing("http.request_body", TO_SERVER, _body),
    _growing("http.response_body", TO_CLIENT, _body),
    _growing(FILE_DATA, BOTH, _file_data),
    _buffer("http.header", BOTH, _header),
    _buffer("http.header.raw", BOTH, _raw_header),
    _buffer("http.header_names", BOTH, _names),
    _buffer("http.request_header", TO_SERVER, _lines),
    _buffer("http.response_header", TO_CLIENT, _lines),
    _buffer("http.cookie", BOTH, lambda side, direction: (side.joined(_cookie_name(direction)),)),
    _field("http.user_agent", TO_SERVER, b"user-agent"),
    _field("http.referer", TO_SERVER, b"referer"),
    _field("http.accept", TO_SERVER, b"accept"),
    _field("http.accept_enc", TO_SERVER, b"accept-encoding"),
    _field("http.accept_lang", TO_SERVER, b"accept-language"),
    _field("http.location", TO_CLIENT, b"location"),
    _field("http.server", TO_CLIENT, b"server"),
    _field("http.connection", BOTH, b"connection"),
    _field("http.content_type", BOTH, b"content-type"),
    _field("http.content_len", BOTH, b"content-length"),
)
FRAMES: Final = (
    _numbers("http2.frametype", 1, lambda side: side.kinds),
    _numbers("http2.errorcode", 4, lambda side: side.errors),
    _numbers("http2.priority", 1, lambda side: side.priorities),
    _numbers("http2.window", 4, lambda side: side.windows),
    _numbers("http2.size_update", 8, lambda side: side.size_updates),
    _numbers("http2.settings", 6, lambda side: side.settings),
    _buffer("http2.header", BOTH, _escaped),
    _buffer("http2.header_name", BOTH, lambda side, _direction: (name for name, _ in side.fields)),
)
BUFFERS: Final = HTTP + FRAMES


def _of_dns(buffer: Buffer) -> Buffer:
    """A buffer of DNS, of the message that a stream carries."""

    def instances(transaction: Http2Transaction, direction: int) -> Sequence[bytes]:
        dns = transaction.side[direction].dns
        return buffer.get(dns, direction) if dns is not None else ()

    return Buffer(buffer.name, buffer.directions, Stage.DONE, instances)


DNS_BUFFERS: Final = tuple(_of_dns(buffer) for name, buffer in DNS.buffers.items() if name != EVENTS)

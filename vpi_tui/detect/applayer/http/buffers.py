"""What rules see of an HTTP transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import BOTH, TO_CLIENT, TO_SERVER, Buffer, Stage
from vpi_tui.detect.applayer.files import FILE_DATA
from vpi_tui.detect.applayer.http import uri
from vpi_tui.detect.applayer.http.headers import Headers
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Request, Response
from vpi_tui.model.batch import Direction

Value = bytes | None
_PORT: Final = frozenset(b"0123456789")


def _message(transaction: HttpTransaction, direction: int) -> Request | Response | None:
    return transaction.response if direction == Direction.TO_CLIENT else transaction.request


def _of_request(
    name: str, get: Callable[[Request], Value], stage: Stage = Stage.HEAD, empty: bool = False
) -> Buffer:
    def instances(transaction: HttpTransaction, _direction: int) -> Sequence[bytes]:
        value = get(transaction.request) if transaction.request is not None else None
        return () if value is None or not (value or empty) else (value,)

    return Buffer(name, TO_SERVER, stage, instances)


def _of_response(name: str, get: Callable[[Response], Value], stage: Stage = Stage.HEAD) -> Buffer:
    def instances(transaction: HttpTransaction, _direction: int) -> Sequence[bytes]:
        value = get(transaction.response) if transaction.response is not None else None
        return (value,) if value else ()

    return Buffer(name, TO_CLIENT, stage, instances)


def _of_message(name: str, get: Callable[[Request | Response], Value], stage: Stage = Stage.HEAD) -> Buffer:
    def instances(transaction: HttpTransaction, direction: int) -> Sequence[bytes]:
        message = _message(transaction, direction)
        value = get(message) if message is not None else None
        return (value,) if value else ()

    return Buffer(name, BOTH, stage, instances)


def _field(name: bytes) -> Callable[[Request | Response], Value]:
    return lambda message: message.headers.get(name)


def _cookie_name(message: Request | Response) -> bytes:
    return b"cookie" if isinstance(message, Request) else b"set-cookie"


def _header(message: Request | Response) -> bytes:
    """All fields but the cookie, a line each."""
    text = message.headers.text(without=_cookie_name(message))
    return text if message.trailer is None else text + message.trailer.text()


def _raw_header(message: Request | Response) -> bytes:
    return message.headers.raw + (message.trailer.raw if message.trailer is not None else b"")


def _start(message: Request | Response) -> bytes:
    return message.start.line + b"\r\n" + message.headers.raw


def _names(message: Request | Response) -> Value:
    return message.headers.names() if message.headers.fields else None


def raw_host(request: Request) -> Value:
    """The host as sent: of the URI, or of its own field."""
    authority = uri.split(request.start.uri)[0].rpartition(b"@")[2]
    return authority or request.headers.get(b"host")


def _host(request: Request) -> Value:
    """The host in lower case and without its port."""
    host = raw_host(request)
    if not host:
        return None
    name, colon, port = host.rpartition(b":")
    if colon and port and all(byte in _PORT for byte in port):
        host = name
    return host.lower()


def _lines(headers: Headers, trailer: Headers | None) -> Iterator[bytes]:
    yield from headers.lines()
    if trailer is not None:
        yield from trailer.lines()


def _request_header(transaction: HttpTransaction, _direction: int) -> Sequence[bytes]:
    found = transaction.request
    return list(_lines(found.headers, found.trailer)) if found is not None else ()


def _response_header(transaction: HttpTransaction, _direction: int) -> Sequence[bytes]:
    found = transaction.response
    return list(_lines(found.headers, found.trailer)) if found is not None else ()


def _growing(name: str, directions: int, get: Callable[[HttpTransaction, int], Sequence[bytes]]) -> Buffer:
    return Buffer(name, directions, Stage.HEAD, get, grows=True)


def _held(message: Request | Response | None) -> Sequence[bytes]:
    data = message.body.data() if message is not None else b""
    return (data,) if data else ()


def _file_data(transaction: HttpTransaction, direction: int) -> Sequence[bytes]:
    if direction == Direction.TO_CLIENT:
        return _held(transaction.response)
    return [data for file in transaction.files if file.direction == direction and (data := file.tail())]


BUFFERS: Final = (
    _of_request("http.uri", lambda r: uri.normalise(r.start.uri)),
    _of_request("http.uri.raw", lambda r: r.start.uri),
    _of_request("http.method", lambda r: r.start.method),
    _of_request("http.request_line", lambda r: r.start.line),
    _of_request("http.host", _host),
    _of_request("http.host.raw", raw_host),
    _growing("http.request_body", TO_SERVER, lambda t, _d: _held(t.request)),
    _of_request("http.user_agent", _field(b"user-agent"), empty=True),
    _of_request("http.referer", _field(b"referer"), empty=True),
    _of_request("http.accept", _field(b"accept"), empty=True),
    _of_request("http.accept_enc", _field(b"accept-encoding"), empty=True),
    _of_request("http.accept_lang", _field(b"accept-language"), empty=True),
    _of_response("http.stat_code", lambda r: r.start.code),
    _of_response("http.stat_msg", lambda r: r.start.message),
    _of_response("http.response_line", lambda r: r.start.line),
    _of_response("http.location", _field(b"location")),
    _of_response("http.server", _field(b"server")),
    _growing("http.response_body", TO_CLIENT, lambda t, _d: _held(t.response)),
    _of_message("http.header", _header),
    _of_message("http.header.raw", _raw_header),
    _of_message("http.header_names", _names),
    _of_message("http.start", _start),
    _of_message("http.protocol", lambda m: m.start.protocol),
    _of_message("http.cookie", lambda m: m.headers.get(_cookie_name(m))),
    _of_message("http.connection", _field(b"connection")),
    _of_message("http.content_type", _field(b"content-type")),
    _of_message("http.content_len", _field(b"content-length")),
    _growing(FILE_DATA, BOTH, _file_data),
    Buffer("http.request_header", TO_SERVER, Stage.HEAD, _request_header),
    Buffer("http.response_header", TO_CLIENT, Stage.HEAD, _response_header),
)

"""What rules see of an HTTP transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Buffer
from vpi_tui.detect.applayer.files import FILE_DATA
from vpi_tui.detect.applayer.http import uri
from vpi_tui.detect.applayer.http.headers import Headers
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Request, Response
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

Value = bytes | None
_CLIENT: Final = Direction.TO_CLIENT
_COOKIE, _SET_COOKIE = b"cookie", b"set-cookie"


def _of_request(name: str, get: Callable[[Request], Value], stage: Stage = Stage.HEAD) -> Buffer:
    def instances(transaction: HttpTransaction, _direction: int) -> Sequence[bytes]:
        request = transaction.request
        value = get(request) if request is not None else None
        return (value,) if value else ()

    return Buffer(name, TO_SERVER, stage, instances)


def _of_response(name: str, get: Callable[[Response], Value], stage: Stage = Stage.HEAD) -> Buffer:
    def instances(transaction: HttpTransaction, _direction: int) -> Sequence[bytes]:
        response = transaction.response
        value = get(response) if response is not None else None
        return () if value is None else (value,)

    return Buffer(name, TO_CLIENT, stage, instances)


def _of_message(name: str, get: Callable[[Request | Response], Value], stage: Stage = Stage.HEAD) -> Buffer:
    def instances(transaction: HttpTransaction, direction: int) -> Sequence[bytes]:
        message = transaction.response if direction == _CLIENT else transaction.request
        value = get(message) if message is not None else None
        return (value,) if value else ()

    return Buffer(name, BOTH, stage, instances)


def _field(name: str, directions: int, field: bytes, of_response: bytes = b"") -> Buffer:
    """The value of a header field by its lower-case name; one that is empty is there all the same.

    of_response: its name in responses, where it is another.
    """

    def instances(transaction: HttpTransaction, direction: int) -> Sequence[bytes]:
        to_client = directions == TO_CLIENT or (directions == BOTH and direction == _CLIENT)
        message = transaction.response if to_client else transaction.request
        named = (of_response or field) if to_client else field
        found = message.headers.fields.get(named) if message is not None else None
        return (found[1],) if found is not None else ()

    return Buffer(name, directions, Stage.HEAD, instances)


def _cookie_name(message: Request | Response) -> bytes:
    return _COOKIE if isinstance(message, Request) else _SET_COOKIE


def _header(message: Request | Response) -> bytes:
    """All fields but the cookie, a line each."""
    text = message.headers.text(without=_cookie_name(message))
    return text if message.trailer is None else text + message.trailer.text()


def _raw_header(message: Request | Response) -> bytes:
    return message.headers.raw + (message.trailer.raw if message.trailer is not None else b"")


def _start(message: Request | Response) -> bytes:
    """The first line, and behind it all fields as rules see them."""
    text = message.headers.text()
    return message.start.line + b"\r\n" + (text + b"\r\n" if text else b"")


def _names(message: Request | Response) -> Value:
    return message.headers.names() if message.headers.fields else None


def _uri(request: Request) -> Value:
    return uri.of_request(request.start.method, request.start.uri)


def _raw_host(request: Request) -> Value:
    """The host that the URI names, or else its own field as sent."""
    return uri.asked_of(request.start.method, request.start.uri).host or request.headers.get(b"host")


def _host(request: Request) -> Value:
    return host_of(request).host


def host_of(request: Request) -> uri.Authority:
    """The host that a request is for, in lower case, and the port that is named with it."""
    asked = uri.asked_of(request.start.method, request.start.uri)
    if asked.host:
        return asked
    host, port, end = uri.authority_in(request.headers.get(b"host") or b"")
    return uri.Authority(host and host.lower(), port, end)


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
    if direction == _CLIENT:
        return _held(transaction.response)
    return [data for file in transaction.files if file.direction == direction and (data := file.tail())]


BUFFERS: Final = (
    _of_request("http.uri", _uri),
    _of_request("http.uri.raw", lambda r: r.start.uri),
    _of_request("http.method", lambda r: r.start.method),
    _of_request("http.request_line", lambda r: r.start.line),
    _of_request("http.host", _host),
    _of_request("http.host.raw", _raw_host),
    _growing("http.request_body", TO_SERVER, lambda t, _d: _held(t.request)),
    _field("http.user_agent", TO_SERVER, b"user-agent"),
    _field("http.referer", TO_SERVER, b"referer"),
    _field("http.accept", TO_SERVER, b"accept"),
    _field("http.accept_enc", TO_SERVER, b"accept-encoding"),
    _field("http.accept_lang", TO_SERVER, b"accept-language"),
    _of_response("http.stat_code", lambda r: r.start.code or None),
    _of_response("http.stat_msg", lambda r: r.start.message),
    _of_response("http.response_line", lambda r: r.start.line or None),
    _field("http.location", TO_CLIENT, b"location"),
    _field("http.server", TO_CLIENT, b"server"),
    _growing("http.response_body", TO_CLIENT, lambda t, _d: _held(t.response)),
    _of_message("http.header", _header),
    _of_message("http.header.raw", _raw_header),
    _of_message("http.header_names", _names),
    _of_message("http.start", _start),
    _of_message("http.protocol", lambda m: m.start.protocol),
    _field("http.cookie", BOTH, _COOKIE, _SET_COOKIE),
    _field("http.connection", BOTH, b"connection"),
    _field("http.content_type", BOTH, b"content-type"),
    _field("http.content_len", BOTH, b"content-length"),
    _growing(FILE_DATA, BOTH, _file_data),
    Buffer("http.request_header", TO_SERVER, Stage.HEAD, _request_header),
    Buffer("http.response_header", TO_CLIENT, Stage.HEAD, _response_header),
)

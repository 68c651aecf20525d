"""http: the request line, the fields that tell most, the response."""

from __future__ import annotations

import re
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.http.buffers import host_of
from vpi_tui.detect.applayer.http.transaction import HttpTransaction, Request, Response

_RANGE: Final = re.compile(rb"bytes\s+(\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")
_PORT: Final = re.compile(rb"\d{1,5}")


def describe(transaction: HttpTransaction) -> dict[str, Any]:
    request, response = transaction.request, transaction.response
    answered = _response(response) if response else {"length": 0}
    return {"http": {**(_request(request) if request else {}), **answered}}


def _request(request: Request) -> dict[str, Any]:
    host, port, _ = host_of(request)
    return filled(
        hostname=host,
        http_port=int(port) if port is not None and _PORT.fullmatch(port) else None,
        url=request.start.uri,
        http_user_agent=request.headers.get(b"user-agent"),
        xff=request.headers.get(b"x-forwarded-for"),
        http_refer=request.headers.get(b"referer"),
        http_method=request.start.method,
        protocol=request.start.protocol,
    )


def _response(response: Response) -> dict[str, Any]:
    code = response.start.code
    status: dict[str, Any] = {}
    if code.isdigit() and len(code) < 6:
        status["status"] = int(code)
    elif code:
        status["status_string"] = text(code)
    kind = response.headers.get(b"content-type") or b""
    return filled(
        http_content_type=kind.partition(b";")[0].strip(),
        content_range=_content_range(response.headers.get(b"content-range") or b""),
        redirect=response.headers.get(b"location"),
        length=response.body.size + response.body.beside,
        **status,
    )


def _content_range(value: bytes) -> dict[str, Any]:
    if not value:
        return {}
    found = _RANGE.match(value)
    if found is None:
        return {"raw": text(value)}
    size = {} if found[3] == b"*" else {"size": int(found[3])}
    return {"raw": text(value), "start": int(found[1]), "end": int(found[2]), **size}

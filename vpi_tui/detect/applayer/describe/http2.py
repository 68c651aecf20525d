"""http, of HTTP/2: its pseudo-header fields as in HTTP/1, all fields, and what the frames say."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe import dns
from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.http2.transaction import Http2Transaction, Side
from vpi_tui.model.batch import Direction

MOST_FIELDS: Final = 64
"""Header fields of one side that are written."""
_MOST_DIGITS: Final = 20
ERRORS: Final = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip
"""By number; RFC 9113, 7."""
SETTINGS: Final = (
    "SETTINGS_HEADER_TABLE_SIZE", "SETTINGS_ENABLE_PUSH", "SETTINGS_MAX_CONCURRENT_STREAMS",
    "SETTINGS_INITIAL_WINDOW_SIZE", "SETTINGS_MAX_FRAME_SIZE", "SETTINGS_MAX_HEADER_LIST_SIZE",
)  # fmt: skip
"""From number 1 on; RFC 9113, 6.5.2."""


def describe(transaction: Http2Transaction) -> dict[str, Any]:
    asked, told = transaction.side[Direction.TO_SERVER], transaction.side[Direction.TO_CLIENT]
    status = told.first(b":status") or b""
    kind = told.first(b"content-type") or b""
    body = filled(
        version="2",
        hostname=(asked.joined(b":authority") or asked.first(b"host") or b"").rpartition(b"@")[2],
        url=asked.first(b":path"),
        http_user_agent=asked.first(b"user-agent"),
        http_refer=asked.first(b"referer"),
        http_method=asked.first(b":method"),
        http_content_type=kind.partition(b";")[0].strip(),
        redirect=told.first(b"location"),
        status=int(status) if status.isdigit() and len(status) < 6 else None,
        length=_length(asked, told),
        request_headers=_fields(asked),
        response_headers=_fields(told),
    )
    http2 = filled(request=_frames(asked), response=_frames(told))
    found: dict[str, Any] = {"http": {**body, "http2": {"stream_id": transaction.stream, **http2}}}
    message = told.dns or asked.dns
    return {**found, **dns.describe(message)} if message is not None else found


def _length(asked: Side, told: Side) -> int | None:
    """What the response says, or else the request; what has come where neither says it."""
    said = told.first(b"content-length") or asked.first(b"content-length") or b""
    if said.isdigit() and len(said) < _MOST_DIGITS:
        return int(said)
    return told.body.size if told.has_body else None


def _fields(side: Side) -> list[dict[str, Any]]:
    updates = [{"table_size_update": size} for size in side.size_updates]
    return updates + [{"name": text(name), "value": text(value)} for name, value in side.fields[:MOST_FIELDS]]


def _frames(side: Side) -> dict[str, Any]:
    return filled(
        settings=[
            {"settings_id": SETTINGS[(one >> 32) - 1], "settings_value": one & 0xFFFFFFFF}
            for one in side.settings
        ],
        priority=next(iter(side.priorities), None),
        error_code=next(iter(map(_error, side.errors)), None),
    )


def _error(code: int) -> str:
    return ERRORS[code] if code < len(ERRORS) else str(code)

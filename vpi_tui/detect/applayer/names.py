"""How rules spell buffers: the sticky names, their older forms, and the modifiers of content.

Kept apart from the parsers, so that reading rules imports none of them. Source: the keyword chapters
of the Suricata user guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.transforms import base_of


@dataclass(frozen=True, slots=True)
class BufferName:
    """name: the sticky buffer; sticky: other spellings of it; modifiers: words after a content.

    multi: there may be several instances, and each time that a rule names it, it means one of them.
    """

    name: str
    summary: str
    sticky: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    multi: bool = False


BUFFER_NAMES: Final = (
    BufferName("http.uri", "normalised URI", modifiers=("http_uri",)),
    BufferName("http.uri.raw", "URI as sent", modifiers=("http_raw_uri",)),
    BufferName("http.method", "request method", modifiers=("http_method",)),
    BufferName("http.header", "headers, normalised", modifiers=("http_header",)),
    BufferName("http.header.raw", "headers as sent", modifiers=("http_raw_header",)),
    BufferName("http.cookie", "cookies", modifiers=("http_cookie",)),
    BufferName("http.host", "host, lower case, without port", modifiers=("http_host",)),
    BufferName("http.host.raw", "host as sent", modifiers=("http_raw_host",)),
    BufferName("http.user_agent", "User-Agent", modifiers=("http_user_agent",)),
    BufferName("http.request_body", "request body", modifiers=("http_client_body",)),
    BufferName("http.response_body", "response body", modifiers=("http_server_body",)),
    BufferName("http.stat_code", "status code", modifiers=("http_stat_code",)),
    BufferName("http.stat_msg", "status message", modifiers=("http_stat_msg",)),
    BufferName("http.header_names", "names of the headers", ("http_header_names",)),
    BufferName("http.accept", "Accept", ("http_accept",)),
    BufferName("http.accept_enc", "Accept-Encoding", ("http_accept_enc",)),
    BufferName("http.accept_lang", "Accept-Language", ("http_accept_lang",)),
    BufferName("http.connection", "Connection", ("http_connection",)),
    BufferName("http.content_type", "Content-Type", ("http_content_type",)),
    BufferName("http.content_len", "Content-Length", ("http_content_len",)),
    BufferName("http.referer", "Referer", ("http_referer",)),
    BufferName("http.protocol", "protocol and version", ("http_protocol",)),
    BufferName("http.start", "first line and headers", ("http_start",)),
    BufferName("http.request_line", "request line", ("http_request_line",)),
    BufferName("http.response_line", "response line", ("http_response_line",)),
    BufferName("http.location", "Location"),
    BufferName("http.server", "Server"),
    BufferName("http.request_header", "one header of a request", multi=True),
    BufferName("http.response_header", "one header of a response", multi=True),
    BufferName("file.data", "content of a file", ("file_data",)),
)
"""One line for each buffer of an application layer."""

MULTI: Final = frozenset(buffer.name for buffer in BUFFER_NAMES if buffer.multi)
INSTANCE: Final = "#"
"""Between the name of a buffer and which mention of it in a rule is meant, from the second on."""


def plain_name(buffer: str) -> str:
    """The name of a buffer without the number of its mention and without transforms."""
    return base_of(buffer).partition(INSTANCE)[0]

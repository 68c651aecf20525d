"""What is odd about a message, as the names of Suricata's events (rules/http-events.rules, rust/htp).

What is usual is told by one look, so that plain messages cost next to nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.http.headers import Headers, content_length, is_chunked
from vpi_tui.detect.applayer.http.lines import RequestLine, StatusLine
from vpi_tui.detect.applayer.http.uri import Authority, asked_of, authority_in

_METHODS: Final = frozenset(
    b"GET PUT POST DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK "
    b"VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY "
    b"BASELINE-CONTROL MERGE INVALID HEAD".split()
)
"""Those that libhtp knows: what begins with another word does not follow a request as a request."""
FILE_NAME_LIMIT: Final = 4_096
MOST_WARNINGS: Final = 512
"""Anomalies of one connection, of which there are too many then."""
_NAMES: Final = {
    "field_too_long": "{}_field_too_long",
    "field_missing_colon": "{}_field_missing_colon",
    "header_invalid": "{}_header_invalid",
    "header_repetition": "{}_header_repetition",
    "too_many_headers": "{}_too_many_headers",
    "invalid_field_folding": "invalid_{}_field_folding",
    "invalid_chunk_length": "invalid_{}_chunk_len",
    "chunk_extension": "{}_chunk_extension",
    "duplicate_content_length": "duplicate_content_length_field_in_{}",
    "invalid_content_length": "invalid_content_length_field_in_{}",
}
REQUEST_NAMES: Final = {name: form.format("request") for name, form in _NAMES.items()}
RESPONSE_NAMES: Final = {name: form.format("response") for name, form in _NAMES.items()}
"""What either side may have -> its event."""

_SPACES: Final = b" \t\r\n\x0b\x0c"
_BEHIND_METHOD: Final = re.compile(rb"[^ \t\r\n\x0b\x0c]*([ \t\r\n\x0b\x0c]*)")
_ODD_DELIMITER: Final = re.compile(rb"[\t\r\n\x0b\x0c]")
_VERSION: Final = re.compile(rb"\s*HTTP\s*/[\s0]*(\.9|1\.0|1\.1)\s*", re.IGNORECASE)
_NEWEST: Final = b"1.1"
_USUAL_VERSIONS: Final = {b"HTTP/1.1": _NEWEST, b"HTTP/1.0": b"1.0"}
_USUAL_CODES: Final = frozenset(b"%d" % code for code in range(100, 600))
_JUDGED_OF_REQUEST: Final = frozenset((b"transfer-encoding", b"content-length", b"authorization"))
"""Fields whose values are looked at, besides Host."""
_SCHEME: Final = re.compile(rb"basic|digest|bearer", re.IGNORECASE)
_USUAL_HOST: Final = re.compile(
    rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,60}\.?(?::[1-9][0-9]{0,3})?"
)
_CODINGS: Final = frozenset(b"gzip x-gzip deflate x-deflate lzma br inflate none".split())
_LISTED: Final = frozenset(b"gzip x-gzip deflate x-deflate lzma inflate none identity".split())
"""Content codings that libhtp knows alone, and in a list of several."""
_RANGE: Final = re.compile(
    rb"\s*bytes[ \t]+(?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)", re.IGNORECASE
)


def is_method(word: bytes) -> bool:
    return word in _METHODS


def may_be_method(word: bytes) -> bool:
    """The same of a word that may not be all here."""
    return any(method.startswith(word) for method in _METHODS)


def of_request_line(start: RequestLine) -> Iterator[str]:
    """Of a line that `usual_request_line` does not know."""
    line = start.line.lstrip(_SPACES)
    if len(line) < len(start.line):
        yield "request_line_leading_whitespace"
    behind = _BEHIND_METHOD.match(line)
    if behind is not None and _ODD_DELIMITER.search(behind[1]):
        yield "method_delim_non_compliant"
    if _ODD_DELIMITER.search(start.uri):
        yield "uri_delim_non_compliant"
    if not is_method(start.method) and not _version(start.protocol):
        yield "request_line_invalid"
    host, port, _ = asked_of(start.method, start.uri)
    if host is not None and not (_is_host(host) and _is_port(port)):
        yield "request_uri_host_invalid"


def is_usual_request(start: RequestLine, headers: Headers) -> bool:
    """Has `of_request` nothing to say, as one look tells of most?"""
    host = headers.fields.get(b"host")
    return (
        host is not None
        and start.protocol in _USUAL_VERSIONS
        and start.uri.startswith(b"/")
        and headers.fields.keys().isdisjoint(_JUDGED_OF_REQUEST)
        and _USUAL_HOST.fullmatch(host[1]) is not None
    )


def is_usual_response(start: StatusLine, headers: Headers) -> bool:
    """Has `of_response` nothing to say, as one look tells of most?"""
    fields = headers.fields
    if start.protocol not in _USUAL_VERSIONS or start.code not in _USUAL_CODES:
        return False
    if b"transfer-encoding" in fields or b"content-range" in fields:
        return False
    if b"content-length" in fields:
        return fields[b"content-length"][1].isdigit()
    return b"content-type" not in fields or b"multipart" not in fields[b"content-type"][1].lower()


def of_request(start: RequestLine, headers: Headers) -> Iterator[str]:
    version, fields = _version(start.protocol), headers.fields
    if not start.protocol and headers.raw.strip(_SPACES):
        yield "request_line_missing_protocol"
    if b"transfer-encoding" in fields:
        if version != _NEWEST or not is_chunked(headers):
            yield "invalid_transfer_encoding_value_in_request"
    elif b"content-length" in fields and content_length(fields[b"content-length"][1]) is None:
        yield "invalid_content_length"
    host = headers.get(b"host")
    if host is None:
        if version == _NEWEST:
            yield "missing_host_header"
    elif not start.uri.startswith(b"/") or not _USUAL_HOST.fullmatch(host):
        yield from _of_host(host, asked_of(start.method, start.uri))
    if b"authorization" in fields and not _SCHEME.match(fields[b"authorization"][1]):
        yield "request_auth_unrecognized"


def _of_host(host: bytes, asked: Authority) -> Iterator[str]:
    """A Host field that is not of the usual form, or stands beside a host in the URI."""
    found = authority_in(host)
    if found.host is None:
        if asked.host is not None:
            yield "host_header_ambiguous"
        return
    cut = found.port is None and found.end < len(host)
    if not (_is_host(found.host) and _is_port(found.port)) or cut:
        yield "request_header_host_invalid"
    if asked.host is not None:
        both = asked.port is not None and found.port is not None
        others = both and _number(asked.port) != _number(found.port)
        if others or asked.host.lower() != found.host.lower():
            yield "host_header_ambiguous"


def of_response(start: StatusLine, headers: Headers) -> Iterator[str]:
    version, fields = _version(start.protocol), headers.fields
    if not version:
        yield "response_invalid_protocol"
    if not (len(start.code) == 3 and start.code.isdigit() and start.code >= b"100"):
        yield "response_invalid_status"
    if b"transfer-encoding" in fields and is_chunked(headers):
        if fields[b"transfer-encoding"][1].lower() != b"chunked":
            yield "response_abnormal_transfer_encoding"
        if version != _NEWEST:
            yield "response_chunked_old_proto"
    elif b"content-length" in fields:
        length = fields[b"content-length"][1]
        if not length.isdigit() and content_length(length) is None:
            yield "invalid_content_length"
    elif b"content-type" in fields and b"multipart/byteranges" in fields[b"content-type"][1].lower():
        yield "response_multipart_byteranges"
    # It is looked at with the first byte of the body.
    has_body = headers.get(b"content-length") != b"0"
    if has_body and b"content-range" in fields and _is_odd_range(fields[b"content-range"][1]):
        yield "range_invalid"


def of_codings(coding: bytes | None, layers: int) -> Iterator[str]:
    """Of the Content-Encoding of a response. layers: how many are undone."""
    if not coding or coding.replace(b"\0", b"").lower() in _CODINGS:
        return
    for number, part in enumerate(part for part in re.split(rb"[, ]+", coding) if part):
        if number >= layers:
            yield "too_many_encoding_layers"
            return
        if part not in _LISTED:
            yield "abnormal_ce_header"


def _version(protocol: bytes) -> bytes:
    """`1.1`, `1.0` or `.9`; b"" = of no HTTP/1."""
    if protocol in _USUAL_VERSIONS:
        return _USUAL_VERSIONS[protocol]
    found = _VERSION.fullmatch(protocol)
    return found[1] if found is not None else b""


def _number(port: bytes | None) -> int | None:
    text = (port or b"").rstrip(b" ")
    return int(text) if text.isdigit() and len(text) <= 5 and 0 < int(text) < 0x10000 else None


def _is_port(port: bytes | None) -> bool:
    return port is None or _number(port) is not None


def _is_host(name: bytes) -> bool:
    """As libhtp has it: not strictly what RFC 1123 allows."""
    if not 0 < len(name) <= 255:
        return False
    if name.startswith(b"[") and name.endswith(b"]"):
        try:
            ipaddress.IPv6Address(name[1:-1].decode("latin-1"))
        except ValueError:
            return False
        return True
    if name.startswith(b".") or b".." in name:
        return False
    return all(
        len(label) <= 63 and all(chr(byte).isalnum() or byte in b"-_" for byte in label)
        for label in name.split(b".")
    )


def _is_odd_range(value: bytes) -> bool:
    """Does a Content-Range (RFC 9110, 14.4) name no bytes, or some that the whole does not have?

    Of one without a size nothing is said, as in Suricata.
    """
    found = _RANGE.match(value)
    if found is None:
        return True
    if found[1] is None:
        return found[3] == b"*"
    first, last = int(found[1]), int(found[2])
    size = 0 if found[3] == b"*" else int(found[3])
    return last > 0 and size > 0 and (first > last or last >= size)

"""Transfer encodings of mails (RFC 2045, 6) undone piece by piece, and URLs found in what comes out."""

from __future__ import annotations

import binascii
from typing import Final, Protocol

from vpi_tui.detect.applayer.smtp.base64_text import Base64
from vpi_tui.detect.applayer.smtp.mime import BASE64, MOST_URLS, QUOTED, URL

_QUOTED: Final = 3
"""Bytes of `=3D`."""
_SCHEME: Final = len(b"https://")
"""Bytes of the beginning of a URL that may be all that has come."""


class Decoder(Protocol):
    def feed(self, data: bytes) -> bytes:
        """What these bytes stand for, as far as that can be said."""

    def patience(self, size: int) -> int:
        """How many bytes surely stand for no more than so many."""

    def close(self) -> bytes:
        """What is left: nothing follows."""


class Plain:
    """Bytes that stand for themselves."""

    def feed(self, data: bytes) -> bytes:
        return data

    def patience(self, size: int) -> int:
        return size

    def close(self) -> bytes:
        return b""


class QuotedPrintable:
    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        data = self._pending + data
        cut = data.rfind(b"=", max(len(data) - _QUOTED + 1, 0))
        data, self._pending = (data, b"") if cut < 0 else (data[:cut], data[cut:])
        return binascii.a2b_qp(data)

    def patience(self, size: int) -> int:
        return max(size - len(self._pending), 0)

    def close(self) -> bytes:
        return binascii.a2b_qp(self._pending)


def decoder(coding: bytes) -> Decoder:
    """By the word of Content-Transfer-Encoding, in lower case."""
    if coding == BASE64:
        return Base64()
    return QuotedPrintable() if coding == QUOTED else Plain()


class UrlFinder:
    """Each URL once, without its scheme. found: those of earlier texts of the mail."""

    def __init__(self, found: dict[bytes, None]) -> None:
        self._found = found
        self._pending = b""

    def feed(self, data: bytes) -> list[bytes]:
        """URLs that are whole and new."""
        data = self._pending + data
        self._pending = data[-_SCHEME:]
        fresh = []
        for match in URL.finditer(data):
            if match.end() == len(data):
                self._pending = data[match.start() :]
            else:
                fresh += self._take(match[1])
        return fresh

    def close(self) -> list[bytes]:
        match = URL.match(self._pending)
        self._pending = b""
        return self._take(match[1]) if match is not None else []

    def _take(self, url: bytes) -> list[bytes]:
        if url in self._found or len(self._found) >= MOST_URLS:
            return []
        self._found[url] = None
        return [url]

"""Content codings: gzip, deflate and brotli bodies made plain, as far as they can be.

What is wrong in a coded body must not hide what is right: output is kept up to the first error, check
sums are not checked, and what never was in the coding that it claims is passed on as it is. All output is
bounded, so that a small body cannot unfold without end.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import brotli

MOST_HELD: Final = 4_096
"""Bytes kept until a decoder has said whether it can read them."""
_RAW, _ZLIB = -15, 15
_LITTLE: Final = 2_048
"""Bytes of output for which room is taken at first."""
_FHCRC, _FEXTRA, _FNAME, _FCOMMENT = 2, 4, 8, 16


class Decoder(Protocol):
    """One layer. Gives at most `limit` bytes; once it fails it gives what it gets."""

    failed: bool
    """What came is not in this coding, or not all of it."""

    def feed(self, data: bytes, limit: int) -> bytes: ...


class Inflate:
    """Deflate data, behind a gzip header or in one of several wrappings, tried until one gives output."""

    def __init__(self, wrappings: tuple[int, ...]) -> None:
        self._left = list(wrappings)
        self._held = b""
        self._body: zlib._Decompress | None = None
        self._plain = False
        self._began = False
        self.failed = False

    def feed(self, data: bytes, limit: int) -> bytes:
        if self._plain:
            return data[:limit]
        if self._began:
            return self._more(data, limit)
        self._held += data
        while True:
            body = self._start()
            if body is None:
                return self._give_up(limit) if self._plain else b""
            out, failed = _inflated(body, self._held[self._skipped :], limit)
            if out or (not failed and len(self._held) < MOST_HELD):
                self._began, self._body = bool(out) or body.eof, body
                if self._began:
                    self._held = b""
                return out
            self._left.pop(0)

    def _start(self) -> zlib._Decompress | None:
        """A decompressor for the next wrapping; None = wait for more bytes, or (plain) none is left."""
        self._skipped = 0
        if self._held[:2] == b"\x1f\x8b"[: len(self._held)]:
            self._skipped = _gzip_header(self._held)
            if not self._skipped:
                self._plain = len(self._held) >= MOST_HELD
                return None
        if not self._left:
            self._plain = True
            return None
        return zlib.decompressobj(self._left[0])

    def _give_up(self, limit: int) -> bytes:
        self.failed = True
        held, self._held = self._held, b""
        return held[:limit]

    def _more(self, data: bytes, limit: int) -> bytes:
        if self._body is None:
            return b""
        out, failed = _inflated(self._body, self._body.unconsumed_tail + data, limit)
        self.failed |= failed
        if failed or self._body.eof:
            self._body = None
        return out


def _unfolded(body: zlib._Decompress, data: bytes, limit: int) -> bytes:
    """As `decompress`, which takes room for much, also where little comes."""
    most = min(limit, max(_LITTLE, 4 * len(data)))
    out = body.decompress(data, most)
    if len(out) < most or most == limit:
        return out
    return out + body.decompress(body.unconsumed_tail, limit - most)


def _inflated(body: zlib._Decompress, data: bytes, limit: int) -> tuple[bytes, bool]:
    """(output up to the first error, whether there was one)."""
    before = body.copy()
    try:
        return _unfolded(body, data, limit), False
    except zlib.error:
        return _before_error(before, data, limit), True


def _before_error(body: zlib._Decompress, data: bytes, limit: int) -> bytes:
    """The most output that can be asked for without meeting the error, which some of `limit` bytes meets.

    Found by doubling and halving: one byte a call would take a second for a body of a few hundred.
    """
    out, asked, fails = b"", 1, limit
    while asked < fails:
        try:
            out = body.copy().decompress(data, asked)
        except zlib.error:
            fails = asked
        else:
            if len(out) < asked:
                break
        asked = min(2 * len(out), (len(out) + fails + 1) // 2) or fails
    return out


def _gzip_header(data: bytes) -> int:
    """Length of a gzip header (RFC 1952); 0 = not all of it is here."""
    if len(data) < 10:
        return 0
    flags, at = data[3], 10
    if flags & _FEXTRA:
        if len(data) < at + 2:
            return 0
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            end = data.find(b"\0", at)
            if end < 0:
                return 0
            at = end + 1
    at += 2 if flags & _FHCRC else 0
    return at if at <= len(data) else 0


class Brotli:
    """Brotli (RFC 7932)."""

    def __init__(self) -> None:
        self._body = brotli.Decompressor()
        self._plain = False
        self._began = False
        self.failed = False

    def feed(self, data: bytes, limit: int) -> bytes:
        if self._plain:
            return data[:limit]
        try:
            out: bytes = self._body.process(data, output_buffer_limit=limit)
        except brotli.error:
            self._plain = not self._began
            self.failed = True
            return data[:limit] if self._plain else b""
        self._began = self._began or bool(out)
        return out[:limit]


_DECODERS: Final[dict[bytes, Callable[[], Decoder]]] = {
    b"gzip": lambda: Inflate((_RAW, _ZLIB)),
    b"deflate": lambda: Inflate((_RAW, _ZLIB)),
    b"br": Brotli,
}


def decoders(content_encoding: bytes | None, layers: int) -> Sequence[Decoder]:
    """Decoders for a Content-Encoding in the order in which they are to run; at most so many layers."""
    if not content_encoding:
        return ()
    if content_encoding in _DECODERS:
        return (_DECODERS[content_encoding](),)[:layers]
    named = [_named(part) for part in content_encoding.replace(b"\0", b"").lower().split(b",")[:64]]
    return [_DECODERS[name]() for name in reversed(named) if name][:layers]


def _named(part: bytes) -> bytes:
    """The coding that is in one part of a Content-Encoding, whatever is around it; b"" = none."""
    if b"gzip" in part:
        return b"gzip"
    if b"deflate" in part:
        return b"deflate"
    return b"br" if part.strip() == b"br" else b""

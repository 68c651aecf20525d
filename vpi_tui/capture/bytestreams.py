"""Bytes of a capture, in order, from a file, a pipe or a gzip stream of either."""

from __future__ import annotations

import os
import select
import stat
import zlib
from typing import Protocol

from vpi_tui.model.errors import CaptureError

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WBITS = 31
RAW_CHUNK = 256 * 1024


class ByteStream(Protocol):
    """consumed: bytes taken from the file so far. total: its size, 0 = unknown."""

    @property
    def consumed(self) -> int: ...

    @property
    def total(self) -> int: ...

    def read_into(self, view: memoryview, timeout_s: float) -> int | None:
        """Fill a part of `view`: bytes written, 0 at the end, None when nothing has come yet."""

    def close(self) -> None: ...


class FdBytes:
    """A regular file, or a pipe, FIFO or socket that is polled before it is read."""

    def __init__(self, fd: int, *, owned: bool) -> None:
        status = os.fstat(fd)
        self._fd = fd
        self._owned = owned
        self._poll: select.poll | None = None
        self.consumed = 0
        self.total = status.st_size if stat.S_ISREG(status.st_mode) else 0
        if stat.S_ISREG(status.st_mode):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        else:
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)

    @property
    def blocking(self) -> bool:
        """True when bytes may come later than now."""
        return self._poll is not None

    def read_into(self, view: memoryview, timeout_s: float) -> int | None:
        # Read only after poll says so: a FIFO that nobody has opened for writing yet would give
        # an end of file at once.
        if self._poll is not None and not self._poll.poll(timeout_s * 1000):
            return None
        try:
            got = os.readv(self._fd, [view])
        except BlockingIOError:
            return None
        except OSError as reason:
            raise CaptureError(
                f"cannot be read after byte {self.consumed}: {reason.strerror}.", offset=self.consumed
            ) from reason
        self.consumed += got
        return got

    def close(self) -> None:
        if self._owned and self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


class GzipBytes:
    """Inflates another stream member by member (RFC 1952), never more than was asked for."""

    def __init__(self, inner: ByteStream, prefix: bytes) -> None:
        self._inner = inner
        self._raw = prefix
        self._ended = False
        self._in_member = False
        self._inflate = zlib.decompressobj(GZIP_WBITS)
        self._scratch = memoryview(bytearray(RAW_CHUNK))

    @property
    def consumed(self) -> int:
        return self._inner.consumed

    @property
    def total(self) -> int:
        return self._inner.total

    def read_into(self, view: memoryview, timeout_s: float) -> int | None:
        if self._ended:
            return 0
        if not self._raw:
            got = self._inner.read_into(self._scratch, timeout_s)
            if got is None:
                return None
            if got == 0:
                self._ended = True
                if self._in_member:
                    raise self._fault("is cut off")
                return 0
            self._raw = bytes(self._scratch[:got])
        out = self._inflate_some(len(view))
        view[: len(out)] = out
        # Input may be used up without output (a header, an empty member): not the end, only not yet.
        return len(out) or (0 if self._ended else None)

    def _inflate_some(self, room: int) -> bytes:
        try:
            out = self._inflate.decompress(self._raw, room)
        except zlib.error as reason:
            self._ended = True
            raise self._fault(f"is corrupt ({reason})") from reason
        self._in_member = not self._inflate.eof
        if self._in_member:
            self._raw = self._inflate.unconsumed_tail
            return out
        self._raw = self._inflate.unused_data
        # Zero padding and other bytes after the last member are left alone, as gzip does.
        self._ended = bool(self._raw) and not self._raw.startswith(GZIP_MAGIC[: len(self._raw)])
        self._inflate = zlib.decompressobj(GZIP_WBITS)
        return out

    def _fault(self, what: str) -> CaptureError:
        offset = self._inner.consumed
        return CaptureError(f"{what} at or before byte {offset} (gzip).", offset=offset)

    def close(self) -> None:
        self._inner.close()

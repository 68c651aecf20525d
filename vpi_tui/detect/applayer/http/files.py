"""Files in HTTP bodies: a whole body, or the parts of a form (RFC 7578) that have a file name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.applayer.http.headers import Headers
from vpi_tui.detect.applayer.parameters import attachment_name, form_parameter
from vpi_tui.detect.applayer.ranges import RangePart, Span

PART_HEAD_LIMIT: Final = 8_192
"""Bytes of the header fields of a part."""
BOUNDARY_LIMIT: Final = 255
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
Open = Callable[[bytes], File]
"""Begins a file of this name."""
Event = Callable[[str], None]


def name_in(disposition: bytes | None) -> bytes:
    """The file name in a Content-Disposition; b"" = there is none."""
    return attachment_name(disposition) if disposition else b""


def boundary_of(headers: Headers) -> bytes:
    """What stands between the parts of a body; b"" = it has none. Any type that names it has parts."""
    found = form_parameter(headers.get(b"content-type") or b"", b"boundary") or b""
    return found if len(found) <= BOUNDARY_LIMIT else b""


class WholeBody:
    """A body that is one file; it begins with the first byte. span: which part of the whole it is."""

    __slots__ = ("_file", "_name", "_open", "_span")

    def __init__(self, name: bytes, opener: Open, span: Span | None = None) -> None:
        self._name = name
        self._open = opener
        self._span = span
        self._file: File | None = None

    def feed(self, data: bytes) -> None:
        if not data:
            return
        if self._file is None:
            self._file = self._open(self._name)
            if self._span is not None:
                self._file.span = self._span.start, self._span.end
        self._file.append(data)

    def skip(self, count: int) -> None:
        if self._file is not None:
            self._file.skip(count)

    def close(self, *, truncated: bool) -> None:
        if self._file is not None:
            self._file.close(truncated=truncated)


class PartOfFile:
    """A body that is a range of a file, beside what else it is. `done` gets the file that it completes."""

    __slots__ = ("_also", "_done", "_part")

    def __init__(self, part: RangePart, also: WholeBody | None, done: Callable[[File], None]) -> None:
        self._part = part
        self._also = also
        self._done = done

    def feed(self, data: bytes) -> None:
        self._part.feed(data)
        if self._also is not None:
            self._also.feed(data)

    def skip(self, count: int) -> None:
        self._part.skip(count)
        if self._also is not None:
            self._also.skip(count)

    def close(self, *, truncated: bool) -> None:
        if self._also is not None:
            self._also.close(truncated=truncated)
        whole = self._part.close()
        if whole is not None:
            self._done(whole)


class FormParts:
    """The parts of a form with a file name. Keeps one head, or what may be the start of a boundary."""

    __slots__ = ("_event", "_file", "_in_head", "_lead", "_line", "_open", "_over", "_pending")

    def __init__(self, boundary: bytes, opener: Open, event: Event) -> None:
        self._line = b"\r\n--" + boundary
        self._open = opener
        self._event = event
        self._pending = bytearray(b"\r\n")  # so that the first boundary looks like all others
        self._file: File | None = None
        self._in_head = False
        self._lead = 2
        """Bytes in front of `_pending` that are not of the part."""
        self._over = False

    def feed(self, data: bytes) -> None:
        if self._over:
            return
        self._pending += data
        while not self._over and (self._take_head() if self._in_head else self._take_part()):
            pass

    def skip(self, count: int) -> None:
        if self._file is not None:
            self._flush(len(self._pending))
            self._file.skip(count)

    def close(self, *, truncated: bool) -> None:
        if self._file is not None:
            self._flush(len(self._pending))
            self._end(truncated=truncated)  # the last boundary may be missing
        elif self._in_head and not truncated and self._pending.strip(b"\r\n-"):
            self._event("http.multipart_invalid_header")
        self._stop()

    def _stop(self) -> None:
        self._pending.clear()
        self._in_head = False
        self._over = True

    def _take_part(self) -> bool:
        """What stands in front of a boundary is the part's."""
        at = self._pending.find(self._line)
        if at < 0:
            self._flush(len(self._pending) - len(self._line) + 1)
            return False
        bare = not at and self._lead > 0
        self._flush(at)
        if self._file is not None:
            if bare:  # not even the line end of an empty part is there
                self._event("http.multipart_no_filedata")
            self._end(truncated=False)
        del self._pending[: len(self._line)]
        self._lead = 0
        self._in_head = True
        return True

    def _take_head(self) -> bool:
        if self._pending.startswith(b"--"):
            self._stop()
            return False
        found = _HEAD_END.search(self._pending)
        if found is None:
            if len(self._pending) > PART_HEAD_LIMIT:
                self._event("http.multipart_invalid_header")
                self._stop()
            return False
        name = _part_name(bytes(self._pending[: found.start()]))
        # The end of the head is as good a line end in front of a boundary: the part may be empty.
        self._pending[: found.end()] = b"\r\n"
        self._lead = 2
        self._file = self._open(name) if name else None
        self._in_head = False
        return True

    def _flush(self, count: int) -> None:
        """The first bytes that are pending are the part's."""
        if count <= 0:
            return
        if self._file is not None:
            self._file.append(bytes(self._pending[self._lead : count]))
        self._lead = max(0, self._lead - count)
        del self._pending[:count]

    def _end(self, *, truncated: bool) -> None:
        assert self._file is not None
        self._file.close(truncated=truncated)
        self._file = None


def _part_name(head: bytes) -> bytes:
    for line in head.split(b"\n")[:64]:
        field, colon, value = line.partition(b":")
        if colon and field.strip().lower() == b"content-disposition":
            return form_parameter(value, b"filename") or b""
    return b""

"""Capture files, pipes and standard input as a source."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import numpy as np

from vpi_tui.capture import pcap, pcapng
from vpi_tui.capture.bytestreams import GZIP_MAGIC, ByteStream, FdBytes, GzipBytes
from vpi_tui.capture.columns import allocate, as_batch
from vpi_tui.capture.formats import FileFormat, Magic
from vpi_tui.capture.unreadable import COPY_AGAIN, STDIN, cut_within_header, empty, no_capture, no_file
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import CaptureError

BUFFER_BYTES = 2 << 20
"""Small enough to stay in the second-level cache, where the stages after this one find it: at 1 to
2 MB a read plus index costs a third of what mapping the file does (page faults)."""
MAX_PACKETS = 16_384
MAGICS: tuple[Magic, ...] = (*pcap.MAGICS, *pcapng.MAGICS)


class FileSource:
    """One capture file, FIFO, or `-` for standard input; gzip is recognised by its first bytes.

    Packets of a pipe are given as they arrive. A batch holds at most `max_packets` packets and
    lies in one buffer of fixed size, so memory does not grow with the file.

    refill_bytes: most bytes taken from the file at a time. fd: the file, open already (see `open_fd`); it is
    closed with the source.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_packets: int = MAX_PACKETS,
        refill_bytes: int = BUFFER_BYTES,
        fd: int | None = None,
    ) -> None:
        self._path = str(path)
        self._name = "standard input" if self._path == STDIN else self._path
        self._refill_bytes = refill_bytes
        self._fd = fd
        self._stream: ByteStream | None = None
        self._format: FileFormat | None = None
        self._columns = allocate(max_packets)
        self._buf = np.zeros(BUFFER_BYTES, np.uint8)
        self._view = memoryview(self._buf.data)
        self._begin = 0
        self._end = 0
        self._base = 0
        """Offset in the (inflated) file of the first byte of the buffer."""
        self._skip = 0
        self._skip_from = 0
        self._gzip = False
        self._ended = False
        self._gave_packets = False
        self.exhausted = False
        self.error: CaptureError | None = None

    @property
    def interfaces(self) -> tuple[str, ...]:
        """Names of the interfaces seen so far, by PacketBatch.ifindex; "" = unnamed."""
        return self._format.interfaces if self._format else ()

    def open(self) -> None:
        """Raises CaptureError: no such file, not readable, a directory, not a capture file.

        What comes out of a pipe is looked at in `read`, so that opening never waits for it.
        """
        self._stream = stream = FdBytes(
            open_fd(self._path) if self._fd is None else self._fd, owned=self._path != STDIN
        )
        if not stream.blocking:
            while self._format is None and not self.exhausted:
                self._refill(0.0)
            if self.error is not None:
                self.close()
                raise self.error

    def read(self, timeout_s: float) -> PacketBatch | None:
        deadline = time.monotonic() + timeout_s
        while not self.exhausted:
            if self._format is not None:
                before = self._begin
                batch = self._index(self._format)
                if batch is not None or self.exhausted:
                    return batch
                if self._begin > before:
                    continue
            left = deadline - time.monotonic()
            # A refill may bring bytes but no packet, or gzip bytes that inflate to nothing yet.
            if not self._refill(max(left, 0.0)) and left <= 0:
                break
        return None

    def close(self) -> None:
        self.exhausted = True
        if self._stream is not None:
            self._stream.close()

    def describe(self) -> str:
        return self._name

    def position(self) -> tuple[int, int]:
        """As far as packets were given; of a gzip file the share of what was inflated so far."""
        if self._stream is None:
            return 0, 0
        taken = self._base + self._end
        done = self._stream.consumed * (self._base + self._begin) // taken if taken else 0
        return done, self._stream.total

    def _index(self, file_format: FileFormat) -> PacketBatch | None:
        found = file_format.index(self._buf, self._begin, self._end, self._columns)
        self._begin = found.pos
        if found.skip:
            inside = min(found.skip, self._end - found.pos)
            self._begin, self._skip = found.pos + inside, found.skip - inside
            self._skip_from = self._base + found.pos
        if found.fault:
            at = self._base + found.pos
            where = f"byte {at} of the uncompressed data" if self._gzip else f"byte {at}"
            self._fail(f"holds {found.fault}, at {where}.", at, tail=self._gave_packets or found.rows > 0)
        self._gave_packets = self._gave_packets or found.rows > 0
        return as_batch(self._buf, self._columns, found.rows) if found.rows else None

    def _refill(self, timeout_s: float) -> bool:
        """Take in more bytes; False when none came. At the end: `exhausted`, and `error` if need be."""
        assert self._stream is not None, "open() comes first"
        rest = self._end - self._begin
        self._buf[:rest] = self._buf[self._begin : self._end]
        self._base += self._begin
        self._begin, self._end = 0, rest
        room = self._view[rest : rest + self._refill_bytes]
        try:
            got = self._stream.read_into(room, timeout_s)
        except CaptureError as fault:
            self._fail(fault.message, fault.offset)
            return False
        if got == 0:
            self._finish()
        if not got:
            return False
        self._end += got
        skipped = min(self._skip, got)
        self._begin += skipped
        self._skip -= skipped
        if self._format is None:
            self._detect()
        return True

    def _detect(self) -> None:
        """Look at the first bytes, as soon as there are enough: gzip, or one of the formats."""
        head = self._buf[: self._end].tobytes()[:24] if self._end < 24 else self._buf[:24].tobytes()
        if head.startswith(GZIP_MAGIC) and not self._gzip:
            assert self._stream is not None
            self._gzip = True
            self._stream = GzipBytes(self._stream, self._buf[: self._end].tobytes())
            self._end = 0
            return
        magic = next((magic for magic in MAGICS if head.startswith(magic.first)), None)
        if magic is None:
            if len(head) >= 4:
                self._give_up(no_capture(self._path, self._name, head))
        elif len(head) >= magic.header:
            self._format, self._begin = magic.open(head[: magic.header])

    def _finish(self) -> None:
        """The stream has ended: as it should, or in the middle of something."""
        rest = self._end - self._begin
        at = self._skip_from if self._skip else self._base + self._begin
        if self._format is None:
            self._give_up(self._no_header(self._buf[: min(self._end, 24)].tobytes()))
        elif rest or self._skip:
            missing = "The bytes before it were read."
            self._fail(f"is cut off: what starts at byte {at} is not whole. {missing}", at)
        self.exhausted = True

    def _no_header(self, head: bytes) -> CaptureError:
        """Why a file that ended within its first bytes is of no use."""
        if not head:
            return empty(self._name)
        if any(head.startswith(magic.first) for magic in MAGICS):
            return cut_within_header(self._name, len(head))
        return no_capture(self._path, self._name, head)

    def _fail(self, what: str, offset: int | None, *, tail: bool = False) -> None:
        hint = "" if tail else COPY_AGAIN
        self._give_up(CaptureError(f"{self._name} {what}", hint=hint, offset=offset, tail=tail))

    def _give_up(self, error: CaptureError) -> None:
        self.error = error
        self.exhausted = True


def open_fd(path: str) -> int:
    """A readable descriptor; a CaptureError says what stands in the way."""
    if path == STDIN:
        if os.isatty(0):
            hint = "Pipe one into it: ssh HOST tcpdump -U -w - | vpi-tui replay -"
            raise CaptureError("Standard input is a terminal, not a capture.", hint=hint)
        return 0
    try:
        # Without O_NONBLOCK, opening a FIFO waits for its writer.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as reason:
        why = getattr(reason, "strerror", reason)
        raise CaptureError(
            f"{path} cannot be read: {why}.", hint="Check the path and its permissions."
        ) from reason
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        return fd
    os.close(fd)
    raise no_file(path, directory=stat.S_ISDIR(mode))

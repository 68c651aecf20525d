"""One end of the feed over a stream socket: a thread that reads, decodes, and sends what waits.

The owner of a Link never blocks on the other side. What waits to be sent lives in an Outbox,
which decides what a slow reader loses.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from vpi_tui.feed.codec import FrameDecoder, encode
from vpi_tui.model.errors import FeedError

READ_SIZE = 1 << 18
T = TypeVar("T")


class Outbox(Protocol):
    """Messages that wait. `take` is called by the link's thread, and must be thread-safe."""

    def take(self) -> Any | None:
        """The next message to send, or None."""


class Link(Generic[T]):
    """Runs until either side closes. All callbacks are called in the link's thread.

    prepare: called first of all, to give up rights that this thread does not need.
    ended: told once, with "" when the other side closed in order, otherwise why.
    """

    def __init__(
        self,
        sock: socket.socket,
        decoder: FrameDecoder[T],
        outbox: Outbox,
        received: Callable[[T], None],
        ended: Callable[[str], None],
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._sock = sock
        self._decoder = decoder
        self._outbox = outbox
        self._received = received
        self._ended = ended
        self._prepare = prepare
        self._prepared = threading.Event()
        self._waker, self._woken = socket.socketpair()
        self._frame = memoryview(b"")
        self._closing = False
        self._reason = ""
        for end in (sock, self._waker, self._woken):
            end.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Returns when `prepare` has been called."""
        self._thread.start()
        self._prepared.wait()

    def wake(self) -> None:
        """Tell the thread that the outbox has something. Never blocks."""
        try:
            self._waker.send(b"\0")
        except (BlockingIOError, OSError):
            # A full pipe wakes it as well; a closed one has nobody to wake.
            return

    def close(self, wait: float = 1.0) -> None:
        """Send what the outbox still holds, for at most `wait` seconds, and end."""
        self._closing = True
        self.wake()
        self._thread.join(wait)

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._sock, selectors.EVENT_READ)
        selector.register(self._woken, selectors.EVENT_READ)
        try:
            self._get_ready()
            while self._step(selector):
                pass
        except FeedError as error:
            self._reason = str(error)
        except OSError as error:
            self._reason = "" if self._closing else f"The connection broke: {error.strerror or error}."
        finally:
            selector.close()
            self._discard_unread()
            for end in (self._sock, self._waker, self._woken):
                end.close()
            self._ended(self._reason)

    def _get_ready(self) -> None:
        try:
            if self._prepare is not None:
                self._prepare()
        finally:
            self._prepared.set()

    def _step(self, selector: selectors.BaseSelector) -> bool:
        waiting = self._fill()
        if self._closing and not waiting:
            return False
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        selector.modify(self._sock, mask)
        for key, ready in selector.select():
            if key.fileobj is self._woken:
                self._drain_wakes()
                continue
            if ready & selectors.EVENT_WRITE:
                self._send()
            if ready & selectors.EVENT_READ and not self._receive():
                return False
        return True

    def _fill(self) -> bool:
        """Make the next frame ready; False when there is nothing to send."""
        if not self._frame:
            message = self._outbox.take()
            if message is not None:
                self._frame = memoryview(encode(message))
        return bool(self._frame)

    def _send(self) -> None:
        try:
            sent = self._sock.send(self._frame)
        except BlockingIOError:
            return
        except ConnectionError:
            # The other side reads no more; what it said last is still to be read.
            self._frame = memoryview(b"")
            return
        self._frame = self._frame[sent:]

    def _receive(self) -> bool:
        try:
            data = self._sock.recv(READ_SIZE)
        except (BlockingIOError, ConnectionResetError):
            # A reset is told once; what had arrived before it is read next.
            return True
        if not data:
            return False
        for message in self._decoder.feed(data):
            self._received(message)
        return True

    def _discard_unread(self) -> None:
        """Closing with unread bytes resets the connection, and the other side would lose our last words."""
        try:
            while self._sock.recv(READ_SIZE):
                pass
        except OSError:
            return

    def _drain_wakes(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

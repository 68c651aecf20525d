"""The ui's end of the feed: polled, never blocking, safe to call from any thread."""

from __future__ import annotations

import socket
import threading
from collections import deque
from typing import Any

from vpi_tui import __version__
from vpi_tui.feed.codec import ui_side
from vpi_tui.feed.link import Link
from vpi_tui.feed.messages import (
    PROTOCOL_VERSION,
    AlertsMessage,
    Command,
    EngineMessage,
    Goodbye,
    Hello,
    SnapshotMessage,
)
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Snapshot

ALERT_QUEUE = 20_000
MESSAGE_QUEUE = 1_000


class CommandOutbox:
    """Commands in order. The bound is never met by a person; it stops a runaway script."""

    def __init__(self) -> None:
        self._commands: deque[Command] = deque(maxlen=10_000)

    def add(self, command: Command) -> None:
        self._commands.append(command)

    def take(self) -> Command | None:
        try:
            return self._commands.popleft()
        except IndexError:
            return None


class FeedConnection:
    """One connection to an engine."""

    def __init__(self, sock: socket.socket) -> None:
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._alerts: deque[Alert] = deque()
        self._lost_here = 0
        self._lost_there = 0
        self._messages: deque[EngineMessage] = deque(maxlen=MESSAGE_QUEUE)
        self._alive = True
        self._failure = ""
        self._goodbye = False
        self._outbox = CommandOutbox()
        self._outbox.add(Hello(PROTOCOL_VERSION, __version__))
        self._link: Link[Any] = Link(sock, ui_side(), self._outbox, self._received, self._ended)
        self._link.start()

    def latest(self) -> Snapshot | None:
        """The newest snapshot; the same object until a newer one has come."""
        return self._latest

    def take_alerts(self) -> tuple[list[Alert], int]:
        """Alerts since the last call, and how many were lost so far by slowness."""
        with self._lock:
            taken = list(self._alerts)
            self._alerts.clear()
            return taken, self._lost_here + self._lost_there

    def take_messages(self) -> list[EngineMessage]:
        """Replies and notices since the last call."""
        with self._lock:
            taken = list(self._messages)
            self._messages.clear()
            return taken

    def send(self, command: Command) -> None:
        self._outbox.add(command)
        self._link.wake()

    def alive(self) -> bool:
        return self._alive

    @property
    def in_order(self) -> bool:
        """True when the engine said goodbye before the connection ended."""
        return self._goodbye

    def failure(self) -> str:
        """Why the connection ended; "" while it lives or when it ended in order."""
        return self._failure

    def close(self) -> None:
        self._link.close(0.5)

    def _received(self, message: EngineMessage) -> None:
        with self._lock:
            if isinstance(message, SnapshotMessage):
                self._latest = message.snapshot
            elif isinstance(message, AlertsMessage):
                self._queue_alerts(message)
            elif isinstance(message, Hello) and message.protocol != PROTOCOL_VERSION:
                self._failure = (
                    f"The engine speaks version {message.protocol} of the feed, this program"
                    f" {PROTOCOL_VERSION}. Update the older of the two."
                )
                self._alive = False
            else:
                if isinstance(message, Goodbye):
                    self._goodbye = not message.failed
                    self._failure = self._failure or (message.text if message.failed else "")
                self._messages.append(message)

    def _queue_alerts(self, message: AlertsMessage) -> None:
        self._lost_there = message.dropped
        room = ALERT_QUEUE - len(self._alerts)
        self._alerts.extend(message.alerts[:room])
        self._lost_here += max(0, len(message.alerts) - room)

    def _ended(self, reason: str) -> None:
        self._alive = False
        self._failure = self._failure or reason

"""The engine's end of the feed: latest snapshot wins, alerts queue within a bound, replies never drop."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from vpi_tui import __version__
from vpi_tui.feed.codec import engine_side
from vpi_tui.feed.link import Link
from vpi_tui.feed.messages import (
    PROTOCOL_VERSION,
    AlertsMessage,
    Command,
    EngineMessage,
    Hello,
    Notice,
    SnapshotMessage,
)
from vpi_tui.model.errors import FeedError
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Snapshot

ALERT_QUEUE = 20_000
"""Alerts kept for a ui that does not read; later ones are counted as dropped."""
ALERT_PORTION = 500
"""Alerts a message, so that a snapshot never waits long behind them."""
REPLY_QUEUE = 256


class EngineOutbox:
    """What waits for the ui: replies first, then alerts, then the newest snapshot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replies: deque[EngineMessage] = deque(maxlen=REPLY_QUEUE)
        self._alerts: deque[Alert] = deque()
        self._dropped = 0
        self._snapshot: Snapshot | None = None
        self._snapshot_next = False

    def reply(self, message: EngineMessage) -> None:
        with self._lock:
            self._replies.append(message)

    def add_alerts(self, alerts: Iterable[Alert]) -> None:
        with self._lock:
            for alert in alerts:
                if len(self._alerts) < ALERT_QUEUE:
                    self._alerts.append(alert)
                else:
                    self._dropped += 1

    def set_snapshot(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._snapshot = snapshot

    @property
    def dropped(self) -> int:
        return self._dropped

    def take(self) -> EngineMessage | None:
        with self._lock:
            if self._replies:
                return self._replies.popleft()
            # A storm of alerts must not starve the picture: they take turns.
            if self._snapshot is not None and (self._snapshot_next or not self._alerts):
                snapshot, self._snapshot, self._snapshot_next = self._snapshot, None, False
                return SnapshotMessage(snapshot)
            if self._alerts:
                self._snapshot_next = True
                portion = min(ALERT_PORTION, len(self._alerts))
                return AlertsMessage(tuple(self._alerts.popleft() for _ in range(portion)), self._dropped)
            return None


class FeedServer:
    """Give it one connected socket. `take_commands` hands over what the ui asked for.

    prepare: called first by the thread that reads what the ui says.
    """

    def __init__(
        self, sock: socket.socket, mode: str, pid: int, prepare: Callable[[], None] | None = None
    ) -> None:
        self.outbox = EngineOutbox()
        self._commands: deque[Command] = deque(maxlen=10_000)
        self.reason = ""
        """Why the connection broke; "" when the ui left in order."""
        self._gone = threading.Event()
        self._arrived = threading.Event()
        self._link: Link[Any] = Link(
            sock, engine_side(self._refused), self.outbox, self._received, self._ended, prepare
        )
        self.outbox.reply(Hello(PROTOCOL_VERSION, __version__, mode, pid))
        self._link.start()

    @property
    def gone(self) -> bool:
        """True when the ui has left: the engine then ends."""
        return self._gone.is_set()

    def publish(self, snapshot: Snapshot) -> None:
        self.outbox.set_snapshot(snapshot)
        self._link.wake()

    def alerts(self, alerts: Iterable[Alert]) -> None:
        self.outbox.add_alerts(alerts)
        self._link.wake()

    def reply(self, message: EngineMessage) -> None:
        self.outbox.reply(message)
        self._link.wake()

    def take_commands(self) -> list[Command]:
        commands = []
        while self._commands:
            commands.append(self._commands.popleft())
        return commands

    def wait(self, seconds: float) -> None:
        """Sleep until a command arrives or the time is over."""
        self._arrived.wait(seconds)
        self._arrived.clear()

    def close(self) -> None:
        self._link.close()

    def _refused(self, error: FeedError) -> None:
        """A command that this engine does not know is answered; it must not end the watch."""
        self.reply(Notice("warning", f"A command was not understood. {error}"))

    def _received(self, command: Command) -> None:
        self._commands.append(command)
        self._arrived.set()

    def _ended(self, reason: str) -> None:
        self.reason = reason
        self._gone.set()
        self._arrived.set()

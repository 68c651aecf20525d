"""An engine in a namespace, started as the product starts it, and questions to its feed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.lab.net import until
from vpi_tui.config import paths
from vpi_tui.engine.child import EngineClient
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Command, EngineMessage, Toggle, ToggledMessage
from vpi_tui.lab.namespaces import inside
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import GuestStat, Snapshot

START_SECONDS = 300.0
"""With no kernel in the cache all are compiled first."""
SETTLE = 0.4
"""Seconds after which a second sighting of the same frame would have come."""


def live_spec(**changes: Any) -> EngineSpec:
    chosen: dict[str, Any] = {
        "rules_dir": str(paths.rules_dir()),
        "cache_dir": str(paths.prepare_numba_cache()),
        "user": "nobody",
        "interval": 0.1,
        "ring_memory": 4 << 20,
    }
    return EngineSpec("live", **(chosen | changes))


class Sensor:
    """Use as a context manager: running when entered, ended when left."""

    def __init__(self, namespace: str, **changes: Any) -> None:
        self.client = inside(namespace, lambda: EngineClient(live_spec(**changes)))
        self._alerts: list[Alert] = []
        self._messages: list[EngineMessage] = []

    def __enter__(self) -> Sensor:
        def running() -> bool:
            snapshot = self.client.latest()
            return not self.client.alive() or (snapshot is not None and snapshot.state == "running")

        try:
            until(running, START_SECONDS)
            assert self.client.alive(), self.client.failure()
            assert running(), "the engine did not start in time"
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    # Alerts -----------------------------------------------------------------------------------

    def forget(self) -> None:
        self.alerts()
        self._alerts.clear()

    def alerts(self, sid: int = 0) -> list[Alert]:
        """Alerts since `forget`, of one rule or of all."""
        self._alerts += self.client.take_alerts()[0]
        return [alert for alert in self._alerts if sid in (0, alert.sid)]

    def first(self, sid: int, seconds: float = 1.0) -> Alert:
        """The first alert of the rule; fails when none comes in time."""
        found = until(lambda: self.alerts(sid), seconds)
        assert found, f"no alert {sid} within {seconds} s; others: {[a.msg for a in self.alerts()]}"
        return found[0]

    def settled(self, sid: int) -> list[Alert]:
        """All alerts of the rule, once none can come any more."""
        time.sleep(SETTLE)
        return self.alerts(sid)

    # Everything else ---------------------------------------------------------------------------

    def command(self, command: Command, answer: type[EngineMessage], seconds: float = 2.0) -> EngineMessage:
        """Send, and wait for the first message of type `answer` after it."""
        self.client.take_messages()
        self.client.send(command)
        found = self.wait_for(answer, seconds)
        assert found is not None, f"no {answer.__name__} within {seconds} s"
        return found

    def wait_for(self, answer: type[EngineMessage], seconds: float) -> EngineMessage | None:
        def look() -> EngineMessage | None:
            self._messages += self.client.take_messages()
            return next((one for one in self._messages if isinstance(one, answer)), None)

        self._messages.clear()
        return until(look, seconds)

    def switch(self, sid: int, *, enabled: bool) -> None:
        self.command(Toggle(enabled, sids=((1, sid),)), ToggledMessage)

    def snapshot(self) -> Snapshot:
        """One that was taken after this call."""
        before = self.client.latest()
        since = before.seq if before else 0

        def newer() -> Snapshot | None:
            found = self.client.latest()
            return found if found is not None and found.seq > since + 1 else None

        found = until(newer, 3.0)
        assert found is not None, f"no snapshot: {self.client.failure()}"
        return found

    def guest(self, name: str) -> GuestStat | None:
        return next((guest for guest in self.snapshot().guests if guest.name == name), None)

    def thread_status(self) -> list[dict[str, str]]:
        """The lines of /proc/PID/task/TID/status of each thread."""
        found = []
        for status in sorted(Path(f"/proc/{self.client.pid}/task").glob("*/status")):
            pairs = (line.partition(":") for line in status.read_text().splitlines())
            found.append({key: value.strip() for key, _, value in pairs})
        return found

"""What the alerts added up to: by guest and switch, and the newest ones, to be looked up by flow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Severities

RECENT = 20_000
"""Alerts that are remembered whole."""
FLOW_ALERTS = 200
"""Alerts told of one flow, the newest."""
NO_ALERTS: Severities = (0, 0, 0)


def severity_index(priority: int) -> int:
    """0 = high (priority 1), 1 = medium (2), 2 = low (3 and more)."""
    return min(max(priority, 1), 3) - 1


class _Sums:
    """Alerts by severity of named subjects; as many as the topology has names."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, name: str, severity: int) -> None:
        self._counts.setdefault(name, [0, 0, 0])[severity] += 1

    def get(self, name: str) -> Severities:
        counts = self._counts.get(name)
        return NO_ALERTS if counts is None else (counts[0], counts[1], counts[2])


class AlertLedger:
    """Counts every alert, remembers the last RECENT. A guest has those it caused and those it suffered."""

    def __init__(self, recent: int = RECENT) -> None:
        self._total = _Sums()
        self._switches = _Sums()
        self._guests = _Sums()
        self._last: dict[str, str] = {}
        self._recent: deque[Alert] = deque(maxlen=recent)

    def add(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            severity = severity_index(alert.priority)
            self._total.add("", severity)
            if alert.switch:
                self._switches.add(alert.switch, severity)
            for guest in {alert.src_guest, alert.dest_guest} - {""}:
                self._guests.add(guest, severity)
                self._last[guest] = alert.msg
            self._recent.append(alert)

    def total(self) -> Severities:
        return self._total.get("")

    def of_switch(self, name: str) -> Severities:
        return self._switches.get(name)

    def of_guest(self, name: str) -> Severities:
        return self._guests.get(name)

    def last_of_guest(self, name: str) -> str:
        """Message of the guest's newest alert; "" = none."""
        return self._last.get(name, "")

    def get(self, number: int) -> Alert | None:
        """An alert by its number, as long as it is remembered. They are numbered in order, without gaps."""
        behind = self._recent[-1].number - number if self._recent else -1
        return self._recent[-1 - behind] if 0 <= behind < len(self._recent) else None

    def of_flow(self, flow_id: int) -> tuple[Alert, ...]:
        """The newest remembered alerts of a flow, oldest first."""
        found = [alert for alert in self._recent if alert.flow_id == flow_id]
        return tuple(found[-FLOW_ALERTS:])

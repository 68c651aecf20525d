"""What the alerts added up to: by guest and switch, and the newest ones, to be looked up by flow."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence

from vpi_tui.model.event import Alert
from vpi_tui.model.places import renamed_since
from vpi_tui.model.snapshot import Severities

RECENT = 20_000
"""Alerts that are remembered whole."""
FLOW_ALERTS = 200
"""Alerts told of one flow, the newest."""
MOST_NAMES = 8_192
"""Guests, and switches, whose alerts are counted; whose last one is the longest ago makes room."""
NO_ALERTS: Severities = (0, 0, 0)


def severity_index(priority: int) -> int:
    """0 = high (priority 1), 1 = medium (2), 2 = low (3 and more)."""
    return min(max(priority, 1), 3) - 1


class _Sum:
    """The alerts of one subject: how many by severity, and the newest one's message."""

    __slots__ = ("counts", "last")

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        self.last = ""

    def told(self) -> Severities:
        return self.counts[0], self.counts[1], self.counts[2]


class _Sums:
    """Those of named subjects. Names may come and go for as long as the engine runs."""

    def __init__(self) -> None:
        self._sums: OrderedDict[str, _Sum] = OrderedDict()

    def add(self, name: str, severity: int, message: str) -> None:
        found = self._sums.get(name)
        if found is None:
            found = self._sums[name] = _Sum()
            if len(self._sums) > MOST_NAMES:
                self._sums.popitem(last=False)
        found.counts[severity] += 1
        found.last = message
        self._sums.move_to_end(name)

    def get(self, name: str) -> Severities:
        found = self._sums.get(name)
        return NO_ALERTS if found is None else found.told()

    def last(self, name: str) -> str:
        found = self._sums.get(name)
        return "" if found is None else found.last

    def rename(self, names: Mapping[str, str]) -> None:
        """names: present one by former one. Who has alerts under the new name already keeps those."""
        for former, now in names.items():
            if former in self._sums and now not in self._sums:
                self._sums[now] = self._sums.pop(former)


class AlertLedger:
    """Counts every alert, remembers the last RECENT. A guest has those it caused and those it suffered."""

    def __init__(self, recent: int = RECENT) -> None:
        self._total = _Sum()
        self._switches = _Sums()
        self._guests = _Sums()
        self._recent: deque[Alert] = deque(maxlen=recent)

    def add(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            severity = severity_index(alert.priority)
            self._total.counts[severity] += 1
            if alert.switch:
                self._switches.add(alert.switch, severity, alert.msg)
            for guest in {alert.src_guest, alert.dest_guest} - {""}:
                self._guests.add(guest, severity, alert.msg)
            self._recent.append(alert)

    def follow(self, before: Sequence[str], now: Sequence[str]) -> None:
        """The guests, in the order of the topology, are others: who is only named anew keeps the alerts."""
        self._guests.rename(renamed_since(before, now))

    def total(self) -> Severities:
        return self._total.told()

    def of_switch(self, name: str) -> Severities:
        return self._switches.get(name)

    def of_guest(self, name: str) -> Severities:
        return self._guests.get(name)

    def last_of_guest(self, name: str) -> str:
        """Message of the guest's newest alert; "" = none."""
        return self._guests.last(name)

    def get(self, number: int) -> Alert | None:
        """An alert by its number, as long as it is remembered. They are numbered in order, without gaps."""
        behind = self._recent[-1].number - number if self._recent else -1
        return self._recent[-1 - behind] if 0 <= behind < len(self._recent) else None

    def of_flow(self, flow_id: int) -> tuple[Alert, ...]:
        """The newest remembered alerts of a flow, oldest first."""
        found = [alert for alert in self._recent if alert.flow_id == flow_id]
        return tuple(found[-FLOW_ALERTS:])

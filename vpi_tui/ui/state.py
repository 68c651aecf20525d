"""The session: what the dashboard knows and what the operator chose. No widgets, no Textual.

`poll` takes what the engine sent since the last call and says what is new. While the picture is frozen,
snapshots and alerts are taken and put aside, and laid in when it thaws: nothing is lost, nothing moves.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Literal, Protocol

from vpi_tui.feed.messages import (
    Command,
    EngineMessage,
    GetRules,
    Goodbye,
    Notice,
    Reload,
    RulesMessage,
    SetSpeed,
    Toggle,
    ToggledMessage,
    UndoToggle,
    Watch,
)
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import FlowColumns, Snapshot, Window
from vpi_tui.view.alerts import Inbox
from vpi_tui.view.history import History
from vpi_tui.view.humanize import local_zone
from vpi_tui.view.rules import RuleBook, busy_seconds
from vpi_tui.view.scope import ALL, Scope

Severity = Literal["information", "warning", "error"]
Life = Literal["starting", "running", "paused", "finished", "failed"]

KEPT_NOTES = 500
HELD_SNAPSHOTS = 600
"""Snapshots put aside while frozen: as many as the history holds."""
HELD_ALERTS = 20_000
"""Alerts put aside while frozen; what is more flows into the inbox, oldest first."""
SLOWEST, FASTEST = 10.0, 0.1
"""Seconds between two pictures."""
MOST_FLOWS = 100_000


class EngineLink(Protocol):
    """What the session asks of an engine; `engine.child.EngineClient` is one."""

    def latest(self) -> Snapshot | None: ...
    def take_alerts(self) -> tuple[list[Alert], int]: ...
    def take_messages(self) -> list[EngineMessage]: ...
    def send(self, command: Command) -> None: ...
    def alive(self) -> bool: ...
    def finished(self) -> bool: ...
    def failure(self) -> str: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the operator was told. when: seconds since 1970."""

    when: float
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class News:
    """What one `poll` brought. picture: there is another snapshot to show. alerts: how many came into the
    inbox. life: the engine's life changed. notes: to be shown as toasts."""

    picture: bool = False
    alerts: int = 0
    life: bool = False
    messages: tuple[EngineMessage, ...] = ()
    notes: tuple[Note, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.picture or self.alerts or self.life or self.messages or self.notes)


class Session:
    """One engine, watched. `zone`: of all times shown. `monotonic`: seconds, for how long it is frozen."""

    def __init__(
        self,
        client: EngineLink,
        *,
        interval: float = 1.0,
        speed: float = 1.0,
        zone: tzinfo | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self.zone = zone or local_zone()
        self.interval = min(max(interval, FASTEST), SLOWEST)
        self.snapshot: Snapshot | None = None
        """The picture that is shown; None until the first one came."""
        self.history = History()
        self.inbox = Inbox()
        self.rules = RuleBook()
        self.rules_loaded = False
        """True once the list of rules came; `need_rules` asks for it."""
        self.scope: Scope = ALL
        self.folded: set[str] = set()
        """Keys of the switches whose guests are folded away in the tree."""
        self.notes: deque[Note] = deque(maxlen=KEPT_NOTES)
        """All that the operator was told, newest last."""
        self._first_speed = self.speed = speed
        """Times real time; 0 = as fast as it goes."""
        self.held = False
        """True while a replay or the demo was told to pause."""
        self.failure = ""
        """Why the engine is gone, in words; "" while it lives or when it ended in order."""
        self.ran = False
        """True once the engine saw traffic or waited for it; False while it starts, or when that failed."""
        self._ended = False
        self._frozen_at: float | None = None
        self._frozen_watch = Watch()
        """What was watched when the picture was frozen: it holds no more than that."""
        self._held_snapshots: deque[Snapshot] = deque(maxlen=HELD_SNAPSHOTS)
        self._held_alerts: deque[Alert] = deque()
        self._held_lost = 0
        self._newest: Snapshot | None = None
        self._newest_at = self._started_at = monotonic()
        self._rules_asked = self._rules_switched = -1
        """Serials of the list that was asked for last, and of that after the last switch."""
        self._switching = 0
        """Switches that were ordered and not answered: a list that comes before may not know of them."""
        self._told: set[str] = set()
        self._watch = Watch()
        self._want_flows = False
        self._want_matrix = False
        self.matrix_window: Window = "1m"
        """Time that the matrix is about."""

    # What is shown ----------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """The time that ages are counted from: the engine's clock when live, else that of the packets."""
        if self.snapshot is None:
            return 0
        return self.snapshot.taken_ns if self.snapshot.mode == "live" else self.snapshot.packet_ns

    @property
    def life(self) -> Life:
        if self._ended:
            return "failed" if self.failure else "finished"
        return self.snapshot.state if self.snapshot is not None else "starting"

    @property
    def over(self) -> bool:
        """True when nothing more will come; `restart` starts another engine."""
        return self.life in ("finished", "failed")

    @property
    def starting_for(self) -> float:
        """Seconds since the engine was started; meant for while it does not run yet."""
        return self._monotonic() - self._started_at

    @property
    def silent_for(self) -> float:
        """Seconds since the engine last published a picture; 0 when that is no surprise."""
        silence = self._monotonic() - self._newest_at
        usual = self.life != "running" or silence < 2 * self.interval + 3
        return 0.0 if usual else silence

    # Taking what came -------------------------------------------------------------------------

    def poll(self) -> News:
        """Take what the engine sent since the last call. Cheap when that is nothing."""
        client = self._client
        alive = client.alive()  # asked first, so that what came last is still taken
        latest = client.latest()
        alerts, lost = client.take_alerts()
        messages = client.take_messages()
        picture = self._take_snapshot(latest) if latest is not None and latest is not self._newest else False
        taken = self._take_alerts(alerts, lost) if alerts or lost > self.inbox.dropped else 0
        notes = [note for message in messages for note in self._take_message(message)]
        if picture:
            notes += self._new_notices()
        life = not alive and not self._ended
        if life:
            self._end()
        return News(picture, taken, life, tuple(messages), tuple(notes))

    def _take_snapshot(self, snapshot: Snapshot) -> bool:
        self._newest = snapshot
        self._newest_at = self._monotonic()
        if self.frozen:
            self._held_snapshots.append(replace(snapshot, flows=FlowColumns()))
            return False
        self._show(snapshot)
        return True

    def _show(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ran = self.ran or snapshot.state not in ("starting", "failed")
        self.history.add(snapshot)
        self._lay_hits_over(snapshot)

    def _lay_hits_over(self, snapshot: Snapshot) -> None:
        self.rules.set_hits(snapshot.rules, busy_seconds(snapshot.stats))

    def _take_alerts(self, alerts: Sequence[Alert], lost: int) -> int:
        if not self.frozen:
            self.inbox.add(alerts, lost)
            return len(alerts)
        self._held_alerts.extend(alerts)
        self._held_lost = lost
        over = max(0, len(self._held_alerts) - HELD_ALERTS)
        self.inbox.add([self._held_alerts.popleft() for _ in range(over)])
        return 0

    def _take_message(self, message: EngineMessage) -> list[Note]:
        if isinstance(message, RulesMessage):
            if self._switching:
                return []
            self.rules = RuleBook(message)
            self.rules_loaded = True
            if self.snapshot is not None:
                self._lay_hits_over(self.snapshot)
        elif isinstance(message, ToggledMessage):
            self._switching = max(self._switching - 1, 0)
            self._rules_switched = self._rules_asked = message.serial
            self.send(GetRules())  # whatever was meant, this is what came of it
        elif isinstance(message, Notice):
            return [self.note(message.text, message.severity)]
        elif isinstance(message, Goodbye) and message.failed:
            self.failure = message.text
        return []

    def _new_notices(self) -> list[Note]:
        """Notices of the snapshot that were not told yet."""
        fresh = [text for text in self.snapshot.notices if text not in self._told] if self.snapshot else []
        if len(self._told) > KEPT_NOTES:
            self._told.clear()
        self._told.update(self.snapshot.notices if self.snapshot else ())
        return [self.note(text, "warning") for text in fresh]

    def _end(self) -> None:
        self._ended = True
        self.failure = self.failure or self._client.failure()
        if self.failure:
            self.note(self.failure, "error")

    def note(self, text: str, severity: Severity = "information") -> Note:
        """Keep something that the operator is told."""
        note = Note(time.time(), severity, text)
        self.notes.append(note)
        return note

    # What the operator does -------------------------------------------------------------------

    def send(self, command: Command) -> None:
        if not self._ended:
            self._client.send(command)

    def set_scope(self, scope: Scope) -> None:
        self.scope = scope
        self._tell_watch()

    def watch_flows(self, wanted: bool) -> None:
        """Whether the page that is shown needs the flows."""
        self._want_flows = wanted
        self._tell_watch()

    def watch_matrix(self, wanted: bool, window: Window | None = None) -> None:
        """Whether the page that is shown needs the matrix, and of which time; None = as before."""
        self._want_matrix = wanted
        self.matrix_window = window or self.matrix_window
        self._tell_watch()

    def set_interval(self, seconds: float) -> None:
        self.interval = min(max(seconds, FASTEST), SLOWEST)
        self._tell_watch()

    def _tell_watch(self) -> None:
        flows, matrix = self._want_flows, self._want_matrix
        wanted = Watch(self.scope.key, flows, MOST_FLOWS, self.interval, matrix, self.matrix_window)
        if wanted != self._watch:
            self._watch = wanted
            self.send(wanted)

    def need_rules(self) -> None:
        """Ask for the list of rules when the one here is not that of the engine. Cheap to call often."""
        serial = self.snapshot.ruleset_serial if self.snapshot is not None else 0
        serial = max(serial, self._rules_switched)
        if self._rules_asked != serial and not (self.rules_loaded and self.rules.serial == serial):
            self._rules_asked = serial
            self.send(GetRules())

    def toggle(self, enabled: bool, sids: Iterable[tuple[int, int]] = (), pack: str = "") -> None:
        order = Toggle(enabled, tuple(sids), pack)
        self.send(order)
        if not self._ended:
            self._switching += 1
            self.rules = self.rules.switched(order.enabled, order.sids, order.pack)

    def reload_rules(self) -> None:
        self.send(Reload())

    def undo(self) -> None:
        self._switching += not self._ended
        self.send(UndoToggle())

    def set_speed(self, speed: float, *, paused: bool) -> None:
        """speed: times real time, 0 = as fast as it goes."""
        self.speed, self.held = speed, paused
        self.send(SetSpeed(speed, paused))

    def fold(self, key: str) -> None:
        """Fold or unfold a switch of the tree."""
        self.folded ^= {key}

    # Freezing ---------------------------------------------------------------------------------

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    @property
    def frozen_for(self) -> float:
        """Seconds since the picture was frozen; 0 when it is not."""
        return 0.0 if self._frozen_at is None else self._monotonic() - self._frozen_at

    def frozen_without(self, *, flows: bool = False, matrix: bool = False) -> bool:
        """True when the picture was frozen while no page that needs these was shown."""
        watch = self._frozen_watch
        return self.frozen and ((flows and not watch.flows) or (matrix and not watch.matrix))

    @property
    def held_alerts(self) -> int:
        """Alerts that came since it was frozen and wait."""
        return len(self._held_alerts)

    def freeze(self) -> None:
        if self._frozen_at is None:
            self._frozen_at = self._monotonic()
            self._frozen_watch = self._watch

    def thaw(self) -> News:
        """Lay in what was put aside; what `poll` would have said of it."""
        self._frozen_at = None
        snapshots, self._held_snapshots = self._held_snapshots, deque(maxlen=HELD_SNAPSHOTS)
        alerts, self._held_alerts = self._held_alerts, deque()
        for snapshot in list(snapshots)[:-1]:
            self.history.add(snapshot)
        notes: list[Note] = []
        if snapshots and self._newest is not None:
            self._show(self._newest)
            notes = self._new_notices()
        self.inbox.add(alerts, self._held_lost)
        return News(bool(snapshots), len(alerts), notes=tuple(notes))

    # The engine's life ------------------------------------------------------------------------

    def restart(self) -> None:
        """Start another engine; all counters and alerts begin anew. The scope and the folds stay."""
        self._client.restart()
        self._frozen_at = None
        self._held_snapshots.clear()
        self._held_alerts.clear()
        self._held_lost = 0
        self.snapshot = self._newest = None
        self._newest_at = self._started_at = self._monotonic()
        self.history.clear()
        self.inbox.clear()
        self.rules, self.rules_loaded = RuleBook(), False
        self._rules_asked = self._rules_switched = -1
        self._switching = 0
        self.failure, self._ended, self.ran = "", False, False
        self.speed, self.held = self._first_speed, False
        self._told.clear()
        self._watch = Watch()
        self._tell_watch()

"""An engine that is none: it hands out pictures of two switches and ten guests, and remembers commands.

The same step always gives the same picture. `python -m tests.ui.fake_client [--ascii] [THEMES]` shows them.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from pathlib import Path

from vpi_tui.feed.messages import Command, EngineMessage
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import (
    Counters,
    GuestStat,
    RuleStat,
    Snapshot,
    SwitchStat,
    Talker,
    TalkerTable,
)
from vpi_tui.view.overview import KINDS, WINDOWS

NS = 1_000_000_000
START = 1_700_000_000 * NS
GUESTS = (
    ("web-1", "vmbr0", "10.0.0.11"),
    ("web-2", "vmbr0", "10.0.0.12"),
    ("app-1", "vmbr0", "10.0.0.21"),
    ("db-1", "vmbr0", "10.0.0.31"),
    ("mail", "vmbr0", "10.0.0.41"),
    ("dns-1", "vmbr0", "10.0.0.53"),
    ("files", "lab0", "10.1.0.10"),
    ("desk-7", "lab0", "10.1.0.77"),
    ("backup", "lab0", "10.1.0.90"),
    ("printer", "lab0", "10.1.0.99"),
)
MESSAGES = (
    ("SQL injection in a URI", 1, "web-application-attack", "T1190", "web-1", "db-1"),
    ("Many failed SSH logins", 2, "attempted-admin", "T1110", "desk-7", "web-2"),
    ("Port scan of neighbours", 2, "attempted-recon", "T1046", "web-1", "app-1"),
    ("DNS tunnel suspected", 1, "policy-violation", "T1071.004", "mail", "dns-1"),
    ("Old TLS version", 3, "protocol-command-decode", "", "printer", "files"),
)


def counters(number: int, step: int) -> Counters:
    """Counters of guest `number` at `step`: each grows at a pace of its own, in waves."""
    pace = 40_000 * (number + 1)
    swing = pace * 0.8 * (1 - math.cos(step / 7 + number))
    sent = int(pace * step + swing * 6)
    got = int(pace * 0.6 * step + swing * 3)
    return Counters(sent // 700, got // 700, sent, got)


def summed(parts: list[Counters]) -> Counters:
    into = sum(c.bytes_in for c in parts)
    return Counters(sum(c.pkts_in for c in parts), 0, into, 0)


def snapshot(step: int, **changes: object) -> Snapshot:
    """The picture at `step` seconds after the start."""
    guests = tuple(
        GuestStat(
            name,
            switch,
            f"tap{number}",
            (ip,),
            (f"52:54:00:00:00:{number:02x}",),
            (),
            "demo",
            number != 9,
            counters(number, step),
            (step // 10, 1, 0) if name == "web-1" else (0, step // 20, 2) if name == "desk-7" else (0, 0, 0),
            "SQL injection in a URI" if name == "web-1" else "",
            GUESTS[(number + 3) % 10][0],
            "blind" if number == 8 else "seen",
        )
        for number, (name, switch, ip) in enumerate(GUESTS)
    )
    switches = tuple(
        SwitchStat(
            name,
            "bridge",
            sum(g.switch == name for g in guests) + 1,
            summed([g.counters for g in guests if g.switch == name]),
            (step // 10, 1, 0) if name == "vmbr0" else (0, step // 20, 2),
            "seen" if name == "vmbr0" else "partial",
        )
        for name in ("vmbr0", "lab0")
    )
    total = SwitchStat(
        "all", "", 12, summed([g.counters for g in guests]), (step // 10, 1 + step // 20, 2), "partial"
    )
    fields: dict[str, object] = {
        "seq": step,
        "taken_ns": START + step * NS,
        "packet_ns": START + step * NS,
        "mode": "demo",
        "source": "demo, seed 1",
        "state": "running",
        "state_text": "",
        "total": total,
        "switches": switches,
        "guests": guests,
        "talkers": tuple(_talkers(kind, window, step) for kind in KINDS for window in WINDOWS),
        "protocols": tuple((name, 10_000 * step * share) for name, share in _PROTOCOLS),
        "rules": (RuleStat(1, 2000001, step, START + step * NS),),
        "rules_enabled": 42,
        "rules_loaded": 45,
        "rules_refused": 1,
        "ruleset_serial": 1,
        "stats": {"capture.kernel_packets": 1000.0 * step, "capture.kernel_drops": 0.0},
    }
    return Snapshot(**{**fields, **changes})  # type: ignore[arg-type]


_PROTOCOLS = (("tls", 50), ("http", 20), ("smb", 12), ("dns", 5), ("ssh", 3), ("ntp", 1), ("icmp", 1))


def _talkers(kind: str, window: str, step: int) -> TalkerTable:
    rows = tuple(
        Talker(_label(kind, place), "vmbr0", GUESTS[place][0], 90 * step // (place + 1), size, 7 - place)
        for place in range(7)
        if (size := 60_000 * step // (place + 1))
    )
    return TalkerTable(kind, window, rows, sum(r.bytes for r in rows) * 5 // 4)  # type: ignore[arg-type]


def _label(kind: str, place: int) -> str:
    name, other = GUESTS[place][0], GUESTS[(place + 3) % 10][0]
    names = {"guest": name, "peer": f"{name} > {other}", "port": f"tcp/{443 + place}"}
    return names.get(kind, _PROTOCOLS[place][0])


def alert(number: int, step: int) -> Alert:
    """Alert `number` (from 1), raised at `step`."""
    place = number % len(MESSAGES)
    msg, priority, classtype, technique, source, target = MESSAGES[place]
    addresses = {name: ip for name, _, ip in GUESTS}
    switches = {name: switch for name, switch, _ in GUESTS}
    return Alert(
        number=number,
        ts_ns=START + step * NS,
        gid=1,
        sid=2000001 + place,
        rev=1,
        msg=msg,
        classtype=classtype,
        priority=priority,
        action="alert",
        technique=technique,
        pack="web-attack",
        in_iface="tap0",
        switch=switches[source],
        src_guest=source,
        dest_guest=target,
        locality="east-west",
        src_ip=addresses[source],
        src_port=40_000 + number,
        dest_ip=addresses[target],
        dest_port=443,
        proto=6,
        app_proto="http",
        vlan=(),
        direction="to_server",
        community_id="1:abc=",
        flow_id=number,
        packet_number=number,
    )


class FakeClient:
    """Plays an engine. `put` sets what it would send next; `sent` holds the commands that it got."""

    def __init__(self) -> None:
        self.sent: list[Command] = []
        self.restarts = 0
        self._snapshot: Snapshot | None = None
        self._alerts: list[Alert] = []
        self._messages: list[EngineMessage] = []
        self._lost = 0
        self._alive = True
        self._failure = ""

    def put(self, shown: Snapshot | None = None, *messages: EngineMessage, alerts: int = 0) -> None:
        if shown is not None:
            self._snapshot = shown
        self._messages += messages
        step = self._snapshot.seq if self._snapshot else 0
        first = self.raised + 1
        self._alerts += [alert(number, step) for number in range(first, first + alerts)]
        self.raised += alerts

    raised = 0

    def put_alerts(self, *alerts: Alert) -> None:
        self._alerts += alerts

    def end(self, failure: str = "") -> None:
        self._alive, self._failure = False, failure

    def latest(self) -> Snapshot | None:
        return self._snapshot

    def take_alerts(self) -> tuple[list[Alert], int]:
        taken, self._alerts = self._alerts, []
        return taken, self._lost

    def take_messages(self) -> list[EngineMessage]:
        taken, self._messages = self._messages, []
        return taken

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def alive(self) -> bool:
        return self._alive

    def finished(self) -> bool:
        return not self._alive and not self._failure

    def failure(self) -> str:
        return self._failure

    def restart(self) -> None:
        self.restarts += 1
        self._alive, self._failure, self._snapshot = True, "", None

    def close(self) -> None:
        self._alive = False


class PlayedClient(FakeClient):
    """A picture a second and an alert every three, for looking at by hand."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = time.monotonic()
        self._steps = itertools.count()
        self._step = 0

    def latest(self) -> Snapshot | None:
        while self._step < 120 + time.monotonic() - self._begun:
            self._step = next(self._steps)
            self.put(snapshot(self._step), alerts=self._step % 3 == 0)
        return super().latest()


if __name__ == "__main__":
    from vpi_tui.ui.run import run_app

    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    run_app(
        PlayedClient(),
        ascii_only="--ascii" in sys.argv,
        user_themes=Path(words[0]) if words else None,
    )

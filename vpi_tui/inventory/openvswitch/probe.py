"""The probe: connects, follows, and says what is wrong. It runs aside (`inventory/aside.py`)."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.openvswitch.errors import AbsentError
from vpi_tui.inventory.openvswitch.rows import Learned, counts_of, picture_of
from vpi_tui.inventory.picture import Picture
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError

if TYPE_CHECKING:
    from vpi_tui.inventory.openvswitch.database import Database
    from vpi_tui.inventory.openvswitch.forwarding import Forwarding

RETRY = 1.0
"""Seconds between two attempts to connect."""
ASK_AGAIN = 2.0
"""Seconds between two looks at learned addresses, of whose changes nobody tells."""
GONE = "systemctl start openvswitch-switch"


class OpenVSwitchProbe:
    """Silent where there is no Open vSwitch; looks for it again and again, because it may start later.

    Setting: probes.ovs.socket.
    """

    name = "Open vSwitch"

    def __init__(self, setup: Setup) -> None:
        self._setting = setup.option("ovs", "socket")
        self._database: Database | None = None
        self._retry_at = float("-inf")
        self._now = 0.0
        self._was_there = False
        self._counts: tuple[TrueCount, ...] = ()
        self._forwarding: Forwarding | None = None
        self._learned: Learned = {}
        self._silent = ""
        self._ask_at = float("-inf")

    def changed(self, now: float) -> bool:
        """Raises VpiError when the connection is lost."""
        self._now = now
        if self._database is None:
            return now >= self._retry_at
        try:
            return self._database.changed() | self._addresses_changed()
        except VpiError:
            self._hang_up()
            raise

    def _addresses_changed(self) -> bool:
        """Look at the learned addresses when it is time; that the switch does not answer is told."""
        if self._database is None or self._forwarding is None or self._now < self._ask_at:
            return False
        self._ask_at = self._now + ASK_AGAIN
        before = self._learned, self._silent
        try:
            self._learned, self._silent = self._forwarding.read(self._database.rows("Bridge")), ""
        except VpiError as error:
            self._silent = f"{self.name}: {error}"
        return (self._learned, self._silent) != before

    def read(self) -> Picture:
        try:
            database = self._database or self._connect()
        except AbsentError as reason:
            if self._was_there or self._setting:
                raise VpiError(
                    f"ovsdb-server does not run: there is {reason}; what it said before is shown.", hint=GONE
                ) from None
            return Picture(absent=str(reason))
        bridges = database.rows("Bridge")
        self._counts = counts_of(bridges, time.monotonic_ns())
        picture = picture_of(bridges, database.rows("Open_vSwitch"), self._learned)
        return replace(picture, notices=(*picture.notices, *([self._silent] if self._silent else ())))

    def _connect(self) -> Database:
        # Imported in the probe's own thread: the package takes a moment, and most hosts need it never.
        from vpi_tui.inventory.openvswitch.database import Database
        from vpi_tui.inventory.openvswitch.forwarding import Forwarding

        self._retry_at = self._now + RETRY
        remote = remote_of(self._setting)
        self._database = Database(remote)
        self._was_there = True
        path = remote.removeprefix("unix:")
        self._forwarding = Forwarding(Path(path).resolve().parent if path != remote else None)
        self._ask_at = float("-inf")
        self._addresses_changed()
        return self._database

    def counts(self) -> tuple[TrueCount, ...]:
        return self._counts

    def _hang_up(self) -> None:
        self._counts = ()
        if self._database is not None:
            self._database.close()
        if self._forwarding is not None:
            self._forwarding.close()
        self._database = self._forwarding = None
        self._retry_at = self._now + RETRY

    def close(self) -> None:
        self._hang_up()


def remote_of(setting: str) -> str:
    """What to connect to. setting: a path, tcp:HOST:PORT, ssl:HOST:PORT; "" = where the daemon listens."""
    if setting.startswith(("unix:", "tcp:", "ssl:")):
        return setting
    directory = os.environ.get("OVS_RUNDIR", "/var/run/openvswitch")
    return f"unix:{setting or Path(directory, 'db.sock')}"

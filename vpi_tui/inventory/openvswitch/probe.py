"""The probe: connects, follows, and says what is wrong. It runs aside (`inventory/aside.py`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.openvswitch.rows import counts_of, picture_of
from vpi_tui.inventory.picture import Picture
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError

if TYPE_CHECKING:
    from vpi_tui.inventory.openvswitch.database import Database

RETRY = 1.0
"""Seconds between two attempts to connect."""
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

    def changed(self, now: float) -> bool:
        """Raises VpiError when the connection is lost."""
        self._now = now
        if self._database is None:
            return now >= self._retry_at
        try:
            return self._database.changed()
        except VpiError:
            self._hang_up()
            raise

    def read(self) -> Picture:
        # Imported here, in the probe's own thread: the package takes a moment, and most hosts need it never.
        from vpi_tui.inventory.openvswitch.database import AbsentError, Database, remote_of

        remote = remote_of(self._setting)
        if self._database is None:
            self._retry_at = self._now + RETRY
            try:
                self._database = Database(remote)
            except AbsentError as reason:
                if self._was_there or self._setting:
                    raise VpiError(
                        f"ovsdb-server does not run: there is {reason}; what it said before is shown.",
                        hint=GONE,
                    ) from None
                return Picture(absent=str(reason))
            self._was_there = True
        bridges = self._database.rows("Bridge")
        self._counts = counts_of(bridges, time.monotonic_ns())
        return picture_of(bridges, self._database.rows("Open_vSwitch"))

    def counts(self) -> tuple[TrueCount, ...]:
        return self._counts

    def _hang_up(self) -> None:
        self._counts = ()
        if self._database is not None:
            self._database.close()
        self._database = None
        self._retry_at = self._now + RETRY

    def close(self) -> None:
        self._hang_up()

"""Addresses that bridges have learned: `fdb/show`, which ovs-vswitchd answers at its control socket.

They are not in the database. Source: ovs-vswitchd(8), ovs-appctl(8); an answer looks like

     port  VLAN  MAC                Age
        3    20  8e:6b:c4:49:fd:45    1
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from vpi_tui.inventory.links import MACS_A_PORT, MAX_FORWARDING
from vpi_tui.inventory.openvswitch.errors import AbsentError
from vpi_tui.inventory.openvswitch.rows import Learned
from vpi_tui.inventory.openvswitch.rpc import Connection
from vpi_tui.inventory.picture import mac_number
from vpi_tui.model.errors import VpiError

DAEMON = "ovs-vswitchd"
PortKey = tuple[str, str]
"""Bridge and interface."""


class Forwarding:
    """Keeps its connection: after root is given up it could not be opened again.

    directory: of the daemon's sockets; None = on another host, of which nothing is learned.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._connection: Connection | None = None
        self.learned: Learned = {}
        self._answered = False

    def read(self, bridges: Iterable[Any]) -> Learned:
        """What all bridges (rows of the database) have learned. Raises VpiError when the daemon is down."""
        if self._directory is None:
            return {}
        rows = list(bridges)
        try:
            if self._connection is not None:
                with suppress(VpiError):  # the daemon may have been started anew: see below
                    return self._ask(self._connection, rows)
                self.close()
            self._connection = Connection(f"unix:{_socket_in(self._directory)}", DAEMON)
            return self._ask(self._connection, rows)
        except AbsentError as reason:
            if not self._answered:
                return {}  # it may have been told to put its socket elsewhere
            raise VpiError(
                f"{DAEMON} does not run: there is {reason}. Its bridges may forward nothing.",
                hint="systemctl start openvswitch-switch",
            ) from None
        except VpiError:
            self.close()
            raise

    def _ask(self, connection: Connection, bridges: Iterable[Any]) -> Learned:
        found: dict[PortKey, tuple[int, ...]] = {}
        for bridge in bridges:
            found |= parse(str(connection.ask("fdb/show", bridge.name)), bridge, self.learned)
        self.learned, self._answered = found, True
        return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _socket_in(directory: Path) -> Path:
    """The control socket is named after the daemon's process id; without its pid file the newest one."""
    try:
        number = int((directory / f"{DAEMON}.pid").read_text())
    except (OSError, ValueError):
        found = sorted(directory.glob("*vswitchd*.ctl"), key=lambda path: path.stat().st_mtime)
        return found[-1] if found else directory / f"{DAEMON}.ctl"
    return directory / f"{DAEMON}.{number}.ctl"


def parse(table: str, bridge: Any, before: Learned) -> dict[PortKey, tuple[int, ...]]:
    """Addresses by port, the first few of one that has many; such a port keeps what it had in `before`."""
    names = {
        str(number): row.name
        for port in bridge.ports
        for row in port.interfaces
        for number in _numbers(getattr(row, "ofport", []))
    }
    found: dict[PortKey, list[int]] = {}
    for line in islice(table.splitlines(), 1, MAX_FORWARDING):
        words = line.split()
        if len(words) >= 3 and words[0] in names:
            macs = found.setdefault((bridge.name, names[words[0]]), [])
            mac = _mac(words[2])
            if mac and mac not in macs and len(macs) <= MACS_A_PORT:
                macs.append(mac)
    return {
        key: (len(macs) > MACS_A_PORT and before.get(key)) or tuple(sorted(macs[:MACS_A_PORT]))
        for key, macs in found.items()
    }


def _numbers(ofport: Any) -> list[int]:
    return ofport if isinstance(ofport, list) else [ofport]


def _mac(text: str) -> int:
    try:
        return mac_number(text)
    except ValueError:
        return 0

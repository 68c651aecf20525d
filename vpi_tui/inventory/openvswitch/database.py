"""A copy of the tables that matter, kept up to date by the `ovs` package's IDL.

The IDL reconnects by itself and keeps the reason to itself; a reason is what the operator needs. So a
connection that is lost ends here, and the next `Database` says why it cannot be opened. All has a deadline.
Sources: RFC 7047, ovs-vswitchd.conf.db(5), ovs/db/idl.py.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import ovs.db.idl
import ovs.jsonrpc
import ovs.poller
import ovs.stream

from vpi_tui.model.errors import VpiError

NAME = "Open_vSwitch"
TABLES: Final = {
    "Open_vSwitch": ("bridges", "other_config"),
    "Bridge": ("name", "ports", "mirrors"),
    "Port": ("name", "interfaces", "tag", "trunks", "vlan_mode", "status", "rstp_status"),
    "Interface": (
        "name",
        "type",
        "ofport",
        "ifindex",
        "admin_state",
        "link_state",
        "options",
        "external_ids",
        "statistics",
        "error",
    ),
    "Mirror": (
        "name",
        "select_all",
        "select_src_port",
        "select_dst_port",
        "select_vlan",
        "output_port",
        "output_vlan",
        "statistics",
    ),
}
"""What is copied; a column that an older schema lacks is left out."""
DEADLINE = 5.0
"""Seconds for one answer."""


class AbsentError(VpiError):
    """There is no socket: Open vSwitch is not installed, or does not run."""


class _Replica(ovs.db.idl.Idl):  # type: ignore[misc]
    @property
    def connected(self) -> bool:
        return bool(self._session.is_connected())


class Database:
    """An open connection. Raises AbsentError, and VpiError with the next step, when it cannot be opened."""

    def __init__(self, remote: str) -> None:
        self._remote = remote
        schema = _helper(_schema(remote))
        # The name of the database's leader matters in clusters alone, which this database never is.
        self._replica = _Replica(remote, schema, leader_only=False)
        try:
            self._wait_for_first()
        except VpiError:
            self._replica.close()
            raise

    def _wait_for_first(self) -> None:
        end = time.monotonic() + DEADLINE
        while True:
            self._replica.run()
            if self._replica.has_ever_connected():
                return
            poller = ovs.poller.Poller()
            self._replica.wait(poller)
            _block(poller, end, self._remote)

    def changed(self) -> bool:
        """Take what came; True when the copy changed. Never blocks.

        Raises VpiError when the connection is lost.
        """
        changed = bool(self._replica.run())
        if not self._replica.connected:
            raise VpiError(
                f"The connection to {self._remote} is lost; what it said before is shown.",
                hint="Look whether ovsdb-server runs: systemctl status openvswitch-switch ovsdb-server",
            )
        return changed

    def rows(self, table: str) -> list[Any]:
        """The rows of a table; columns are their attributes, references are rows."""
        found = self._replica.tables.get(table)
        return list(found.rows.values()) if found is not None else []

    def close(self) -> None:
        self._replica.close()


def _schema(remote: str) -> dict[str, Any]:
    """The schema that the server has: columns come and go with versions."""
    error, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote), int(DEADLINE * 1000))
    if error:
        raise _cannot_open(remote, error)
    connection = ovs.jsonrpc.Connection(stream)
    try:
        return _ask(connection, ovs.jsonrpc.Message.create_request("get_schema", [NAME]), remote)
    finally:
        connection.close()


def _ask(connection: Any, request: Any, remote: str) -> dict[str, Any]:
    end = time.monotonic() + DEADLINE
    connection.send(request)
    while True:
        connection.run()
        error, answer = connection.recv()
        if answer is not None and answer.id == request.id:
            if not isinstance(answer.result, dict):
                raise _no_database(remote, f"it has no database {NAME}")
            return answer.result
        if error not in (0, errno.EAGAIN):
            raise _no_database(remote, "it closed the connection" if error < 0 else os.strerror(error))
        poller = ovs.poller.Poller()
        connection.wait(poller)
        connection.recv_wait(poller)
        _block(poller, end, remote)


def _block(poller: Any, end: float, remote: str) -> None:
    left = end - time.monotonic()
    if left <= 0:
        raise VpiError(
            f"{remote} has not answered within {DEADLINE:.0f} seconds.",
            hint="Look at ovsdb-server: systemctl status openvswitch-switch",
        )
    poller.timer_wait(max(1, int(left * 1000)))
    poller.block()


def _helper(schema: dict[str, Any]) -> Any:
    tables = schema.get("tables", {})
    helper = ovs.db.idl.SchemaHelper(schema_json=schema)
    for table, columns in TABLES.items():
        known: Iterable[str] = tables.get(table, {}).get("columns", ())
        if chosen := [column for column in columns if column in known]:
            helper.register_columns(table, chosen)
    return helper


def _cannot_open(remote: str, error: int) -> Exception:
    if error == errno.ENOENT:
        return AbsentError(f"no socket at {remote.removeprefix('unix:')}")
    if error in (errno.EACCES, errno.EPERM):
        return VpiError(
            f"{remote} may not be opened by this user.",
            hint="Start vpi-tui again with sudo: it connects before it gives up root.",
        )
    if error == errno.ECONNREFUSED:
        return VpiError(
            f"{remote} is there, but nobody answers: ovsdb-server does not run.",
            hint="systemctl start openvswitch-switch",
        )
    return VpiError(f"{remote} cannot be opened: {os.strerror(error)}.")


def _no_database(remote: str, why: str) -> VpiError:
    return VpiError(
        f"What answers at {remote} is no database of Open vSwitch: {why}.",
        hint="Name the right socket: --set probes.ovs.socket=PATH",
    )


def remote_of(setting: str) -> str:
    """What to connect to. setting: a path, tcp:HOST:PORT, ssl:HOST:PORT; "" = where the daemon listens."""
    if setting.startswith(("unix:", "tcp:", "ssl:")):
        return setting
    directory = os.environ.get("OVS_RUNDIR", "/var/run/openvswitch")
    return f"unix:{setting or Path(directory, 'db.sock')}"

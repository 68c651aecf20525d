"""A copy of the tables that matter, kept up to date by the `ovs` package's IDL.

The IDL reconnects by itself and keeps the reason to itself; a reason is what the operator needs. So a
connection that is lost ends here, and the next `Database` says why it cannot be opened. All has a deadline.
Sources: RFC 7047, ovs-vswitchd.conf.db(5), ovs/db/idl.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

import ovs.db.idl
import ovs.poller

from vpi_tui.inventory.openvswitch import rpc
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
DAEMON = "ovsdb-server"


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
        end = time.monotonic() + rpc.DEADLINE
        while True:
            self._replica.run()
            if self._replica.has_ever_connected():
                return
            poller = ovs.poller.Poller()
            self._replica.wait(poller)
            rpc.block(poller, end, self._remote, DAEMON)

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
    connection = rpc.Connection(remote, DAEMON)
    try:
        schema = connection.ask("get_schema", NAME)
    finally:
        connection.close()
    if not isinstance(schema, dict):
        raise VpiError(f"What answers at {remote} has no schema of {NAME}.")
    return schema


def _helper(schema: dict[str, Any]) -> Any:
    tables = schema.get("tables", {})
    helper = ovs.db.idl.SchemaHelper(schema_json=schema)
    for table, columns in TABLES.items():
        known: Iterable[str] = tables.get(table, {}).get("columns", ())
        if chosen := [column for column in columns if column in known]:
            helper.register_columns(table, chosen)
    return helper

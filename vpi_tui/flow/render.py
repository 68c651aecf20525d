"""Flow records as people, files and the feed want them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.appproto import APP_PROTOS
from vpi_tui.flow.community_id import address_bytes, community_id
from vpi_tui.flow.records import EndReason
from vpi_tui.model.batch import FlowState
from vpi_tui.model.event import FlowRecord
from vpi_tui.model.snapshot import FlowColumns
from vpi_tui.model.topology import Locality

Rows = NDArray[Any]

_LOCALITIES = {value.value: value.name.lower().replace("_", "-") for value in Locality}
_STATES = {value.value: value.name.lower() for value in FlowState}
_REASONS = {value.value: value.name.lower() if value else "" for value in EndReason}


def address_text(high: int, low: int, ip_v: int) -> str:
    """An address as text; ip_v 4 takes the low 32 bits."""
    return str(IPv4Address(low & 0xFFFFFFFF)) if ip_v == 4 else str(IPv6Address(high << 64 | low))


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if 0 <= number < len(names) else ""


def to_record(row: Any, switches: Sequence[str] = (), guests: Sequence[str] = ()) -> FlowRecord:
    """One element of a structured array of FLOW_DTYPE as a FlowRecord.

    switches, guests: names by position in the topology.
    """
    ip_v, proto = int(row["ip_v"]), int(row["proto"])
    source = (int(row["src_ip"][0]), int(row["src_ip"][1]))
    dest = (int(row["dest_ip"][0]), int(row["dest_ip"][1]))
    src_port, dest_port = int(row["src_port"]), int(row["dest_port"])
    return FlowRecord(
        flow_id=int(row["flow_id"]),
        community_id=community_id(
            address_bytes(*source, ip_v), address_bytes(*dest, ip_v), src_port, dest_port, proto
        ),
        switch=_name(switches, int(row["switch"])),
        client_guest=_name(guests, int(row["src_guest"])),
        server_guest=_name(guests, int(row["dest_guest"])),
        locality=_LOCALITIES.get(int(row["locality"]), "unknown"),
        vlan=tuple(int(number) for number in row["vlan"] if number),
        proto=proto,
        src_ip=address_text(*source, ip_v),
        src_port=src_port,
        dest_ip=address_text(*dest, ip_v),
        dest_port=dest_port,
        app_proto=_name(APP_PROTOS, int(row["app_proto"])),
        start_ns=int(row["start_ns"]),
        end_ns=int(row["last_ns"]),
        state=_STATES.get(int(row["state"]), ""),
        pkts_toserver=int(row["pkts_toserver"]),
        pkts_toclient=int(row["pkts_toclient"]),
        bytes_toserver=int(row["bytes_toserver"]),
        bytes_toclient=int(row["bytes_toclient"]),
        tcp_flags_toserver=int(row["tcp_flags_toserver"]),
        tcp_flags_toclient=int(row["tcp_flags_toclient"]),
        alerted=bool(row["alerts"]),
        reason=_REASONS.get(int(row["reason"]), ""),
    )


_PLAIN_COLUMNS: dict[str, tuple[str, str]] = {
    "flow_id": ("flow_id", "<u8"),
    "src_port": ("src_port", "<u2"),
    "dest_port": ("dest_port", "<u2"),
    "proto": ("proto", "u1"),
    "state": ("state", "u1"),
    "locality": ("locality", "u1"),
    "alerted": ("alerts", "u1"),
    "start_ns": ("start_ns", "<i8"),
    "end_ns": ("last_ns", "<i8"),
    "pkts_toserver": ("pkts_toserver", "<u8"),
    "pkts_toclient": ("pkts_toclient", "<u8"),
    "bytes_toserver": ("bytes_toserver", "<u8"),
    "bytes_toclient": ("bytes_toclient", "<u8"),
}
"""Field of FlowColumns -> (field of FLOW_DTYPE, type sent)."""


def to_columns(
    rows: Rows, total: int, switches: Sequence[str] = (), guests: Sequence[str] = ()
) -> FlowColumns:
    """Many records as the columns that the feed carries.

    total: flows in the table. Number 0 of `names` is "": unknown.
    """
    names = ("", *switches, *guests, *APP_PROTOS[1:])
    guests_at = 1 + len(switches)
    apps_at = guests_at + len(guests)
    app = rows["app_proto"].astype(np.int32)
    plain = {
        name: np.ascontiguousarray(rows[field], dtype=kind).tobytes()
        for name, (field, kind) in _PLAIN_COLUMNS.items()
    }
    return FlowColumns(
        count=len(rows),
        total=total,
        names=names,
        src_ip=rows["src_ip"].astype(">u8").tobytes(),
        dest_ip=rows["dest_ip"].astype(">u8").tobytes(),
        vlan=rows["vlan"][:, 0].astype("<u2").tobytes(),
        switch=_numbered(rows["switch"], 1, len(switches)),
        src_guest=_numbered(rows["src_guest"], guests_at, len(guests)),
        dest_guest=_numbered(rows["dest_guest"], guests_at, len(guests)),
        app_proto=np.where(app > 0, app - 1 + apps_at, 0).astype("<u2").tobytes(),
        **plain,
    )


def _numbered(positions: NDArray[np.int16], start: int, count: int) -> bytes:
    """Positions in a list of `count` names that begins at `start` in `names`."""
    known = (positions >= 0) & (positions < count)
    return np.where(known, positions.astype(np.int32) + start, 0).astype("<u2").tobytes()

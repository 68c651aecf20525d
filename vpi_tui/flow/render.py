"""Flow records as people, files and the feed want them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.community_id import address_bytes, community_id
from vpi_tui.flow.records import EndReason
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import FlowState
from vpi_tui.model.event import FlowRecord
from vpi_tui.model.snapshot import FlowColumns
from vpi_tui.model.topology import Locality

Rows = NDArray[Any]

_LOCALITIES = {value.value: value.name.lower().replace("_", "-") for value in Locality}
_STATES = {value.value: value.name.lower() for value in FlowState}
_REASONS = {value.value: value.name.lower() if value else "" for value in EndReason}


@lru_cache(maxsize=8192)
def address_text(high: int, low: int, ip_v: int) -> str:
    """An address as text; ip_v 4 takes the low 32 bits."""
    return str(IPv4Address(low & 0xFFFFFFFF)) if ip_v == 4 else str(IPv6Address(high << 64 | low))


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if 0 <= number < len(names) else ""


def to_record(row: Any, switches: Sequence[str] = (), guests: Sequence[str] = ()) -> FlowRecord:
    """One element of a structured array of FLOW_DTYPE as a FlowRecord.

    switches, guests: names by position in the topology.
    """
    return next(to_records(row.reshape(1), switches, guests))


def to_records(rows: Rows, switches: Sequence[str] = (), guests: Sequence[str] = ()) -> Iterator[FlowRecord]:
    """The same for many; a column at a time, as a field of a numpy record is slow to get at."""
    columns = (rows[name].tolist() for name in _RECORD_FIELDS)
    for values in zip(*columns, strict=True):
        yield _record(switches, guests, *values)


_RECORD_FIELDS = (
    "flow_id", "ip_v", "proto", "src_ip", "dest_ip", "src_port", "dest_port", "vlan", "switch", "src_guest",
    "dest_guest", "locality", "app_proto", "start_ns", "last_ns", "state", "pkts_toserver", "pkts_toclient",
    "bytes_toserver", "bytes_toclient", "tcp_flags_toserver", "tcp_flags_toclient", "alerts", "reason",
)  # fmt: skip


def _record(
    switches: Sequence[str], guests: Sequence[str],
    flow_id: int, ip_v: int, proto: int, src_ip: list[int], dest_ip: list[int],
    src_port: int, dest_port: int, vlan: list[int], switch: int, src_guest: int, dest_guest: int,
    locality: int, app_proto: int, start_ns: int, last_ns: int, state: int,
    pkts_toserver: int, pkts_toclient: int, bytes_toserver: int, bytes_toclient: int,
    flags_toserver: int, flags_toclient: int, alerts: int, reason: int,
) -> FlowRecord:  # fmt: skip
    """Names by position, and the fields of _RECORD_FIELDS in that order."""
    source, dest = (src_ip[0], src_ip[1], ip_v), (dest_ip[0], dest_ip[1], ip_v)
    ends = address_bytes(*source), address_bytes(*dest)
    return FlowRecord(
        flow_id=flow_id,
        community_id=community_id(*ends, src_port, dest_port, proto),
        switch=_name(switches, switch),
        client_guest=_name(guests, src_guest),
        server_guest=_name(guests, dest_guest),
        locality=_LOCALITIES.get(locality, "unknown"),
        vlan=tuple(filter(None, vlan)),
        proto=proto,
        src_ip=address_text(*source),
        src_port=src_port,
        dest_ip=address_text(*dest),
        dest_port=dest_port,
        app_proto=_name(APP_PROTOS, app_proto),
        start_ns=start_ns,
        end_ns=last_ns,
        state=_STATES.get(state, ""),
        pkts_toserver=pkts_toserver,
        pkts_toclient=pkts_toclient,
        bytes_toserver=bytes_toserver,
        bytes_toclient=bytes_toclient,
        tcp_flags_toserver=flags_toserver,
        tcp_flags_toclient=flags_toclient,
        alerted=bool(alerts),
        reason=_REASONS.get(reason, ""),
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
        src_end=_ends(rows["src_guest"]),
        dest_end=_ends(rows["dest_guest"]),
        app_proto=np.where(app > 0, app - 1 + apps_at, 0).astype("<u2").tobytes(),
        **plain,
    )


def _numbered(positions: NDArray[np.int16], start: int, count: int) -> bytes:
    """Positions in a list of `count` names that begins at `start` in `names`."""
    known = (positions >= 0) & (positions < count)
    return np.where(known, positions.astype(np.int32) + start, 0).astype("<u2").tobytes()


def _ends(positions: NDArray[np.int16]) -> bytes:
    """What stands there when it is no guest."""
    return np.where(positions < 0, -positions, 0).astype("u1").tobytes()

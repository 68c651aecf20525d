"""Flows as rows: sorted and filtered over whole columns, made into text only where somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.snapshot import FlowColumns
from vpi_tui.view import humanize
from vpi_tui.view.cells import Cell, Row, Rows
from vpi_tui.view.escape import is_safe, safe
from vpi_tui.view.filters import NOTHING, Filter
from vpi_tui.view.flow_table import FIELDS, STATE_NAMES, Column, FlowTable, address_text, proto_name
from vpi_tui.view.scope import ALL, Scope

__all__ = ["FIELDS", "SORTS", "FlowRows", "FlowTable", "group_rows", "order"]

_STATE_STYLES = ("new", "good", "muted")
_WINDOW = 256
"""Rows before and behind the one that is asked for whose order is found with it."""
_PATHS = ("?", "e-w", "n-s", "host", "ext")
"""By Locality, in at most four cells."""
MARKS = ("+", "*", "-")
"""Signs of new, established and closed where nothing better can be drawn."""


def _name_rank(table: FlowTable, column: str) -> Column:
    """Place of each row's name in the alphabet."""
    ranks = np.empty(len(table.names), np.int64)
    ranks[sorted(range(len(table.names)), key=lambda i: table.names[i].lower())] = np.arange(len(table.names))
    return np.asarray(ranks[table[column]])


def _address_rank(addresses: Column) -> Column:
    """A number that orders addresses; IPv4 fits one half, IPv6 needs both."""
    halves = np.ascontiguousarray(addresses).view(">u8").reshape(-1, 2).astype(np.uint64)
    high, low = halves[:, 0], halves[:, 1]
    if not high.any():
        return np.asarray(low)
    ranked = np.lexsort((low, high))
    new = (np.diff(high[ranked], prepend=high[ranked[0]]) != 0) | (
        np.diff(low[ranked], prepend=low[ranked[0]]) != 0
    )
    ranks = np.empty(len(low), np.int64)
    ranks[ranked] = np.cumsum(new)
    return ranks


SORTS: dict[str, Callable[[FlowTable], Column]] = {
    "bytes": lambda t: t["bytes_toserver"] + t["bytes_toclient"],
    "share": lambda t: t["bytes_toserver"] / np.maximum(t["bytes_toserver"] + t["bytes_toclient"], 1),
    "pkts": lambda t: t["pkts_toserver"] + t["pkts_toclient"],
    "last": lambda t: t["end_ns"],
    "start": lambda t: t["start_ns"],
    "age": lambda t: t["end_ns"] - t["start_ns"],
    "alerts": lambda t: t["alerted"],
    "state": lambda t: t["state"],
    "app": lambda t: _name_rank(t, "app_proto"),
    "proto": lambda t: t["proto"],
    "src": lambda t: _address_rank(t.src),
    "dst": lambda t: _address_rank(t.dest),
    "port": lambda t: t["dest_port"],
    "guest": lambda t: _name_rank(t, "src_guest"),
    "switch": lambda t: _name_rank(t, "switch"),
    "vlan": lambda t: t["vlan"],
    "path": lambda t: t["locality"],
}
"""What flows can be sorted by: one number for each row."""


def order(keys: Column, last: int, *, descending: bool, first: int = 0) -> NDArray[np.intp]:
    """Places of the rows that stand `first` to `last` (exclusive) in order.

    Equal keys keep the order of the table, so rows stand still. A partition finds the keys at both edges;
    only what lies between them is sorted.
    """
    count = len(keys)
    first, last = max(first, 0), min(last, count)
    if last <= first:
        return np.empty(0, np.intp)
    ranked = _ascending(keys, descending=descending)
    if first == 0 and last == count:
        return np.asarray(np.argsort(ranked, kind="stable"))
    parted = np.partition(ranked, (first, last - 1))
    low, high = parted[first], parted[last - 1]
    between = np.flatnonzero((ranked >= low) & (ranked <= high))
    between = between[np.argsort(ranked[between], kind="stable")]
    above = int(np.count_nonzero(ranked < low))
    return np.asarray(between[first - above : last - above])


def _ascending(keys: Column, *, descending: bool) -> Column:
    if keys.dtype.kind == "u" and keys.dtype.itemsize == 8:
        return ~keys if descending else keys
    if keys.dtype.kind in "bu":
        keys = keys.astype(np.int64)
    return -keys if descending else keys


class FlowRows:
    """Lines for a table. The order is found only round the place that somebody looks at.

    Columns: mark of the state, alerts, application, source, destination, packets, bytes, share sent by the
    source, duration, last seen, state, path, switch, vlan. `marks`: the signs of new, established and closed.
    """

    def __init__(
        self,
        table: FlowTable,
        wanted: Filter = NOTHING,
        *,
        scope: Scope = ALL,
        sort: str = "bytes",
        descending: bool = True,
        now_ns: int = 0,
        marks: Sequence[str] = MARKS,
        short: bool = False,
    ) -> None:
        """short: an end that is a guest is told by its name alone, for narrow tables."""
        self.table = table
        self._short = short
        self._marks = marks
        mask = chosen(table, scope, wanted)
        self._chosen = None if mask is None else np.flatnonzero(mask)
        keys = SORTS.get(sort, SORTS["bytes"])(table)
        self._keys = keys if self._chosen is None else keys[self._chosen]
        self._descending = descending
        self._now = now_ns
        self._window = (0, np.empty(0, np.intp))
        """First place in the order that is known, and the rows from there on."""

    def __len__(self) -> int:
        return len(self._keys)

    def _at(self, index: int) -> int:
        first, known = self._window
        if not first <= index < first + len(known):
            first = max(index - _WINDOW, 0)
            known = order(self._keys, index + _WINDOW, descending=self._descending, first=first)
            self._window = (first, known)
        place = known[index - first]
        return int(place if self._chosen is None else self._chosen[place])

    def key(self, index: int) -> int:
        return int(self.table["flow_id"][self._at(index)])

    def find(self, key: object) -> int | None:
        """Where a flow stands in the order: counted, not searched."""
        if not isinstance(key, int):
            return None
        ids = self.table["flow_id"] if self._chosen is None else self.table["flow_id"][self._chosen]
        places = np.flatnonzero(ids == np.uint64(key & 0xFFFFFFFFFFFFFFFF))
        if not len(places):
            return None
        ranked = _ascending(self._keys, descending=self._descending)
        mine = ranked[places[0]]
        return int(np.count_nonzero(ranked < mine) + np.count_nonzero(ranked[: places[0]] == mine))

    def row(self, index: int) -> Sequence[Cell]:
        return flow_cells(self.table, self._at(index), self._now, self._marks, short=self._short)


def chosen(table: FlowTable, scope: Scope, wanted: Filter = NOTHING) -> NDArray[np.bool_] | None:
    """Which flows lie in the scope and hold the filter; None = all of them."""
    mask = table.mask(wanted)
    if scope.kind == "all":
        return mask
    number = np.fromiter((name == scope.name for name in table.names), np.bool_, len(table.names))
    if scope.kind == "switch":
        inside = number[table["switch"]]
    else:
        inside = number[table["src_guest"]] | number[table["dest_guest"]]
    return np.asarray(inside if mask is None else inside & mask)


def flow_cells(
    table: FlowTable, at: int, now_ns: int, marks: Sequence[str] = MARKS, *, short: bool = False
) -> tuple[Cell, ...]:
    alerts, state = int(table["alerted"][at]), min(int(table["state"][at]), 2)
    proto, vlan = int(table["proto"][at]), int(table["vlan"][at])
    app = table.names[table["app_proto"][at]]
    start, end = int(table["start_ns"][at]), int(table["end_ns"][at])
    sent, back = int(table["bytes_toserver"][at]), int(table["bytes_toclient"][at])
    closed = state == 2
    shade = "muted" if closed else "text"
    return (
        (marks[state], _STATE_STYLES[state]),
        (f"!{'255+' if alerts == 255 else alerts}" if alerts else "", "severity.high"),
        (safe(app, 16) or proto_name(proto), "muted" if closed else "protocol"),
        (endpoint(table, at, "src", short=short), shade),
        (endpoint(table, at, "dest", short=short), shade),
        (humanize.count(int(table["pkts_toserver"][at]) + int(table["pkts_toclient"][at])), shade),
        (humanize.size(sent + back), shade),
        (humanize.percent(sent / (sent + back)) if sent + back else "-", "muted"),
        (humanize.duration((end - start) / 1e9), "muted"),
        (humanize.ago(end, now_ns), "time"),
        (STATE_NAMES[state], _STATE_STYLES[state]),
        (_PATHS[min(int(table["locality"][at]), len(_PATHS) - 1)], "muted"),
        (safe(table.names[table["switch"][at]], 32), "muted"),
        (str(vlan) if vlan else "-", "muted"),
    )


def endpoint(table: FlowTable, at: int, side: str, *, short: bool = False) -> str:
    """`web-1 10.0.5.3:443`, or `web-1:443` in short; without ports for protocols that have none."""
    packed = (table.src if side == "src" else table.dest)[at].tobytes()
    guest = safe(table.names[table[f"{side}_guest"][at]], 40)
    port = f":{int(table[f'{side}_port'][at])}" if int(table["proto"][at]) in (6, 17, 132) else ""
    if guest and short:
        return guest + port
    text = address_text(packed)
    text = f"[{text}]{port}" if port and ":" in text else text + port
    return text if guest == address_text(packed) else f"{guest} {text}".strip()


# Groups ---------------------------------------------------------------------------------------

GROUPS: dict[str, Callable[[FlowTable], tuple[Column, Callable[[int], str]]]] = {
    "guest": lambda t: (t["src_guest"], lambda value: t.names[value] or "(no guest)"),
    "peer": lambda t: (t["dest_guest"], lambda value: t.names[value] or "(no guest)"),
    "port": lambda t: (
        t["proto"].astype(np.int64) << 16 | t["dest_port"],
        lambda value: f"{proto_name(value >> 16)}/{value & 0xFFFF}",
    ),
    "application": lambda t: (t["app_proto"], lambda value: t.names[value] or "(unknown)"),
}
"""What flows can be grouped by: a number for each row, and its text."""


def group_rows(
    table: FlowTable, by: str, wanted: Filter = NOTHING, most: int = 500, scope: Scope = ALL
) -> list[GroupRow]:
    """Sums by group, most bytes first."""
    values, name = GROUPS[by](table)
    mask = chosen(table, scope, wanted)
    size = (table["bytes_toserver"] + table["bytes_toclient"]).astype(np.float64)
    pkts = (table["pkts_toserver"] + table["pkts_toclient"]).astype(np.float64)
    alerted = (table["alerted"] > 0).astype(np.float64)
    if mask is not None:
        values, size, pkts, alerted = values[mask], size[mask], pkts[mask], alerted[mask]
    unique, inverse = np.unique(values, return_inverse=True)
    sums = [np.bincount(inverse, weights=w, minlength=len(unique)) for w in (size, pkts, alerted)]
    flows = np.bincount(inverse, minlength=len(unique))
    best = order(sums[0], most, descending=True)
    return [
        GroupRow(
            safe(word := name(int(unique[i])), 64),
            int(flows[i]),
            int(sums[1][i]),
            int(sums[0][i]),
            int(sums[2][i]),
            word,
        )
        for i in best
    ]


def group_cells(groups: Sequence[GroupRow]) -> Rows:
    """Columns: alerted flows, name, flows, packets, bytes, share of all."""
    whole = sum(group.bytes for group in groups) or 1
    return Rows(
        [
            Row(
                group.word,
                (
                    (f"!{humanize.count(group.alerted)}" if group.alerted else "", "severity.high"),
                    (group.name, "guest"),
                    (humanize.count(group.flows), "number"),
                    (humanize.count(group.pkts), "number"),
                    (humanize.size(group.bytes), "number"),
                    (humanize.percent(group.bytes / whole), "muted"),
                ),
            )
            for group in groups
        ]
    )


def group_filter(by: str, name: str) -> str:
    """What to type after `/` for the flows of one group; "" = no filter can say it. name: as it came."""
    if name.startswith("("):
        return {"guest": "is:client-unnamed", "peer": "is:server-unnamed", "application": "is:app-unknown"}[
            by
        ]
    if not name or '"' in name or not is_safe(name):
        return ""
    if by == "port":
        proto, _, port = name.partition("/")
        return f"proto:{proto} dport:{port}"
    field = {"guest": "src", "peer": "dst", "application": "app"}[by]
    return f'{field}:"{name}"' if " " in name else f"{field}:{name}"


class GroupRow(NamedTuple):
    """Sums over one group of flows. alerted: flows that raised an alert. word: the name as it came."""

    name: str
    flows: int
    pkts: int
    bytes: int
    alerted: int
    word: str = ""


def empty_text(columns: FlowColumns, *, unasked: bool = False, awaited: bool = False) -> tuple[str, str]:
    """Why no flow is shown, and what to do. unasked: the picture was frozen before this screen was opened.
    awaited: flows are told with the next picture."""
    if unasked:
        return "The picture was frozen before flows were looked at.", "p goes on, and they are shown."
    if awaited:
        return "Flows are being fetched.", "They come with the next picture."
    if columns.total:
        return "No flow fits the filter or the scope.", "Esc takes them away."
    return "No flow yet.", "Flows appear with the first packets; see 9 for what the engine captures."

"""How many flows spoke which application since the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import I64

_KINDS = APP_FAILED + 1
_TCP, _UDP = 6, 17
_PSH = np.uint8(8)


class Applications:
    """Counts flows when they end, and when asked those that live."""

    def __init__(self) -> None:
        self._ended: I64 = np.zeros(2 * _KINDS, np.int64)
        self._most: I64 = np.zeros(2 * _KINDS, np.int64)
        """As told last: nothing is ever taken back."""

    def ended(self, rows: Any) -> None:
        """rows: structured[n] of FLOW_DTYPE, flows that ended."""
        flags = rows["tcp_flags_toserver"] & rows["tcp_flags_toclient"]
        told = (rows["proto"] == _TCP) & (flags & _PSH != 0)
        told |= (rows["proto"] == _UDP) & (rows["pkts_toserver"] > 0) & (rows["pkts_toclient"] > 0)
        self._ended += _count(np.where((rows["app_proto"] == 0) & told, APP_FAILED, rows["app_proto"]), rows)

    def flows(self, live: Any, left: Mapping[str, int]) -> dict[tuple[str, bool], int]:
        """(application, whether over UDP) -> flows. A flow whose application changes counts for both.

        live: the flow table's records, free ones as well. left: connections that were each application's
        before they became another's.
        """
        rows = live[(live["flow_id"] != 0) & (live["reason"] == 0) & (live["app_proto"] != 0)]
        now = self._ended + _count(rows["app_proto"], rows)
        for name, count in left.items():
            now[APP_PROTOS.index(name)] += count
        np.maximum(self._most, now, out=self._most)
        return {
            (_name(int(kind) % _KINDS), bool(kind >= _KINDS)): int(self._most[kind])
            for kind in np.flatnonzero(self._most)
        }


def _count(apps: Any, rows: Any) -> I64:
    kinds = apps.astype(np.int64) + _KINDS * (rows["proto"] == _UDP)
    counts: I64 = np.bincount(kinds[apps != 0], minlength=2 * _KINDS)
    return counts


def _name(app: int) -> str:
    return "failed" if app == APP_FAILED else APP_PROTOS[app]

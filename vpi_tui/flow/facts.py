"""Facts: what flows of one kind added up to. The unit that talkers are made of.

A fact joins all flows with the same switch, ends, transport, server port and application. Each
tick gives a short table of them; tables are merged by key and cut to the most bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow import kernels_facts
from vpi_tui.flow.counters import Tally
from vpi_tui.flow.table import Touched
from vpi_tui.model.places import Places, placed

Facts = NDArray[Any]
"""structured[k] of FACT_DTYPE."""

FACT_DTYPE = np.dtype(
    [
        ("key", np.uint64),
        ("src_ip", np.uint64, (2,)),  # of the client; of one flow among those with this key
        ("dest_ip", np.uint64, (2,)),
        ("src_end", np.uint64),  # guest + 1, or a hash of the address with the top bit set
        ("dest_end", np.uint64),
        ("pkts", np.uint64),  # both directions
        ("bytes_toserver", np.uint64),
        ("bytes_toclient", np.uint64),
        ("started", np.uint32),  # flows that began
        ("seen", np.uint32),  # most flows that were active in one tick
        ("first_ns", np.int64),  # start of the first of its flows
        ("last_ns", np.int64),
        ("switch", np.int16),  # -1 = unknown
        ("src_guest", np.int16),  # or an End, as the next
        ("dest_guest", np.int16),
        ("port", np.uint16),  # of the server; 0 where there are none
        ("proto", np.uint8),
        ("app_proto", np.uint8),
        ("inner", np.bool_),  # inside a tunnel, so its bytes count in another fact as well
        ("locality", np.uint8),
    ],
    align=True,
)


def _kernel_dtype() -> np.dtype[Any]:
    """FACT_DTYPE as the compiled loop writes it: addresses as two halves, truth values as bytes."""
    names, formats, offsets = [], [], []
    for name in FACT_DTYPE.names or ():
        kind, offset = FACT_DTYPE.fields[name][:2]  # type: ignore[index]
        if kind.shape:
            side = name.removesuffix("_ip")
            names += [f"{side}_high", f"{side}_low"]
            formats += ["u8", "u8"]
            offsets += [offset, offset + 8]
        else:
            names.append(name)
            formats.append("u1" if kind == np.bool_ else kind.str)
            offsets.append(offset)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": FACT_DTYPE.itemsize})


KERNEL_FACT_DTYPE = _kernel_dtype()
CAPACITY = 1 << 15
_ODD = np.uint64(0x9E3779B97F4A7C15)
_TOP_BIT = np.uint64(1 << 63)


class FactTable:
    """Adds flows up to facts, a table of `capacity` (a power of two) facts at a time."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._facts = np.zeros(capacity, FACT_DTYPE)
        self._rows = self._facts.view(KERNEL_FACT_DTYPE)
        self._index = np.zeros(2 * capacity, np.int32)
        self._used = 0

    def collect(self, parts: Iterable[Touched], tally: Tally) -> Iterator[Facts]:
        """The facts of some flows, each key once in each table that is given; `tally` counts along."""
        for part in parts:
            done = 0
            while done < len(part.rows):
                moved, self._used = kernels_facts.add_facts(
                    part.records,
                    part.rows[done:],
                    self._rows,
                    self._index,
                    self._used,
                    tally.guests.sums,
                    tally.switches.sums,
                    tally.whole.sums,
                )
                done += moved
                if self._used == len(self._facts):
                    yield self._take()
        if self._used:
            yield self._take()

    def _take(self) -> Facts:
        facts = self._facts[: self._used].copy()
        self._index.fill(0)
        self._used = 0
        return facts


def moved(rows: Facts, places: Places) -> Facts:
    """Guests at their new places. Facts of later ticks are not joined with these: their keys are others."""
    rows = rows.copy()
    for side in ("src", "dest"):
        known = rows[f"{side}_guest"] >= 0
        rows[f"{side}_guest"] = guests = placed(rows[f"{side}_guest"], places)
        high, low = rows[f"{side}_ip"].T
        address = (high * _ODD ^ low) * _ODD | _TOP_BIT
        end = np.where(guests >= 0, guests.astype(np.uint64) + np.uint64(1), address)
        rows[f"{side}_end"] = np.where(known, end, rows[f"{side}_end"])
    rows["key"] *= _ODD
    return rows


def merged(rows: Facts, *, same_tick: bool = False) -> Facts:
    """One fact a key. same_tick: flows add up; else the tick that saw most of them counts."""
    if not len(rows):
        return rows
    order = np.argsort(rows["key"], kind="stable")
    key = rows["key"][order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    out: Facts = rows[order[starts]]
    for name in ("pkts", "bytes_toserver", "bytes_toclient", "started"):
        out[name] = np.add.reduceat(rows[name][order], starts)
    join = np.add if same_tick else np.maximum
    out["seen"] = join.reduceat(rows["seen"][order], starts)
    out["first_ns"] = np.minimum.reduceat(rows["first_ns"][order], starts)
    out["last_ns"] = np.maximum.reduceat(rows["last_ns"][order], starts)
    return out


def total_bytes(facts: Facts) -> NDArray[np.uint64]:
    """Bytes of each fact, both directions."""
    both: NDArray[np.uint64] = facts["bytes_toserver"] + facts["bytes_toclient"]
    return both

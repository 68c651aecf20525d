"""Facts: what flows of one kind added up to. The unit that talkers are made of.

A fact joins all flows with the same switch, ends, transport, server port and application. Each
tick gives a short table of them; tables are merged by key and cut to the most bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.flow.table import Touched
from vpi_tui.model.topology import Locality

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
        ("switch", np.int16),  # -1 = unknown, as the guests
        ("src_guest", np.int16),
        ("dest_guest", np.int16),
        ("port", np.uint16),  # of the server; 0 where there are none
        ("proto", np.uint8),
        ("app_proto", np.uint8),
        ("inner", np.bool_),  # inside a tunnel, so its bytes count in another fact as well
        ("east_west", np.bool_),
    ],
    align=True,
)

_WITH_PORTS = (6, 17, 132)
_TOP_BIT = np.uint64(1 << 63)
_ODD = tuple(np.uint64(value) for value in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


def mixed_words(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A number with its bits spread over all 64, element by element."""
    words = words ^ (words >> np.uint64(32))
    words = words * _ODD[0]
    return words ^ (words >> np.uint64(29))


def _ends(guest: NDArray[np.int16], address: NDArray[np.uint64]) -> NDArray[np.uint64]:
    hashed = mixed_words(address[:, 0] * _ODD[1] + mixed_words(address[:, 1])) | _TOP_BIT
    return np.where(guest >= 0, (guest.astype(np.int64) + 1).astype(np.uint64), hashed)


def from_touched(touched: Touched) -> Facts:
    """One fact a flow, not merged yet."""
    records = touched.records
    facts = np.zeros(len(records), FACT_DTYPE)
    for name in ("src_ip", "dest_ip", "switch", "src_guest", "dest_guest", "proto", "app_proto"):
        facts[name] = records[name]
    facts["port"] = np.where(np.isin(records["proto"], _WITH_PORTS), records["dest_port"], 0)
    facts["inner"] = records["tunnel"] != 0
    facts["east_west"] = records["locality"] == Locality.EAST_WEST
    facts["src_end"] = _ends(records["src_guest"], records["src_ip"])
    facts["dest_end"] = _ends(records["dest_guest"], records["dest_ip"])
    added = touched.pkts_toserver.astype(np.uint64) + touched.pkts_toclient
    facts["pkts"] = added
    facts["bytes_toserver"] = touched.bytes_toserver
    facts["bytes_toclient"] = touched.bytes_toclient
    facts["started"] = records["pkts_toserver"] + records["pkts_toclient"] == added
    facts["seen"] = 1
    facts["key"] = _keys(facts)
    return facts


def _keys(facts: Facts) -> NDArray[np.uint64]:
    small = facts["port"].astype(np.uint64)
    for name in ("proto", "app_proto", "inner", "east_west"):
        small = small << np.uint64(8) | facts[name].astype(np.uint64)
    small = small << np.uint64(16) | facts["switch"].view(np.uint16)
    ends = mixed_words(facts["src_end"]) * _ODD[1] + mixed_words(facts["dest_end"]) * _ODD[2]
    return mixed_words(ends ^ mixed_words(small))


def merged(facts: Facts, *, same_tick: bool = False) -> Facts:
    """One fact a key. same_tick: flows add up; else the tick that saw most of them counts."""
    if not len(facts):
        return facts
    order = np.argsort(facts["key"], kind="stable")
    key = facts["key"][order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    out: Facts = facts[order[starts]]
    for name in ("pkts", "bytes_toserver", "bytes_toclient", "started"):
        out[name] = np.add.reduceat(facts[name][order], starts)
    join = np.add if same_tick else np.maximum
    out["seen"] = join.reduceat(facts["seen"][order], starts)
    return out


def total_bytes(facts: Facts) -> NDArray[np.uint64]:
    """Bytes of each fact, both directions."""
    both: NDArray[np.uint64] = facts["bytes_toserver"] + facts["bytes_toclient"]
    return both


def largest(facts: Facts, count: int) -> Facts:
    """The `count` facts with most bytes."""
    if len(facts) <= count:
        return facts
    kept = np.argpartition(total_bytes(facts), len(facts) - count)[len(facts) - count :]
    return facts[kept]

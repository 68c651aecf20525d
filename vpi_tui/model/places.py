"""Guests whose positions in the topology changed are found again by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.topology import End

Places = NDArray[np.int16]
"""int16 by former position: where the guest is now; End.UNKNOWN = it is gone."""


def renamed_since(before: Sequence[str], now: Sequence[str]) -> dict[str, str]:
    """Present name by former one. Who has another name that nobody had before, at the same place, is the
    same: hosts that are learned are named anew once more of their addresses is known."""
    names, former = set(now), set(before)
    places = zip(before, now, strict=False)
    return {old: new for old, new in places if old not in names and new not in former}


def places_since(before: Sequence[str], now: Sequence[str]) -> Places | None:
    """None = all stay where they were."""
    if tuple(now[: len(before)]) == tuple(before):
        return None
    numbers, renamed = {name: number for number, name in enumerate(now)}, renamed_since(before, now)
    found = [numbers.get(renamed.get(name, name), int(End.UNKNOWN)) for name in before]
    places = np.array(found, np.int16)
    return None if np.array_equal(places, np.arange(len(before))) else places


def placed(ends: NDArray[np.int16], places: Places) -> NDArray[np.int16]:
    """Ends of flows, by position or End, with guests at their new places."""
    here = (ends >= 0) & (ends < len(places))
    out = ends.copy()
    out[here] = places[ends[here]]
    return out

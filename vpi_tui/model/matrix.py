"""Who speaks to whom: one row a pair of ends and window of time."""

from __future__ import annotations

from dataclasses import dataclass

from vpi_tui.model.topology import Locality


@dataclass(frozen=True, slots=True)
class PairStat:
    """Flows from the first end, which opened them, to the second. Ends are guests, or one of ELSEWHERE."""

    src: str
    dest: str
    switch: str
    """Of the first end."""
    locality: Locality
    bytes: int
    """Both directions."""
    flows: int
    alerts: int
    first_ns: int
    """Time of the first packet of the pair."""
    last_ns: int
    new: bool = False
    """Seen for the first time after the baseline, or in this window when there is none."""
    broken: str = ""
    """The line of the policy that it breaks; "" = none."""


ELSEWHERE = ("world", "host", "unknown")
"""Ends that are no guest: beyond an uplink, this host itself, and what no port tells."""

"""Who speaks to whom: one row a pair of ends and window of time."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from vpi_tui.model.topology import Locality


class PairStat(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Thousands of them may travel with each snapshot, so they are small and quick to decode.

    Flows from the first end, which opened them, to the second. Ends are guests, or one of ELSEWHERE."""

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


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How far the learning of a baseline is, and which policy is in force."""

    learning_since_ns: int = 0
    """Time of the packets; 0 = nothing is being learned."""
    learned_until_ns: int = 0
    """End of the baseline; 0 = there is none, or it is still being learned."""
    learned: int = 0
    """Kinds of connection in the baseline: one for each two ends, protocol and port."""
    policy: str = ""
    """File of the policy that is in force; "" = there is none."""
    lines: int = 0
    """Its lines that allow or deny."""
    violations: int = 0
    """Connections that broke it, those included of which no alert was raised."""


GROUPS = ("broadcast", "multicast")
ELSEWHERE = ("world", "host", "unknown", *GROUPS)
"""Ends that are no guest: beyond an uplink, this host itself, what no port tells, and groups."""

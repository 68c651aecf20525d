"""All cases, and how to get their frames.

`frames_for(sid)` gives what alerts and what does not. `film()` lays all of them into one capture,
each in a slot of time of its own, so that one run of the scanner answers for every rule: the
time stamp of an alert tells the slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.cases import brute_force, exfil_tunnel, lateral_movement, management_plane, recon, web_attack
from tests.cases.build import Case, TimedFrame, frames

_ROOMS = (recon, brute_force, web_attack, lateral_movement, exfil_tunnel, management_plane)
CASES: dict[int, Case] = {sid: case for room in _ROOMS for sid, case in room.CASES.items()}

START_NS = 1_790_000_000_000_000_000
SLOT_NS = 7_200_000_000_000
"""Two hours: longer than any time-out of a flow or a threshold."""


class Slot(NamedTuple):
    sid: int
    alerts: bool


@cache
def slots() -> tuple[Slot, ...]:
    return tuple(Slot(sid, alerts) for sid in sorted(CASES) for alerts in (True, False))


def frames_for(sid: int, start_ns: int = START_NS) -> tuple[list[TimedFrame], list[TimedFrame]]:
    """(frames that must raise sid, frames that must not): nanoseconds and bytes, in order."""
    case = CASES[sid]
    return frames(case.alerts(), start_ns), frames(case.quiet(), start_ns)


def film() -> Iterator[TimedFrame]:
    """Every case, one slot after another."""
    for number, slot in enumerate(slots()):
        case = CASES[slot.sid]
        yield from frames((case.alerts if slot.alerts else case.quiet)(), START_NS + number * SLOT_NS)


def slot_at(ts_ns: int) -> Slot:
    return slots()[(ts_ns - START_NS) // SLOT_NS]

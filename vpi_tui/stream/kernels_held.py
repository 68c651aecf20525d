"""The queue of directions that hold bytes back, the one that waits longest first."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.stream.layout import HELD, HOLD_NS, N_DUE, N_HELD_FIRST, N_HELD_LAST

I64 = np.int64
NEVER = (1 << 63) - 1


@helper
def set_due(p):
    first = p.numbers[N_HELD_FIRST]
    p.numbers[N_DUE] = p.directions[first - 1]["since"] + HOLD_NS if first else NEVER


@helper
def enqueue(p, i, now):
    """Put direction i at the end, unless it waits already."""
    own = p.directions[i]
    if own["flags"] & HELD:
        return
    own["flags"] |= HELD
    own["since"] = now
    own["held_after"] = 0
    last = p.numbers[N_HELD_LAST]
    own["held_before"] = last
    if last:
        p.directions[last - 1]["held_after"] = i + 1
    else:
        p.numbers[N_HELD_FIRST] = i + 1
        p.numbers[N_DUE] = now + HOLD_NS
    p.numbers[N_HELD_LAST] = i + 1


@helper
def dequeue(p, i):
    """Take direction i out, if it is in."""
    own = p.directions[i]
    if not own["flags"] & HELD:
        return
    own["flags"] &= 0xFF ^ HELD
    own["waited"] = 0
    before, after = I64(own["held_before"]), I64(own["held_after"])
    if after:
        p.directions[after - 1]["held_before"] = before
    else:
        p.numbers[N_HELD_LAST] = before
    if before:
        p.directions[before - 1]["held_after"] = after
    else:
        p.numbers[N_HELD_FIRST] = after
        set_due(p)

"""Of two segments (fragments) that say something else for the same bytes: whose bytes count?

Both are compared by where they begin and end, which gives one of nine cases. A policy is the set of cases in
which the bytes that came later win, as bits of a number: 1 << case.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper

I64 = np.int64

BEFORE, SAME, AFTER = range(3)
"""Where the later one begins, seen from where the earlier does; and where it ends, seen from its end."""


@helper
def case_of(begins, ends):
    """begins, ends: those of the later one minus those of the earlier."""
    start = BEFORE if begins < 0 else SAME if begins == 0 else AFTER
    end = BEFORE if ends < 0 else SAME if ends == 0 else AFTER
    return 3 * start + end


@helper
def later_wins(policy, begins, ends):
    return policy >> case_of(begins, ends) & 1 == 1


@helper
def policy_of(hosts, policies, high, low):
    """The entry of `policies` (a column of hosts) for an address, by binary search."""
    first, last = I64(0), I64(len(hosts.high))
    while last - first > 1:
        middle = (first + last) >> 1
        if hosts.high[middle] < high or (hosts.high[middle] == high and hosts.low[middle] <= low):
            first = middle
        else:
            last = middle
    return I64(policies[first])

"""What comes again of bytes that are there: does it say something else, and whose bytes count?"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, inlined
from vpi_tui.model.sequence import distance
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.stream.kernels_cells import differs, overwrite, unroll
from vpi_tui.stream.kernels_policies import later_wins
from vpi_tui.stream.kernels_release import tell
from vpi_tui.stream.layout import ACKED, BEGINNINGS, N_DIFFERENT

I64 = np.int64
DIFFERENT = np.uint64(1 << StreamEvent.REASSEMBLY_OVERLAP_DIFFERENT_DATA)


@inlined
def was_different(p, i, old, source, at, count):
    """Does a copy of bytes that are kept (it begins `old` bytes back) say something else?"""
    own = p.directions[i]
    kept = I64(own["kept"])
    skipped = max(I64(0), old - kept)
    count = min(count, old) - skipped
    return count > 0 and differs(p, own["chain"], kept - old + skipped, source, at + skipped, count)


@helper
def put_back(p, i, old, source, at, count):
    """Put the bytes that are kept in place of those of a copy that begins `old` bytes back."""
    own = p.directions[i]
    kept = I64(own["kept"])
    skipped = max(I64(0), old - kept)
    unroll(p, own["chain"], kept - old + skipped, min(count, old) - skipped, source, at + skipped)


@helper
def tell_different(p, row, limits, out):
    p.numbers[N_DIFFERENT] += 1
    if limits.tells_different:
        tell(out, row, DIFFERENT)


@helper
def note_beginning(p, i):
    """The next segment will be pending: note where it begins."""
    own, ring = p.directions[i], p.begun[i]
    count = I64(ring[BEGINNINGS]) if own["kept"] > I64(own["window"]) else I64(0)
    ring[count % BEGINNINGS] = own["next_seq"]
    ring[BEGINNINGS] = count + 1


@helper
def rewrite(p, i, seq, source, at, count, policy):
    """A copy of pending bytes says something else: put its bytes where they count.

    What the receiver acknowledged it has, whatever comes later. Of more segments than BEGINNINGS the oldest
    count as one.
    """
    own, ring = p.directions[i], p.begun[i]
    pending = I64(own["kept"]) - I64(own["window"])
    if not pending:
        return
    free = pending
    if own["flags"] & ACKED:
        free = min(pending, max(distance(own["next_seq"], own["acked"]), I64(0)))
    end = (seq + count) & 0xFFFFFFFF
    total = I64(ring[BEGINNINGS])
    for k in range(max(total - BEGINNINGS, I64(0)), total):
        begins_back = distance(own["next_seq"], ring[k % BEGINNINGS])
        if k == total - BEGINNINGS:
            begins_back = pending
        ends_back = I64(0)
        if k + 1 < total:
            ends_back = distance(own["next_seq"], ring[(k + 1) % BEGINNINGS])
        old = distance(own["next_seq"], seq)
        beyond = distance(end, own["next_seq"])
        if not later_wins(policy, begins_back - old, beyond + ends_back):
            continue
        first, last = min(begins_back, old, free), max(ends_back, -beyond)
        if first > last:
            overwrite(p, own["chain"], I64(own["kept"]) - first, source, at + old - first, first - last)

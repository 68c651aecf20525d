"""How the compiled loops are compiled: every room's kernels are decorated with one of these.

Compiling is what a newcomer waits for, and half of it can be saved: a function that only other compiled ones
call needs no way in from Python, and none needs one from C. Such a wrapper takes each array of each batch
apart, which for one tuple of thirty columns costs more than most loops that use it.

Two habits of numba are worth knowing to who writes a kernel. A counter that starts as a bare `0` is a literal
first and an int64 a moment later: what it is handed to is compiled for both. Start it as `np.int64(0)`. And a
column of a structured array of one record counts as contiguous, of more than one it does not: hand over the
records, not their columns.
"""

from __future__ import annotations

from numba import njit

_LEAN = {"nogil": True, "no_cfunc_wrapper": True}

kernel = njit(cache=True, _nrt=False, **_LEAN)
"""Called from Python; its code is kept in the cache. It makes no arrays: nothing counts references."""

allocating_kernel = njit(cache=True, **_LEAN)
"""A kernel that makes arrays."""

helper = njit(_nrt=False, no_cpython_wrapper=True, **_LEAN)
"""Called by compiled code alone, into which it is compiled."""

inlined = njit(_nrt=False, no_cpython_wrapper=True, inline="always", **_LEAN)
"""A helper that is put into its callers before types are found: worth it for one that takes many columns."""

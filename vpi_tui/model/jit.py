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

import os
from collections.abc import Callable
from typing import Any

from numba import njit

ROOMS = "VPI_TUI_COMPILED_ROOMS"
"""Variable of the environment that names the rooms whose loops are compiled; those of the others stay plain
Python, which gives the same arrays. So the parts of one pipeline can be compiled by processes side by side
(engine/compilers.py). Not set = all."""


def _decorator(**options: Any) -> Callable[[Any], Any]:
    compiled = njit(nogil=True, no_cfunc_wrapper=True, **options)
    rooms = os.environ.get(ROOMS, "").split()

    def decorate(function: Callable[..., Any]) -> Any:
        room = function.__module__.split(".")[1]
        return compiled(function) if room in rooms or not rooms else function

    return decorate


kernel = _decorator(cache=True, _nrt=False)
"""Called from Python; its code is kept in the cache. It makes no arrays: nothing counts references."""

allocating_kernel = _decorator(cache=True)
"""A kernel that makes arrays."""

helper = _decorator(_nrt=False, no_cpython_wrapper=True)
"""Called by compiled code alone, into which it is compiled."""

shared = njit(nogil=True, no_cfunc_wrapper=True, _nrt=False)
"""A helper of more rooms than its own: it is compiled whichever are, and called by plain Python as well."""

inlined = _decorator(_nrt=False, no_cpython_wrapper=True, inline="always")
"""A helper that is put into its callers before types are found: worth it for one that takes many columns."""

"""Helpers of kernels, callable by a test: by themselves they have no way in from Python (model/jit.py)."""

from __future__ import annotations

from typing import Any

from numba import njit


def from_python(helper: Any) -> Any:
    """The same function, compiled with a way in."""
    return njit(getattr(helper, "py_func", helper))

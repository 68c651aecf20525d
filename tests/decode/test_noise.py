"""Decode never crashes: hypothesis over random and damaged frames, with every index checked.

In processes of their own, because numba reads its settings once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_noise(examples: int, **env: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.decode.noise", str(examples)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_as_plain_python() -> None:
    run_noise(300, NUMBA_DISABLE_JIT="1")


@pytest.mark.slow
def test_compiled_with_bounds_checked(pytestconfig: pytest.Config) -> None:
    cache = pytestconfig.cache
    assert cache is not None
    run_noise(600, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(cache.mkdir("numba-bounds-checked")))

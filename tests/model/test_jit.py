"""Loops of which only some rooms are compiled."""

from __future__ import annotations

import os
import subprocess
import sys

from vpi_tui.model.jit import ROOMS

PROBE = """
from numba import njit
from vpi_tui.model.sequence import distance

@njit
def compiled(seq):
    return distance(seq, 1)

assert compiled(5) == distance(5, 1) == 4
"""


def test_what_rooms_share_is_called_by_compiled_and_by_plain_loops_of_any() -> None:
    for rooms in ("flow", "model"):
        subprocess.run([sys.executable, "-c", PROBE], check=True, env=os.environ | {ROOMS: rooms})

"""The --speed flag of demo and replay."""

from __future__ import annotations

import argparse
import math

FASTEST = 1000.0


def read_speed(text: str) -> float:
    """Times real time; 0 stands for "as fast as it goes"."""
    if text == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"must be a number up to {FASTEST:g}, or max, not {text[:40]!r}")
    return speed

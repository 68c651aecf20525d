"""Python's collector of cyclic garbage, set for a loop that makes many objects, hardly any with cycles."""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 400_000
"""Objects that come before the collector looks at the young ones: more than the messages, transactions and
records of one batch, which are gone with it. With 50,000 the collector took a fifth of the time of a log of
ever new names asked for, with the default of 700 more; what has cycles is seldom, and small."""


STARTING: Final = 100_000
"""The same while a program starts. What modules, their functions and compiled code are made of stays: the
collector took a sixth of the time of a start to walk it."""
USUAL: Final = 700
"""Python's own number, for who makes objects with cycles."""


def hold_off() -> None:
    """Called first of all by a program that will call `settle`, or ends soon."""
    gc.set_threshold(STARTING, *gc.get_threshold()[1:])


def settle(young: int = YOUNG) -> None:
    """What is there now stays (rules, compiled code): no collection walks it. Called once all is loaded."""
    gc.freeze()
    gc.set_threshold(young, *gc.get_threshold()[1:])

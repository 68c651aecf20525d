"""Python's collector of cyclic garbage, set for a loop that makes many objects, hardly any with cycles."""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 400_000
"""Objects that come before the collector looks at the young ones: more than the messages, transactions and
records of one batch, which are gone with it. With 50,000 the collector took a fifth of the time of a log of
ever new names asked for, with the default of 700 more; what has cycles is seldom, and small."""


def settle() -> None:
    """What is there now stays (rules, compiled code): no collection walks it. Called once all is loaded."""
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])

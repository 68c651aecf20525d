"""Python's collector of cyclic garbage, set for a loop that makes many objects, hardly any with cycles."""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 50_000
"""Objects that come before the collector looks at the young ones. Messages and transactions of one batch are
some thousand objects; the default of 700 made it walk them several times over, for nothing."""


def settle() -> None:
    """What is there now stays (rules, compiled code): no collection walks it. Called once all is loaded."""
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])

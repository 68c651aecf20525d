"""The collector of garbage is told what stays, and when to look."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from vpi_tui.engine.garbage import STARTING, USUAL, YOUNG, hold_off, settle

COUNTED = """
import gc
seen = []
gc.callbacks.append(lambda phase, info: seen.append(phase))
from vpi_tui.cli.main import main
seen.clear()
assert main(["rules", "explain", "9000300"]) == 0
print("collections", seen.count("stop"))
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_there_when_it_settles_is_walked_no_more() -> None:
    older = gc.get_threshold()[1:]
    hold_off()
    assert gc.get_threshold() == (STARTING, *older)
    settle()
    assert gc.get_threshold() == (YOUNG, *older)
    assert gc.get_freeze_count() > 10_000
    settle(USUAL)
    assert gc.get_threshold() == (USUAL, *older)


def test_a_command_starts_without_walking_its_modules() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 20, "a hundred without"

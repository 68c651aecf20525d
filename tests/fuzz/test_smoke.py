"""Each target over seeds and simple changes of them: seconds of what `make fuzz` does for minutes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.bounds import timely
from tests.fuzz.mutate import mutations
from tests.fuzz.target import Target
from tests.fuzz.targets import by_name

ROOT = Path(__file__).resolve().parents[2]
MUTATIONS = 200
MOST_SEEDS = 60
LONGEST_SEED = 2_048
GROWN_BYTES = 50_000


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What some tests of the parsers say to them; made once for all workers of a run."""
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if place.name.startswith("popen") else place) / "fuzz-seeds"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            subprocess.run(
                [sys.executable, "-m", "tests.fuzz.record", "--brief", place], cwd=ROOT, check=True
            )
            (place / "done").touch()
    return place


def seeds_of(target: Target, recorded: Path) -> list[bytes]:
    """At most MOST_SEEDS, of all lengths but the longest."""
    found = [bytes(seed) for seed in target.seeds()]
    if target.recorded:
        found += [path.read_bytes() for path in sorted((recorded / target.name).glob("*"))]
    found = sorted((seed for seed in found if len(seed) <= LONGEST_SEED), key=len)
    return found[:: len(found) // MOST_SEEDS + 1]


@pytest.mark.parametrize("target", by_name().values(), ids=lambda found: found.name)
def test_what_is_promised_of_any_bytes(target: Target, recorded: Path) -> None:
    seeds = seeds_of(target, recorded)
    assert seeds
    for data in (*seeds, *mutations(seeds, list(target.words()), MUTATIONS)):
        timely(target.one_input, data, target.said(data))
    if target.grow is not None:
        target.grow(seeds[len(seeds) // 2], GROWN_BYTES)


def test_nothing_is_imported_while_packets_are_read(recorded: Path) -> None:
    """An engine that has given up root may not be able to: Python may lie in root's home."""
    command = [sys.executable, "-m", "tests.fuzz.late_imports", str(recorded)]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2_000:]
    assert int(done.stdout) > MOST_SEEDS

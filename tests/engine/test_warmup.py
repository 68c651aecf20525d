"""Warming up compiles all that is needed: no kernel is compiled in the middle of traffic."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vpi_tui.config import paths
from vpi_tui.engine.compilers import COST, LOCK, MOST_PROCESSES, one_at_a_time, shares
from vpi_tui.model.jit import ROOMS

PROBE = """
import json, sys
from vpi_tui.config import paths
paths.prepare_numba_cache()
from vpi_tui.engine import warmup
from vpi_tui.engine.scan import run_scan
from vpi_tui.engine.spec import EngineSpec

told = []
warmup.{how}(*{args}, lambda doing, done, total: told.append((doing, done, total)))
cold = [name for name, kernel in warmup.kernels().items() if not kernel.signatures]
before = {{name: len(kernel.signatures) for name, kernel in warmup.kernels().items()}}
for path in sys.argv[1:]:
    run_scan(EngineSpec("replay", files=(path,), speed=0.0, rules_dir=str(paths.rules_dir())), None, print)
late = [name for name, kernel in warmup.kernels().items() if len(kernel.signatures) != before.get(name)]
print(json.dumps([told, cold, late]))
"""


def probe(how: str, args: tuple[str, ...], *files: Path) -> tuple[list[list[object]], list[str], list[str]]:
    command = [sys.executable, "-c", PROBE.format(how=how, args=args), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    told, cold, late = json.loads(done.stdout.splitlines()[-1])
    return told, cold, late


def test_an_engine_compiles_nothing_after_its_start(demo_file: Path) -> None:
    told, cold, late = probe("warm", ("replay",), demo_file)
    assert cold == []
    assert late == []
    assert told[-1][1] == told[-1][2]
    assert [step[1] for step in told] == sorted(int(str(step[1])) for step in told)


def test_the_command_reaches_every_kernel_of_the_program() -> None:
    _, cold, _ = probe("warmup", ())
    assert cold == []


def test_the_command_says_where_the_code_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vpi_tui", "warmup"], capture_output=True, text=True, check=True, timeout=600
    )
    assert str(paths.prepare_numba_cache()) in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("processors", [1, 2, 3, 4, 64])
def test_each_room_is_compiled_by_one_process(processors: int) -> None:
    groups = shares(processors)
    assert len(groups) == min(processors, MOST_PROCESSES)
    assert all(groups)
    package = Path(paths.__file__).parents[1]
    with_kernels = {path.relative_to(package).parts[0] for path in package.rglob("kernels*.py")}
    assert sorted(room for rooms in groups for room in rooms) == sorted(COST) == sorted(with_kernels)


def test_two_processes_take_about_as_long() -> None:
    one, other = (sum(COST[room] for room in rooms) for rooms in shares(2))
    assert abs(one - other) <= (one + other) / 8


@pytest.mark.parametrize("rooms", shares(3), ids=" ".join)
def test_rooms_compiled_alone_meet_the_types_that_the_whole_pipeline_has(rooms: list[str]) -> None:
    """Those of the other rooms run as plain Python. All was in the cache, so nothing is compiled again."""
    probe("warmup", ())
    done = subprocess.run(
        [sys.executable, "-m", "vpi_tui.engine.warmup", "all"],
        capture_output=True,
        check=True,
        timeout=300,
        env=os.environ | {ROOMS: " ".join(rooms)},
    )
    assert done.stdout == b""


def test_who_starts_while_another_compiles_waits_for_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    told = []
    other = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)

    def waiting() -> None:
        told.append("waiting")
        os.close(other)

    with one_at_a_time(waiting):
        assert told == ["waiting"]


def test_where_no_lock_can_be_had_it_compiles_all_the_same(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "nowhere"))
    with one_at_a_time(lambda: pytest.fail("there is nobody to wait for")):
        pass

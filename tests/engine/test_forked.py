"""A child that works beside us: what it leaves, and that nothing is left of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import BinaryIO

import pytest

from vpi_tui.engine import forked
from vpi_tui.engine.forked import Apart, unnamed

PATIENCE = 30.0


def status_of(child: Apart) -> int:
    until = time.monotonic() + PATIENCE
    while (status := child.status()) is None:
        assert time.monotonic() < until, "the child does not end"
        time.sleep(0.005)
    return status


def test_what_it_found_is_there_to_be_read_once_it_is_done() -> None:
    child = Apart("test", lambda file: file.write(b"found"))
    assert status_of(child) == 0
    assert child.file.read() == b"found"
    child.close()
    assert child.file.closed


def test_how_it_died_is_told() -> None:
    child = Apart("test", lambda _file: os._exit(3))
    assert os.waitstatus_to_exitcode(status_of(child)) == 3
    child.close()


def test_one_that_goes_on_is_ended_and_nothing_is_left_of_it() -> None:
    child = Apart("test", lambda _file: time.sleep(10 * PATIENCE))
    pid, began = child._pid, time.monotonic()
    assert child.status() is None
    child.close()
    assert time.monotonic() - began < PATIENCE
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    assert child.file.closed


def test_one_that_is_let_go_goes_on() -> None:
    child = Apart("test", lambda _file: time.sleep(10 * PATIENCE))
    child.let_go()
    assert child.file.closed
    assert os.waitpid(child._pid, os.WNOHANG) == (0, 0)
    child.close()


def test_no_file_is_left_where_there_is_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[BinaryIO] = []

    def remembered(what: str) -> BinaryIO:
        made.append(unnamed(what))
        return made[-1]

    def no_more(_work: Callable[[], object], **_how: int) -> int:
        raise OSError(11, "no more processes")

    monkeypatch.setattr(forked, "unnamed", remembered)
    monkeypatch.setattr(forked, "fork", no_more)
    with pytest.raises(OSError, match="no more processes"):
        Apart("test", lambda _file: None)
    assert [file.closed for file in made] == [True]

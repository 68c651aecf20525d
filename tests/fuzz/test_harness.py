"""The fuzzers notice what they are for: each promise, broken on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.detect.applayer.conversations import (
    AGAIN,
    GREETINGS,
    MOST_PASSES,
    Step,
    conversation_of,
    drive,
    endless,
    said_of,
)
from tests.fuzz import bounds
from tests.fuzz.bounds import timely
from tests.fuzz.mutate import mutations
from tests.fuzz.report import Report
from tests.fuzz.target import words_in
from vpi_tui.detect.applayer.application import Application, Buffer, application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

ROOT = Path(__file__).resolve().parents[2]
SAID = conversation_of([Step(Direction.TO_SERVER, b"abc" * 300), Step(Direction.TO_CLIENT, b"x")], AGAIN)


class Good(Parser):
    """Keeps nothing, raises nothing, and tells of one transaction a stretch."""

    def __init__(self) -> None:
        self.kept: list[object] = []

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        made = Transaction()
        made.stage[direction] = Stage.DONE
        return [made]

    def finish(self) -> list[Transaction]:
        return []


class Raises(Good):
    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        raise KeyError(data[500])


class RaisesAtTheEnd(Good):
    def finish(self) -> list[Transaction]:
        raise ValueError


class Grows(Good):
    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        self.kept.append(bytes(20 * len(data)))
        return super().feed(direction, data, gap)


class KeepsTransactions(Good):
    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        self.kept += (Transaction() for _ in range(100))
        return super().feed(direction, data, gap)

    def held(self) -> int:
        return 400 * len(self.kept)


def _of(parser: Callable[[], Parser], *buffers: Buffer) -> Application:
    def made(_limits: Limits) -> Parser:
        return parser()

    return application("telnet", made, buffers)


def test_a_good_parser_keeps_its_promises() -> None:
    drive(_of(Good), SAID)
    assert endless(_of(Good), SAID, 100_000) < 10_000


@pytest.mark.parametrize(
    ("parser", "raised", "told"),
    [
        (Raises, KeyError, None),
        (RaisesAtTheEnd, ValueError, None),
        (Grows, AssertionError, "and it says 0"),
        (KeepsTransactions, AssertionError, "transactions are kept"),
    ],
)
def test_a_parser_that_breaks_one_is_noticed(
    parser: type[Good], raised: type[Exception], told: str | None
) -> None:
    with pytest.raises(raised, match=told):
        drive(_of(parser), SAID)


def test_buffers_are_read() -> None:
    def broken(_transaction: Transaction, _direction: int) -> list[bytes]:
        raise OverflowError

    with pytest.raises(OverflowError):
        drive(_of(Good, Buffer("odd", 6, Stage.DONE, broken)), SAID)


def test_an_input_that_takes_long_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.1)

    def slow(_data: bytes) -> None:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass

    with pytest.raises(AssertionError, match="s of CPU"):
        timely(slow, b"", 0)
    timely(slow, b"", 2_000)


def test_what_an_input_comes_to() -> None:
    steps = [Step(Direction.TO_SERVER, bytes(997))]
    assert said_of(conversation_of(steps)) == 1_001
    assert said_of(conversation_of(steps, AGAIN)) == 1_001 * MOST_PASSES
    assert said_of(b"") == 0


def test_what_is_slow_only_at_first_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.1)
    waited = [0.2]
    timely(lambda _data: time.sleep(waited.pop() if waited else 0), b"", 0)


def test_a_run_of_the_fuzzer_and_what_it_tells(tmp_path: Path) -> None:
    """What once broke a promise is tried first; it does not any more, so that its target begins anew."""
    pytest.importorskip("atheris", reason="the extra fuzz is not installed")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "000").write_bytes(SAID)
    (tmp_path / "stopped-crash-1").write_bytes(SAID)
    Report("tftp", seconds=5.0, crashes=1, peak_mb=9_999.0).write(tmp_path)
    # Through a shell: a process takes over the peak of memory of the one that starts it (getrusage(2)), and
    # this one may have had more than a fuzzer may.
    worker = [sys.executable, "-m", "tests.fuzz.worker", "tftp", str(tmp_path), "0.5"]
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *worker]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    report = Report.read(tmp_path)
    assert (report.target, report.crashes) == ("tftp", 0)
    assert report.seconds == 0.5
    assert report.executions > len(GREETINGS)
    assert 10 < report.peak_mb < 9_999
    assert (tmp_path / "corpus" / "mended-000").read_bytes() == SAID
    assert not [*tmp_path.glob("broken/*"), *tmp_path.glob("stopped-*")]


def test_mutations_are_many_and_the_same_each_time() -> None:
    seeds = [bytes(range(n)) for n in range(1, 40)]
    made = list(mutations(seeds, [b"word"], 400))
    assert made == list(mutations(seeds, [b"word"], 400))
    assert len(set(made) - set(seeds)) > 350
    assert any(b"word" in one for one in made)


def test_words_are_those_that_a_parser_compares_with() -> None:
    assert {b"HEAD", b"chunked"} <= set(words_in("vpi_tui.detect.applayer.http"))

"""Fuzzes one target in this process, until it has used its time or a promise is broken.

    NUMBA_DISABLE_JIT=1 python -m tests.fuzz.worker TARGET FOLDER SECONDS [libFuzzer options]

SECONDS are of CPU, so a process that is stopped for a while loses nothing. FOLDER/corpus keeps the inputs
that found new code, FOLDER/broken those that broke a promise, FOLDER/report.json what there is to tell. The
compiled loops run as plain Python, so that atheris sees their branches and every index is checked.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import random
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

if os.environ.get("NUMBA_DISABLE_JIT") != "1":
    sys.exit("Run with NUMBA_DISABLE_JIT=1: atheris sees nothing of compiled loops.")

import atheris

with atheris.instrument_imports(include=["vpi_tui"]):
    from tests.fuzz.bounds import cpu_seconds, timely
    from tests.fuzz.report import Report
    from tests.fuzz.target import Target
    from tests.fuzz.targets import by_name, find

HANGS: Final = 30.0
"""CPU seconds after which an input is given up, between two steps of Python."""
HANGS_HARD: Final = 120.0
"""And within one: the process ends with its traceback."""
LOOKS_EVERY: Final = 32
"""Inputs between two looks at the clock of CPU, which takes its time."""
RSS_MB: Final = 1_024
MOST_GROWTH: Final = 0.1
"""Part of the time in which inputs of the corpus are said over and over, at the end."""
GROWN_BYTES: Final = 1 << 20
NOTED_EVERY: Final = 5.0
"""CPU seconds between two reports."""


class HangError(Exception):
    """An input takes longer than any may."""


class Meter:
    """Runs inputs, and notes what they cost."""

    def __init__(self, target: Target, folder: Path, seconds: float) -> None:
        self._target, self._folder, self._seconds = target, folder, seconds
        self._before = Report.read(folder)
        self._report = Report(target.name)
        self._begun = time.process_time()
        self._noted = 0.0
        signal.signal(signal.SIGPROF, self._hangs)
        faulthandler.register(signal.SIGVTALRM, chain=True)

    def one_input(self, data: bytes) -> None:
        if self._report.executions % LOOKS_EVERY == 0:
            self._look()
        self._report.executions += 1
        try:
            spent = timely(self._target.one_input, data, self._target.said(data))
            if spent * 1e3 > self._report.slowest_ms:
                self._slow(data)
        except BaseException as error:
            self._broken(data, error)
            raise

    def _look(self) -> None:
        """How much time is left? Those of hanging begin anew."""
        signal.setitimer(signal.ITIMER_PROF, HANGS)
        signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_HARD)
        spent = time.process_time() - self._begun
        share = MOST_GROWTH if self._target.grow is not None else 0.0
        if spent >= self._seconds * (1 - share):
            self._grow()
            self._note(self._seconds)
            os._exit(0)
        if spent >= self._noted + NOTED_EVERY:
            self._noted = spent
            self._note(spent)

    def _slow(self, data: bytes) -> None:
        """By the wall it was the slowest so far."""
        used = cpu_seconds(self._target.one_input, data) * 1e3
        if used > self._report.slowest_ms:
            self._report.slowest_ms = used
            (self._folder / "slowest").write_bytes(data)

    def _grow(self) -> None:
        """Inputs of the corpus in whatever order, each said until megabytes are."""
        grow = self._target.grow
        if grow is None:
            return
        inputs = sorted((self._folder / "corpus").iterdir())
        random.Random(len(inputs)).shuffle(inputs)
        for path in inputs:
            if time.process_time() - self._begun >= self._seconds:
                return
            data = path.read_bytes()
            signal.setitimer(signal.ITIMER_PROF, HANGS)
            signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_HARD)
            try:
                self._report.most_kept = max(self._report.most_kept, grow(data, GROWN_BYTES))
                self._report.grown += 1
            except BaseException as error:
                self._broken(data, error, growing=True)
                raise

    def _broken(self, data: bytes, error: BaseException, *, growing: bool = False) -> None:
        self._report.crashes += 1
        self._report.last_crash = f"{type(error).__name__}: {error}"[:300]
        place = self._folder / ("broken-grown" if growing else "broken")
        place.mkdir(exist_ok=True)
        (place / f"{len(list(place.iterdir())):03}").write_bytes(data)
        self._note(time.process_time() - self._begun)

    def _note(self, seconds: float) -> None:
        self._report.seconds = seconds
        self._before.plus(self._report).write(self._folder)

    @staticmethod
    def _hangs(_number: int, _frame: FrameType | None) -> None:
        raise HangError(f"more than {HANGS:.0f} s of CPU")


def replay(target: Target, folder: Path) -> None:
    """What broke a promise has to hold by now; then it is a seed like others, and the time begins anew."""
    for path in sorted(folder.glob("broken*/*")):
        data = path.read_bytes()
        if path.parent.name == "broken" or target.grow is None:
            target.one_input(data)
        else:
            target.grow(data, GROWN_BYTES)
        path.rename(folder / "corpus" / f"mended-{path.name}")
        Report(target.name).write(folder)
    for path in folder.glob("stopped-*"):  # what libFuzzer keeps of the same, or ran out of memory with
        target.one_input(path.read_bytes())
        path.unlink()


def main() -> None:
    with atheris.instrument_imports(include=["vpi_tui"]):
        target = find(sys.argv[1]) if len(sys.argv) > 3 else None
    if target is None:
        sys.exit(f"usage: worker TARGET FOLDER SECONDS [libFuzzer options]\n\n{' '.join(by_name())}")
    folder = Path(sys.argv[2])
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number, seed in enumerate(target.seeds()):
            (corpus / f"seed-{number:03}").write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in dict.fromkeys(target.words())))
    replay(target, folder)
    options = [
        str(corpus), f"-dict={words}", f"-max_len={target.most_bytes}", f"-rss_limit_mb={RSS_MB}",
        "-timeout=100000", "-report_slow_units=100000", f"-artifact_prefix={folder}/stopped-", *sys.argv[4:],
    ]  # fmt: skip
    if not words.stat().st_size:
        options.pop(1)
    meter = Meter(target, folder, float(sys.argv[3]))
    with contextlib.suppress(OSError):
        os.nice(19)
    atheris.Setup([sys.argv[0], *options], meter.one_input)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word
    )


if __name__ == "__main__":
    main()

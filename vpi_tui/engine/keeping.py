"""What rules put into datasets outlives the engine: read at the start, written now and then, and at the end.

Writing a million values takes seconds, which must not stop the loop that empties the ring. So a forked child
does it, with the values as they were when it began. A file is whole, or as it was before. At the end too:
whoever waits for the engine kills it after a while, but not the child.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.datasets import DATA_DIR, MAX_FILE
from vpi_tui.detect.rules.valuefiles import DataFile, Misfits, lines_of, values_of
from vpi_tui.engine.forked import Apart
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.startup import owner_to_be
from vpi_tui.model.valueset import ValueSet
from vpi_tui.output import roots_way

EVERY: Final = 300.0
"""Seconds between two writings of what changed."""
_LAST_WAIT: Final = 1.0
"""Seconds: at its end the engine has three for everything."""
_LOOK: Final = 0.005
"""Seconds between two looks at a child that is waited for."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
Problems = dict[str, str]
"""By file; "" = it was written."""


def keeps_values(spec: EngineSpec) -> bool:
    """Does this engine write files of datasets? Only a live one does, and none that is to keep nothing."""
    return spec.mode == "live" and bool(spec.state_dir)


def prepare_data_dir(spec: EngineSpec) -> str:
    """Make the directory of the datasets for the user that the engine becomes; a notice when that fails."""
    directory, owner = spec.options.get(DATA_DIR), owner_to_be(spec)
    if not directory or owner is None or not keeps_values(spec):
        return ""
    try:
        with roots_way.opened(Path(directory).absolute(), owner):
            return ""
    except OSError as error:
        return f"Datasets will not be kept: {directory} cannot be used ({error.strerror})."


class ValueKeeper:
    """The sets that have a file. clock: seconds. writes: else they only begin with what it holds."""

    def __init__(self, clock: Callable[[], float], *, writes: bool) -> None:
        self._clock = clock
        self._writes = writes
        self._sets: dict[str, ValueSet] = {}
        """By file, like the other two."""
        self._written: dict[str, int] = {}
        """The changes that are in the file."""
        self._alarms: Problems = {}
        self._locked: set[str] = set()
        """Files that could not be read: they are not written over."""
        self._running: Writing | None = None
        self._next = clock() + EVERY

    @property
    def notices(self) -> tuple[str, ...]:
        return tuple(filter(None, self._alarms.values()))

    def follow(self, sets: Iterable[ValueSet]) -> None:
        """The sets of the rules from now on. Those that are new here begin with what their file holds.

        Of two with one file, where one is of rules that are gone, the first counts.
        """
        found = {one.keeping.file: one for one in reversed([*sets]) if one.keeping.file}
        for file, one in found.items():
            known = self._sets.get(file)
            if known is None or (known.name.lower(), known.kind) != (one.name.lower(), one.kind):
                self._begin(one)
            self._sets[file] = one

    def step(self) -> None:
        """To be called between two batches."""
        if self._running is not None:
            self._take(self._running.step())
        elif self._clock() >= self._next:
            self._next = self._clock() + EVERY
            self._start()

    def write_soon(self) -> None:
        self._next = self._clock()

    def finish(self) -> None:
        """Write what has changed, and wait a moment for it. A child that needs longer goes on without us."""
        self.close()
        self._start()
        end = self._clock() + _LAST_WAIT
        while self._running is not None and self._clock() < end:
            time.sleep(_LOOK)
            self._take(self._running.step())
        if self._running is not None:
            self._running.let_go()
            self._running = None

    def close(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    def _begin(self, one: ValueSet) -> None:
        file = one.keeping.file
        self._alarms.pop(file, None)
        self._locked.discard(file)
        # One that is only written holds what an earlier run had put into it, until this one has replaced it.
        self._written[file] = one.changes if one.keeping.resumes else -1
        if one.keeping.resumes and (problem := _read(one, Path(file))):
            self._locked.add(file)
            self._alarms[file] = (
                f"The dataset {one.name} is not all that it was, and is not kept: {file} {problem}."
                " Fix it or move it away, then start again."
            )
        elif self._writes and (lacking := _unwritable(Path(file))):
            self._alarms[file] = _not_kept(file, f"this user may not write {lacking}")

    def _changed(self) -> list[ValueSet]:
        if not self._writes:
            return []
        return [
            one
            for file, one in self._sets.items()
            if file not in self._locked and one.changes != self._written[file]
        ]

    def _start(self) -> None:
        changed = self._changed()
        if not changed:
            return
        try:
            self._running = Writing(changed)
        except OSError as error:
            self._note({one.keeping.file: str(error.strerror) for one in changed}, {})

    def _take(self, problems: Problems | None) -> None:
        running = self._running
        if problems is None or running is None:
            return
        self._running = None
        self._note(problems, running.changes)

    def _note(self, problems: Problems, changes: dict[str, int]) -> None:
        for file, problem in problems.items():
            self._alarms[file] = _not_kept(file, problem) if problem else ""
            if not problem:
                self._written[file] = changes[file]


class Writing:
    """A child that writes some sets as they are now. Raises OSError when the system grants none."""

    def __init__(self, sets: list[ValueSet]) -> None:
        self.changes = _changes_of(sets)
        """Those that it writes, by file."""
        self._child = Apart("vpi-tui-datasets", lambda file: file.write(_write_all(sets)))

    def step(self) -> Problems | None:
        """None = it is not done."""
        status = self._child.status()
        if status is None:
            return None
        with self._child.file as file:
            if status:
                return dict.fromkeys(self.changes, "the process that writes it died")
            return msgspec.json.decode(file.read(), type=Problems)

    def let_go(self) -> None:
        """It goes on, and nobody asks how that went."""
        self._child.let_go()

    def close(self) -> None:
        """End it. What it has written whole stays."""
        self._child.close()


def _changes_of(sets: Iterable[ValueSet]) -> dict[str, int]:
    return {one.keeping.file: one.changes for one in sets}


def _write_all(sets: list[ValueSet]) -> bytes:
    """Problems, as JSON."""
    problems: Problems = {}
    for one in sets:
        problem = ""
        try:
            _write(one, Path(one.keeping.file))
        except OSError as error:
            problem = str(error.strerror)
        problems[one.keeping.file] = problem
    return msgspec.json.encode(problems)


def _write(one: ValueSet, path: Path) -> None:
    """All of it, in place of what was there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(0, "it is no regular file")
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(new, _NEW, 0o640), "wb") as file:
            for lines in lines_of(one):
                file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _read(one: ValueSet, path: Path) -> str:
    """Begin with what the file holds, if it is there; "" or why it must not be written over."""
    misfits = Misfits()
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE:
            return f"is no file of at most {MAX_FILE:,} bytes"
        one.resume(values_of(path, DataFile(str(path)), one.kind, misfits))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except (ValueError, TypeError, Refused) as error:
        return f"is no list of {one.kind} ({str(error)[:80]})"
    return f"holds {misfits.count:,} that are no {one.kind}" if misfits.count else ""


def _unwritable(path: Path) -> str:
    """The directory that stands in the way; "" = none does."""
    there = next(one for one in path.parents if os.access(one, os.F_OK, effective_ids=True))
    return "" if os.access(there, os.W_OK | os.X_OK, effective_ids=True) else str(there)


def _not_kept(file: str, why: str) -> str:
    return (
        f"What rules put into {file} is not kept: {why}."
        f" Let the sensor's user (--user) write there, or name another directory ({DATA_DIR})."
    )

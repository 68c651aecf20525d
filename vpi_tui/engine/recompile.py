"""Compiles rules beside the running ones: in a child that hands them back in portions.

Parsing tens of thousands of rules takes seconds of Python, which must not stop the loop that empties the
ring. So a forked child does it, with the modules and kernels that are loaded already: after the engine gave
up root its interpreter may lie where it cannot be started anew. What the child made comes back pickled
through a file in memory, and `step` takes over so little of it at a time that packets go on in between.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Final

from vpi_tui.detect.match.evaluate import Plan
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import LoadResult
from vpi_tui.engine.rulebook import read_rules
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.errors import VpiError
from vpi_tui.model.signature import Signature

PORTION: Final = 64
"""Rules taken over in one step."""
LEAVING: Final = 512
"""Objects of the old set that are freed in one step."""
NICE: Final = 10
"""The packets of a machine with one processor go first."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it. reason: why there is nothing, whole sentences; "" = there is."""

    loaded: LoadResult | None = None
    ruleset: RuleSet | None = None
    reason: str = ""


class Recompiler:
    """One set of rules on its way: call `step` between batches until it gives something."""

    def __init__(self, spec: EngineSpec) -> None:
        """Raises OSError when the system grants no process or memory for it."""
        fd = os.memfd_create("vpi-tui-rules", os.MFD_CLOEXEC)
        self._file: IO[bytes] = os.fdopen(fd, "w+b")
        self._portions: Iterator[Compiled | None] | None = None
        self._done = 0
        self._total = 0
        self._pid = os.fork()
        if self._pid == 0:
            _be_child(spec, self._file)

    @property
    def returned(self) -> bool:
        """Is the child done?"""
        return self._portions is not None

    def progress(self) -> str:
        """For a person."""
        if self._portions is None:
            return "reading and compiling"
        return f"taking over {self._done:,} of {self._total:,}"

    def step(self) -> Compiled | None:
        """A few milliseconds of work; None = there is more to come."""
        if self._portions is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid == 0:
                return None
            self._pid = 0
            if status:
                return Compiled(reason=f"The process that compiled them died ({_cause(status)}).")
            self._portions = self._take()
        return next(self._portions)

    def close(self) -> None:
        """End what still goes on."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        self._file.close()
        gc.enable()

    def _take(self) -> Iterator[Compiled | None]:
        """Portion by portion. The collector rests: it would walk all that came so far again and again."""
        gc.disable()
        self._file.seek(0)
        unpickler = pickle.Unpickler(self._file)
        reason, self._total = unpickler.load()
        if reason:
            yield Compiled(reason=reason)
            return
        signatures: list[Signature] = []
        plans: list[Plan | None] = []
        while self._done < self._total:
            for signature, has_plan in unpickler.load():
                signatures.append(signature)
                plans.append(Plan.of(signature.steps) if has_plan else None)
            self._done = len(signatures)
            yield None
        loaded: LoadResult = unpickler.load()
        yield None
        ruleset: RuleSet = unpickler.load()
        yield None
        loaded.signatures = signatures
        yield Compiled(loaded, replace(ruleset, signatures=tuple(signatures), plans=tuple(plans)))


class Leaving:
    """An old set on its way out: freeing it at once would stop the loop as loading it would."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._left: list[object] = [*ruleset.plans, *ruleset.signatures]

    def step(self) -> bool:
        """Free a few; is there more?"""
        del self._left[-LEAVING:]
        return bool(self._left)


def _be_child(spec: EngineSpec, file: IO[bytes]) -> None:
    """Never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.nice(NICE)
        keep = file.fileno()
        # Whoever watches the engine must see it die when it does, and not wait for us.
        os.closerange(3, keep)
        os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
        _write(spec, file)
        file.flush()
        code = 0
    except Exception as error:
        traceback.print_exception(error)
    finally:
        os._exit(code)


def _write(spec: EngineSpec, file: IO[bytes]) -> None:
    """(reason, rules), portions of (signature, has it a plan), then LoadResult and RuleSet without them."""
    pickler = pickle.Pickler(file, protocol=5)
    try:
        loaded = read_rules(spec)
    except VpiError as error:
        pickler.dump((str(error), 0))
        return
    ruleset = RuleSet.compile(loaded.signatures)
    if reason := why_useless(loaded, ruleset):
        pickler.dump((reason, 0))
        return
    pickler.dump(("", len(loaded.signatures)))
    # Plans hold functions, which cannot be sent; made of the steps anew they cost little.
    pairs = ((s, plan is not None) for s, plan in zip(loaded.signatures, ruleset.plans, strict=True))
    while portion := list(islice(pairs, PORTION)):
        pickler.dump(portion)
    pickler.dump(replace(loaded, signatures=[]))
    pickler.dump(replace(ruleset, signatures=(), plans=()))


def why_useless(loaded: LoadResult, ruleset: RuleSet) -> str:
    """Why a set must not take the place of one that runs; "" = it may."""
    if loaded.unreadable:
        return f"{loaded.unreadable[0]}."
    if len(ruleset.refused) < len(loaded.signatures):
        return ""
    errors: Sequence[object] = [*loaded.errors, *ruleset.refused.values()]
    return f"No rule loads. The first: {errors[0]}." if errors else "There is no rule in the files."


def _cause(status: int) -> str:
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"

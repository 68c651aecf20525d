"""Compiles rules beside the running ones: in a child that hands them back as a file in memory.

Parsing tens of thousands of rules takes seconds of Python, which must not stop the loop that empties the
ring. So a forked child does it, with the modules and kernels that are loaded already: after the engine gave
up root its interpreter may lie where it cannot be started anew. What the child made comes back as the cache
of rules keeps it (detect/stored): mapping that takes milliseconds, however many rules there are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import LoadResult
from vpi_tui.detect.stored.codec import CompiledRules, store
from vpi_tui.engine.forked import Apart
from vpi_tui.engine.rulecache import compiled_rules, mapped
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.errors import VpiError

_FAILED: Final = b"!"
"""Before a reason in place of a set."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it. reason: why there is nothing, whole sentences; "" = there is."""

    rules: CompiledRules | None = None
    reason: str = ""


class Recompiler:
    """One set of rules on its way: call `step` between batches until it gives something."""

    def __init__(self, spec: EngineSpec) -> None:
        """Raises OSError when the system grants no process or memory for it."""
        self._child = Apart("vpi-tui-rules", lambda file: _write(spec, file))

    def step(self) -> Compiled | None:
        """None = the child is not done."""
        status, file = self._child.status(), self._child.file
        if status is None:
            return None
        if status:
            return Compiled(reason=f"The process that compiled them died ({_cause(status)}).")
        if file.read(len(_FAILED)) == _FAILED:
            return Compiled(reason=file.read().decode())
        return Compiled(mapped(file))

    def close(self) -> None:
        """End what still goes on."""
        self._child.close()


def _write(spec: EngineSpec, file: BinaryIO) -> None:
    """A stored set, or why there is none."""
    try:
        compiled = compiled_rules(spec, may_fork=False)
        reason = why_useless(compiled.loaded, compiled.ruleset)
        if not reason:
            store(compiled, file)
    except (VpiError, ValueError) as error:
        reason = str(error)
    if reason:
        file.seek(0)
        file.truncate()
        file.write(_FAILED + reason.encode("utf-8", "backslashreplace"))


def why_useless(loaded: LoadResult, ruleset: RuleSet) -> str:
    """Why a set must not take the place of one that runs; "" = it may."""
    if loaded.unreadable:
        return f"{loaded.unreadable[0]}."
    if len(ruleset.refused) < ruleset.count:
        return ""
    errors: Sequence[object] = [*loaded.errors, *ruleset.refused.values()]
    return f"No rule loads. The first: {errors[0]}." if errors else "There is no rule in the files."


def _cause(status: int) -> str:
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"

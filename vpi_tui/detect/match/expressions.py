"""The regular expressions of an evaluation: searched no more than they have to be, and what they capture."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.bounded import SHORT, timed
from vpi_tui.detect.match.run import Run
from vpi_tui.detect.regex import SUBJECT_LIMIT, Looked, is_anchored, look_at_once, looks_ahead_only
from vpi_tui.model.signature import Pcre

GIVEN_UP_COSTS: Final = 30
"""Tries that a search costs that was given up: it may have taken as long as a thousand others."""
NOTHING: Final = Looked(None)
MOST_CAPTURED: Final = 1024
"""Bytes of one capture that are kept."""


def search(run: Run, step: Pcre, number: int, base: int, subject: bytes, start: int) -> Looked:
    """The first match from `start` on.

    Of a place that a content is found at again and again, what cannot match is not searched again: an
    expression may take a tenth of a second.
    """
    barren = run.barren.get(number)
    if barren is not None and base + start >= barren:
        return NOTHING
    looked = _look(run, step, subject, start)
    if looked.given_up and not is_anchored(step.pattern, step.flags):
        run.budget -= GIVEN_UP_COSTS
    elif looked.found is None and not (looked.given_up and step.negated) and _stays_barren(run, step, base):
        run.barren[number] = base + start
    return looked


def _look(run: Run, step: Pcre, subject: bytes, start: int) -> Looked:
    """Search within the time of the evaluation, which is over when that is."""
    if len(subject) - start <= SHORT:
        return look_at_once(step.pattern, step.flags, subject, start)
    looked, took_ns = timed(step.pattern, step.flags, subject, start, run.searched_ns)
    run.searched_ns -= took_ns
    if run.searched_ns <= 0:
        run.budget = min(run.budget, 0)
    return looked


def _stays_barren(run: Run, step: Pcre, base: int) -> bool:
    """When nothing matches from some place on, does nothing from any later one?"""
    if not step.relative:
        return True
    return base + SUBJECT_LIMIT >= len(run.data) and looks_ahead_only(step.pattern, step.flags)


def capture(run: Run, step: Pcre, found: Any) -> None:
    """Note the texts of groups that the rule names."""
    keys: dict[str, str] = {}
    for one in step.captures:
        text = found[one.group]
        if text is None:
            continue
        if one.name == "key":
            keys[one.scope] = text[:MOST_CAPTURED].decode("latin-1")
        else:
            run.captured[one.scope, keys.pop(one.scope, one.name)] = text[:MOST_CAPTURED]

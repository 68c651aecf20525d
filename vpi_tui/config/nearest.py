"""What was probably meant: the nearest known word for a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 100
"""A longer word is no typing mistake, and comparing it would take long."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like `word`; "" when none does."""
    from difflib import get_close_matches

    if len(word) > LONGEST:
        return ""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known word; "" when none is near."""
    near = nearest(word, known)
    return f"Did you mean {near!r}?" if near else ""

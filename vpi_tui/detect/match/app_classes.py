"""Which applications rules about payloads name: a flow is scanned for those that may be about its own.

`alert http` with contents of the payload is about HTTP alone. Each of the protocol words that most rules
name makes its applications a class, with pattern sets of its own; rules that name none, or another word, are
in all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np

from vpi_tui.model.applications import app_numbers
from vpi_tui.model.batch import U8

MOST_WORDS: Final = 3
"""Protocol words that are told apart: each multiplies the pattern sets of its rules' ports."""
LEAST_RULES: Final = 8
"""A word that fewer rules name makes no set notably smaller."""


class AppClasses:
    """Sorts rules by the protocol word of their headers."""

    def __init__(self, words: Iterable[str]) -> None:
        """words: of all rules about payloads."""
        named = Counter(word for word in words if app_numbers(word))
        told_apart = [word for word, rules in named.most_common(MOST_WORDS) if rules >= LEAST_RULES]
        self.count: int = 1 + len(told_apart)
        self.of_app: U8 = np.zeros(256, np.uint8)
        """uint8[256]: class of each application (model.applications); 0 = none of these words means it."""
        for number, word in reversed([*enumerate(told_apart, 1)]):
            self.of_app[[*app_numbers(word)]] = number
        self._of_word = {word: {*self.of_app[[*app_numbers(word)]].tolist()} for word in told_apart}

    def of(self, word: str) -> frozenset[int]:
        """The classes with an application that a rule with this word may be about."""
        return frozenset(self._of_word.get(word, range(self.count)))

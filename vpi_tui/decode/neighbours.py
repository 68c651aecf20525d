"""Hears what neighbours say of addresses: each statement of a batch once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.decode import kernels_neighbours
from vpi_tui.model.batch import I32, I64, U64, DecodedBatch, PacketBatch
from vpi_tui.model.neighbours import Claim, Owner, Question, Said

MOST: Final = 1_024
"""Different statements of a kind that are heard of one batch; of a flood, the beginning is enough."""
_PLACES = 4 * MOST
"""A power of two."""


class _Statements(NamedTuple):
    """Different statements of a kind, as the compiled loop keeps them."""

    words: U64
    """uint64[MOST, 6]: what is said."""
    when: I64
    """int64[MOST, 2]: row and time."""
    places: I32
    """int32[_PLACES]: where each is, by a hash of its words; the number of one, 0 = none."""
    number: I64
    """int64[1]"""

    @classmethod
    def none(cls) -> _Statements:
        counts = np.zeros(1, np.int64)
        places = np.zeros(_PLACES, np.int32)
        return cls(np.zeros((MOST, 6), np.uint64), np.zeros((MOST, 2), np.int64), places, counts)

    def told(self) -> Iterable[tuple[list[int], list[int]]]:
        """Row and time of each, and its words."""
        count = int(self.number[0])
        if not count:
            return ()
        return zip(self.when[:count].tolist(), self.words[:count].tolist(), strict=True)


class _Heard(NamedTuple):
    asking: _Statements
    """Claims of who asks, and of all ARP."""
    answering: _Statements
    owning: _Statements
    questions: _Statements


class Neighbours:
    """Keeps its memory from batch to batch, and nothing that was said."""

    def __init__(self) -> None:
        self._heard = _Heard(*(_Statements.none() for _ in _Heard._fields))

    def hear(self, packets: PacketBatch, decoded: DecodedBatch) -> Said:
        heard = self._heard
        kernels_neighbours.hear(packets, decoded, heard)
        claims = chain(heard.asking.told(), heard.answering.told())
        return Said(
            [Claim._make([*at, *words[:5]]) for at, words in claims],
            [Owner._make([*at, *words[:3]]) for at, words in heard.owning.told()],
            [Question._make([*at, *words[:4], words[5]]) for at, words in heard.questions.told()],
        )

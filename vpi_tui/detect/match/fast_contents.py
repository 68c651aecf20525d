"""What the scan compares once it met the piece of a rule's content: all of it, and the rule's others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from vpi_tui.detect.match import fast_pattern
from vpi_tui.detect.match.kernels_scan import FastContents
from vpi_tui.model.signature import Content, IsDataAt, Step

MOST_BYTES: Final = 1 << 16
"""More than so many are not asked for before Python looks at a rule."""
MOST_OTHERS: Final = 4
"""Other contents of a rule that are sought before Python looks at it."""


class FastBuilder:
    """FastContents under construction, for so many rules."""

    def __init__(self, count: int) -> None:
        self._begin = np.zeros(count, np.int64)
        self._columns = {
            name: np.zeros(count, np.int32)
            for name in ("length", "tail", "low", "at_end", "nocase", "kinds", "simple", "least")
        }
        self._high = np.full(count, -1, np.int32)
        self._others: list[list[tuple[Content, fast_pattern.Place]]] = [[] for _ in range(count)]
        self._data = bytearray()

    def add(
        self,
        number: int,
        content: Content,
        piece: fast_pattern.FastPattern,
        place: fast_pattern.Place,
        *,
        kinds: int,
        simple: bool,
    ) -> int:
        """A rule's content with its piece; returns its latest end in the payload, -1 = anywhere."""
        columns = self._columns
        self._begin[number] = self._put(content)
        low, high = place
        columns["low"][number], self._high[number] = low, high
        columns["length"][number] = len(content.pattern)
        columns["tail"][number] = len(content.pattern) - piece.at - len(piece.piece)
        columns["at_end"][number] = content.endswith
        columns["nocase"][number] = content.nocase
        columns["kinds"][number] = kinds
        columns["simple"][number] = simple
        return -1 if content.endswith else high

    def add_others(
        self, number: int, steps: Sequence[Step], fast: int, places: Mapping[int, fast_pattern.Place]
    ) -> None:
        """The contents beside step `fast` that must be in the same bytes, the most telling first, and how
        many bytes there must be. places: of the contents of that buffer."""
        buffer = steps[fast].buffer
        self._columns["least"][number] = max(
            (_least(step) for step in steps if step.buffer == buffer), default=0
        )
        others = [(steps[n], place) for n, place in places.items() if n != fast]
        found = [(step, place) for step, place in others if isinstance(step, Content) and step.pattern]
        found.sort(key=lambda one: -fast_pattern.best_piece(one[0].pattern)[0])
        self._others[number] = found[:MOST_OTHERS]

    def _put(self, content: Content) -> int:
        """Keep the bytes to compare; where they begin."""
        begin = len(self._data)
        self._data += fast_pattern.fold(content.pattern) if content.nocase else content.pattern
        return begin

    def finish(self) -> FastContents:
        columns = self._columns
        others = [content for own in self._others for content, _ in own]
        places = [place for own in self._others for _, place in own]
        also_byte = [self._put(content) for content in others]
        return FastContents(
            byte_start=self._begin,
            length=columns["length"],
            tail=columns["tail"],
            low=columns["low"],
            high=self._high,
            at_end=columns["at_end"].astype(np.uint8),
            nocase=columns["nocase"].astype(np.uint8),
            kinds=columns["kinds"].astype(np.uint8),
            simple=columns["simple"].astype(np.uint8),
            least=columns["least"],
            also_start=np.cumsum([0, *map(len, self._others)]).astype(np.int32),
            also_byte=np.array(also_byte, np.int64),
            also_length=np.array([len(content.pattern) for content in others], np.int32),
            also_low=np.array([low for low, _ in places], np.int32),
            also_high=np.array([high for _, high in places], np.int32),
            also_nocase=np.array([content.nocase for content in others], np.uint8),
            data=np.frombuffer(bytes(self._data) or b"\0", np.uint8).copy(),
        )


def _least(step: Step) -> int:
    """Bytes without which the step cannot hold."""
    if isinstance(step, IsDataAt) and isinstance(step.position, int) and not (step.relative or step.negated):
        return min(step.position, MOST_BYTES) + 1
    return 0

"""Lists of IP reputation: which addresses have which score in a category.

Formats, as in the manual of Suricata ("IP Reputation"): categories `id,name,description`; lists
`address or network,category id,score`, with scores from 0 to 127. What is said of an address counts more than
what is said of its networks, of which the longest prefix counts. Said twice, the last word counts of an
address and the first one of a network, as in Suricata. A range (`first-last`) stands for its networks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.scored import MOST_SCORE, Scored, ScoredBuilder
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.detect.rules.text import printable
from vpi_tui.detect.rules.valuefiles import pieces_of
from vpi_tui.model import edges
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import Origin, Ranges

MOST_CATEGORIES: Final = 60
MAX_FILE: Final = 256 << 20
MOST_NOTICES: Final = 100
"""Of the lines that say nothing; a file of another kind has millions."""
_SAID: Final = 1 << 14
"""Ways of saying category and score that are remembered."""


@dataclass(slots=True)
class Reputation:
    """names: lower case -> id."""

    names: dict[str, int] = field(default_factory=dict)
    notices: list[tuple[Origin, str]] = field(default_factory=list)
    """The first lines that say nothing that could be understood."""
    _scored: dict[int, Scored] = field(default_factory=dict)
    """By category."""
    _made: dict[tuple[int, Spans], Ranges] = field(default_factory=dict)
    _without: dict[int, Ranges] = field(default_factory=dict)

    @classmethod
    def read(cls, categories: Path, lists: Iterable[Path]) -> Reputation:
        """Raises ConfigError when a file cannot be read."""
        made = cls()
        for number, raw in _lines(categories):
            made._name(categories, number, _without_comment(raw))
        building: dict[int, ScoredBuilder] = defaultdict(ScoredBuilder)
        for path in lists:
            made._read_list(path, building)
        for number in list(building):  # each goes before the next is made
            made._scored[number] = building.pop(number).finish()
        return made

    def _name(self, path: Path, number: int, line: str) -> None:
        fields = [part.strip() for part in line.split(",")]
        if len(fields) > 1 and _is_number(fields[0], 1, MOST_CATEGORIES - 1):
            self.names[fields[1].lower()] = int(fields[0])
        elif line:
            self._notice(path, number, "needs `id,name,description`")

    def _read_list(self, path: Path, building: dict[int, ScoredBuilder]) -> None:
        """Lines of which most are `address,category,score` and no more: those take no second look."""
        said_by = lru_cache(_SAID)(_category_and_score)
        for number, raw in _lines(path):
            word, _, rest = raw.partition(",")
            said = said_by(rest)
            if said is not None and building[said[0]].add_usual(word, said[1]):
                continue
            line = _without_comment(raw)
            if line and not self._add(line, building):
                self._notice(path, number, "needs `address,category,score`")

    def _add(self, line: str, building: dict[int, ScoredBuilder]) -> bool:
        word, _, rest = line.partition(",")
        said = _category_and_score(rest)
        return said is not None and building[said[0]].add(word.strip(), said[1])

    def with_score(self, category: str, scores: Spans) -> Ranges:
        """Addresses whose score in the category lies in `scores`; those without a score do not."""
        number = self._number(category)
        made = self._made.get((number, scores))
        if made is None:
            scored = self._scored.get(number)
            ends = scored.within(scores) if scored is not None else edges.edges_of(())
            made = self._made[number, scores] = Ranges.of(ends)
        return made

    def without_score(self, category: str) -> Ranges:
        """Addresses that have none in the category."""
        number = self._number(category)
        made = self._without.get(number)
        if made is None:
            with_any = self.with_score(category, ((0, MOST_SCORE),))
            made = self._without[number] = Ranges.of(edges.complement(with_any.edges))
        return made

    def _number(self, category: str) -> int:
        found = self.names.get(category.lower())
        if found is None:
            raise Refused(f"iprep: there is no category {category[:40]!r} in the categories file")
        return found

    def _notice(self, path: Path, line: int, text: str) -> None:
        if len(self.notices) < MOST_NOTICES:
            self.notices.append((Origin(printable(str(path)), line), f"iprep: {text}; the line is left out"))


def _category_and_score(text: str) -> tuple[int, int] | None:
    """What a line says behind its address; None = something else."""
    category, comma, rest = text.partition(",")
    score = rest.partition(",")[0].strip()
    category = category.strip()
    if not comma or not _is_number(category, 1, MOST_CATEGORIES - 1) or not _is_number(score, 0, MOST_SCORE):
        return None
    return int(category), int(score)


def _is_number(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high


def _without_comment(line: str) -> str:
    return line.partition("#")[0].strip()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """With their numbers."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise ConfigError(f"{path} is larger than {MAX_FILE:,} bytes.")
        yield from enumerate(chain.from_iterable(pieces_of(path, errors="replace")), 1)
    except OSError as error:
        raise ConfigError(f"The reputation file {path} cannot be read: {error.strerror}.") from None

"""Lists of IP reputation: which addresses have which score in a category.

Formats, as in the manual of Suricata ("IP Reputation"): categories `id,name,description`; lists
`address or network,category id,score`, with scores from 0 to 127. What is said of an address counts more than
what is said of its networks, of which the longest prefix counts. Said twice, the last word counts of an
address and the first one of a network, as in Suricata.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vpi_tui.detect.rules import atoms
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Span, Spans, complement, subtract, union
from vpi_tui.detect.rules.text import printable
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import IP_MAX, Origin, Ranges

MOST_SCORE: Final = 127
MOST_CATEGORIES: Final = 60
MAX_FILE: Final = 256 << 20
MOST_NOTICES: Final = 100
"""Of the lines that say nothing; a file of another kind has millions."""

_HOST: Final = -1
"""Stands for the size of one address that is no network: narrower than any."""


@dataclass(slots=True)
class Reputation:
    """names: lower case -> id; entries: category -> size of a span -> addresses -> score."""

    names: dict[str, int] = field(default_factory=dict)
    notices: list[tuple[Origin, str]] = field(default_factory=list)
    """The first lines that say nothing that could be understood."""
    _entries: dict[int, dict[int, dict[Spans, int]]] = field(default_factory=dict)
    _made: dict[tuple[int, Spans], Ranges] = field(default_factory=dict)

    @classmethod
    def read(cls, categories: Path, lists: Iterable[Path]) -> Reputation:
        """Raises ConfigError when a file cannot be read."""
        made = cls()
        for number, fields in _lines(categories):
            if len(fields) < 2 or not _is_number(fields[0], 1, MOST_CATEGORIES - 1):
                made._notice(categories, number, "needs `id,name,description`")
            else:
                made.names[fields[1].lower()] = int(fields[0])
        for path in lists:
            for number, fields in _lines(path):
                if not made._add(fields):
                    made._notice(path, number, "needs `address,category,score`")
        return made

    def with_score(self, category: str, scores: Spans) -> Ranges:
        """Addresses whose score in the category lies in `scores`; those without a score do not."""
        number = self._number(category)
        made = self._made.get((number, scores))
        if made is None:
            made = self._made[number, scores] = Ranges(self._paint(number, scores))
        return made

    def without_score(self, category: str) -> Ranges:
        """Addresses that have none in the category."""
        return Ranges(complement(self.with_score(category, ((0, MOST_SCORE),)).spans, IP_MAX))

    def _number(self, category: str) -> int:
        found = self.names.get(category.lower())
        if found is None:
            raise Refused(f"iprep: there is no category {category[:40]!r} in the categories file")
        return found

    def _paint(self, category: int, scores: Spans) -> Spans:
        """Widest networks first, so that a narrower one has the last word."""
        painted: Spans = ()
        by_size = self._entries.get(category, {})
        for size in sorted(by_size, reverse=True):
            scored = by_size[size]
            painted = subtract(painted, union(span for spans in scored for span in spans))
            meant: Iterable[Span] = (
                span
                for spans, score in scored.items()
                if any(low <= score <= high for low, high in scores)
                for span in spans
            )
            painted = union([*painted, *meant])
        return painted

    def _notice(self, path: Path, line: int, text: str) -> None:
        if len(self.notices) < MOST_NOTICES:
            self.notices.append((Origin(printable(str(path)), line), f"iprep: {text}; the line is left out"))

    def _add(self, fields: list[str]) -> bool:
        if len(fields) < 3 or not _is_number(fields[1], 1, MOST_CATEGORIES - 1):
            return False
        if not _is_number(fields[2], 0, MOST_SCORE):
            return False
        try:
            spans = atoms.address(fields[0])
        except Refused:
            return False
        is_host = "/" not in fields[0] and spans[0][0] == spans[0][1]
        size = _HOST if is_host else max(high - low for low, high in spans)
        scored = self._entries.setdefault(int(fields[1]), {}).setdefault(size, {})
        if is_host or spans not in scored:
            scored[spans] = int(fields[2])
        return True


def _is_number(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise ConfigError(f"{path} is larger than {MAX_FILE:,} bytes.")
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"The reputation file {path} cannot be read: {error.strerror}.") from None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if line:
            yield number, [part.strip() for part in line.split(",")]

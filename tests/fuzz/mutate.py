"""Changes of an input by chance, the same each time: what the ordinary tests have in place of a fuzzer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

EXTREMES: Final = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0",
    b"\xff\xff",
    b"\x7f\xff",
    b"\xff\xff\xff\xff",
    bytes(8),
)
LONGEST_PIECE: Final = 40


def mutations(seeds: Sequence[bytes], words: Sequence[bytes], count: int) -> Iterator[bytes]:
    """So many inputs, each a seed with one to four changes."""
    chance = random.Random(f"{len(seeds)}")
    for number in range(count):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(chance.randint(1, 4)):
            chance.choice(_CHANGES)(data, chance, seeds, words)
        yield bytes(data)


def _piece(data: bytearray, chance: random.Random) -> slice:
    at = chance.randint(0, len(data))
    return slice(at, at + chance.randint(1, LONGEST_PIECE))


def _flip(data: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _cut(data: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    del data[_piece(data, chance)]


def _double(data: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    piece = _piece(data, chance)
    data[piece.start : piece.start] = data[piece] * chance.choice((1, 2, 30))


def _extreme(data: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    found = chance.choice(EXTREMES)
    at = chance.randint(0, len(data))
    data[at : at + len(found)] = found


def _word(data: bytearray, chance: random.Random, _seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = chance.randint(0, len(data))
    data[at:at] = chance.choice(words or EXTREMES)


def _cross(data: bytearray, chance: random.Random, seeds: Sequence[bytes], _words: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    data[chance.randint(0, len(data)) :] = other[chance.randint(0, len(other)) :]


_Change = Callable[[bytearray, random.Random, Sequence[bytes], Sequence[bytes]], None]
_CHANGES: Final[tuple[_Change, ...]] = (_flip, _flip, _cut, _double, _extreme, _word, _cross)

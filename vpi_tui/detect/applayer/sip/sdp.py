"""Session descriptions (RFC 8866): lines `letter=value`, first of the session, then of each medium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MOST_LINES: Final = 1024
MEDIA: Final = "m"


def lines(body: bytes) -> Iterator[tuple[str, bytes]]:
    """(letter, value) of each line; behind the first medium the letter has MEDIA before it.

    A medium's own line is given as MEDIA alone.
    """
    place = ""
    for line in body.split(b"\n")[:MOST_LINES]:
        letter, equals, value = line.rstrip(b"\r").partition(b"=")
        if not equals or len(letter) != 1:
            continue
        key = letter.decode("latin-1")
        if key == MEDIA:
            place = MEDIA
            yield MEDIA, value
        else:
            yield place + key, value

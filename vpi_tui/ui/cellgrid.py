"""What a terminal shows, cell by cell, and the shortest way from there to another picture. Pure; no terminal.

A cell holds the text of one glyph (with its combining marks) and a pen; the right half of a wide glyph is "".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size, split_graphemes

Run = tuple["Pen", int, int, int, str, bool]
"""(pen, y, x, cells, text, plain): text to write; plain = all terminals agree on its width."""

_GAP = 5
"""Unchanged cells written again rather than skipped: a cursor movement costs as many bytes."""


class Pen(NamedTuple):
    """SGR codes of a cell, each without its `ESC [` and `m`; "" = the terminal's default."""

    attributes: str = ""
    color: str = ""
    ground: str = ""


PLAIN = Pen()
_UNKNOWN = Pen("?", "?", "?")


class CellGrid:
    """The shadow of a terminal of `width` × `height` cells. A new grid knows nothing: every cell differs."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._texts: list[list[str | None]] = [[None] * width for _ in range(height)]
        self._pens: list[list[Pen]] = [[_UNKNOWN] * width for _ in range(height)]

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def update(self, y: int, x: int, texts: list[str], pens: list[Pen], runs: list[Run]) -> None:
        """Take over cells of line `y` from `x` on, and append to `runs` what differs. Outside is cut off."""
        if not (0 <= y < self.height and 0 <= x < self.width):
            return
        end = min(x + len(texts), self.width)
        texts, pens = texts[: end - x], pens[: end - x]
        old_texts, old_pens = self._texts[y][x:end], self._pens[y][x:end]
        if old_texts == texts and old_pens == pens:
            return
        # The right half of a wide glyph has no pen of its own: a change there alone shows nothing new.
        changed = [
            i
            for i, text in enumerate(texts)
            if old_texts[i] != text or (text != "" and old_pens[i] != pens[i])
        ]
        for first, last in _spans(changed, texts, pens):
            text = "".join(texts[first : last + 1])
            runs.append((pens[first], y, x + first, last + 1 - first, text, text.isascii() or _boxes(text)))
        self._texts[y][x:end] = texts
        self._pens[y][x:end] = pens


def _spans(changed: list[int], texts: list[str], pens: list[Pen]) -> Iterable[tuple[int, int]]:
    """First and last cell of each run: one pen, small gaps bridged, wide glyphs whole."""
    at, count = 0, len(changed)
    while at < count:
        first = last = changed[at]
        pen = pens[first]
        at += 1
        while at < count:
            following = changed[at]
            if following - last > _GAP or any(other != pen for other in pens[last + 1 : following + 1]):
                break
            last = following
            at += 1
        while first > 0 and texts[first] == "":
            first -= 1
        while last + 1 < len(texts) and texts[last + 1] == "":
            last += 1
        yield first, last


def _boxes(text: str) -> bool:
    """True for glyphs that every terminal draws one cell wide: Latin, box drawing, blocks, braille."""
    return all(
        char < "\u0300" or "\u2500" <= char <= "\u259f" or "\u2800" <= char <= "\u28ff" for char in text
    )


def expand(text: str, pen: Pen, texts: list[str], pens: list[Pen]) -> None:
    """Append the cells of `text` to `texts` and `pens`, measured as Rich measures them."""
    if text.isascii() or cell_len(text) == len(text) == sum(map(get_character_cell_size, text)):
        texts += text
        pens += [pen] * len(text)
        return
    clusters, _ = split_graphemes(text)
    for start, end, width in clusters:
        if width == 0:
            if texts:
                texts[-1] += text[start:end]
            continue
        texts.append(text[start:end])
        texts += [""] * (width - 1)
        pens += [pen] * width


def encode(runs: list[Run]) -> str:
    """The runs as one string for the terminal. Sorted by pen, so that each pen is set once a frame.

    The cursor must be moved and the pen reset by the caller afterwards.
    """
    out: list[str] = ["\x1b[0m"]
    pen = PLAIN
    cursor_y = cursor_x = -1
    for wanted, y, x, cells, text, plain in sorted(runs, key=_by_pen):
        if y != cursor_y or x < cursor_x:
            out.append(f"\x1b[{y + 1};{x + 1}H")
        elif x > cursor_x:
            out.append(f"\x1b[{x - cursor_x}C" if x - cursor_x > 1 else "\x1b[C")
        if wanted != pen:
            out.append(switch_pen(pen, wanted))
            pen = wanted
        out.append(text)
        cursor_y, cursor_x = (y, x + cells) if plain else (-1, -1)
    return "".join(out)


def _by_pen(run: Run) -> tuple[str, str, str, int, int]:
    pen = run[0]
    return pen.attributes, pen.ground, pen.color, run[1], run[2]


@lru_cache(maxsize=4096)
def switch_pen(old: Pen, new: Pen) -> str:
    """The shortest SGR sequence from one pen to another."""
    whole = ";".join(code for code in ("0", new.attributes, new.color, new.ground) if code)
    if old.attributes and old.attributes != new.attributes:
        return f"\x1b[{whole}m"
    codes = [new.attributes] if new.attributes != old.attributes else []
    if new.color != old.color:
        codes.append(new.color or "39")
    if new.ground != old.ground:
        codes.append(new.ground or "49")
    change = ";".join(codes)
    return f"\x1b[{min(change, whole, key=len)}m"

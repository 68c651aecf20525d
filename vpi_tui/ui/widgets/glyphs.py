"""Small pictures made of characters, as pure functions: sparkline, share bar, braille area, marks.

A `Glyphs` object says which characters may be used; `UNICODE` and `ASCII` are the two sets. Every character
in them is one cell wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

_BRAILLE_BASE = 0x2800
_LEFT_FILL = (0x00, 0x40, 0x44, 0x46, 0x47)
"""Dots of the left column of a braille cell, filled from below to height 0..4."""
_RIGHT_FILL = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_LEFT_HANG = (0x00, 0x01, 0x03, 0x07, 0x47)
"""The same, hanging from above."""
_RIGHT_HANG = (0x00, 0x08, 0x18, 0x38, 0xB8)


@dataclass(frozen=True, slots=True)
class Frame:
    """Characters of a border, clockwise from the top left."""

    top_left: str
    top_right: str
    bottom_right: str
    bottom_left: str
    horizontal: str
    vertical: str


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters. `braille` says whether braille cells may be used for areas."""

    name: str
    braille: bool
    spark: str
    """Levels of a sparkline, lowest (nothing) first."""
    bar: str
    """Parts of a bar cell, emptiest first; the last one is a full cell."""
    track: str
    """What is left of a bar."""
    area: str
    """Levels of an area cell when braille may not be used, emptiest first."""
    frame: Frame
    rule: str
    ascending: str
    descending: str
    expanded: str
    collapsed: str
    branch: str
    branch_last: str
    branch_through: str
    cursor: str
    here: str
    ellipsis: str
    thumb: str
    groove: str
    on: str
    off: str
    separator: str
    arrow: str
    nothing: str
    """An empty cell of a grid."""
    shades: str
    """Heat of a cell, nothing first."""
    coverage: Mapping[str, str] = field(default_factory=dict)
    severity: tuple[str, str, str] = ("!", "*", "-")
    """Marks of high, medium, low."""


UNICODE = Glyphs(
    name="unicode",
    braille=True,
    spark=" ▁▂▃▄▅▆▇",
    bar=" ╸━",
    track="─",
    area=" ▁▂▃▄▅▆▇█",
    frame=Frame("╭", "╮", "╯", "╰", "─", "│"),
    rule="─",
    ascending="▲",
    descending="▼",
    expanded="▾",
    collapsed="▸",
    branch="├╴",
    branch_last="╰╴",
    branch_through="│ ",
    cursor="▌",
    here="◂",
    ellipsis="…",
    thumb="┃",
    groove="│",
    on="●",
    off="○",
    separator="·",
    arrow="→",
    nothing="·",
    shades=" ░▒▓█",
    coverage=MappingProxyType({"seen": "●", "partial": "◐", "one-way": "◑", "blind": "○", "unknown": "·"}),
    severity=("▲", "◆", "•"),
)

ASCII = Glyphs(
    name="ascii",
    braille=False,
    spark=" _.-=+*%#",
    bar=" -=#",
    track=".",
    area=" .:#",
    frame=Frame("+", "+", "+", "+", "-", "|"),
    rule="-",
    ascending="^",
    descending="v",
    expanded="-",
    collapsed="+",
    branch="|-",
    branch_last="`-",
    branch_through="| ",
    cursor=">",
    here="<",
    ellipsis="~",
    thumb="#",
    groove="|",
    on="*",
    off="o",
    separator="|",
    arrow=">",
    nothing=".",
    shades=" .:+#",
    coverage=MappingProxyType({"seen": "*", "partial": "%", "one-way": "/", "blind": "o", "unknown": "?"}),
    severity=("!", "*", "-"),
)


def sparkline(values: Sequence[float], width: int, glyphs: Glyphs = UNICODE, peak: float = 0.0) -> str:
    """The newest `width` values as one line of exactly `width` cells, newest at the right.

    peak: the value of a full cell; 0 = the largest one shown. A value above 0 always shows a mark.
    """
    if width <= 0:
        return ""
    shown = list(values[-width:])
    top = peak or max(shown, default=0.0)
    levels = glyphs.spark
    return "".join(levels[_level(value, top, len(levels) - 1)] for value in shown).rjust(width)


def bar(share: float, width: int, glyphs: Glyphs = UNICODE) -> tuple[str, str]:
    """A horizontal bar as (filled, rest); together exactly `width` cells. share: 0 to 1, clamped."""
    width = max(width, 0)
    steps = len(glyphs.bar) - 1
    eighths = _level(share, 1.0, width * steps)
    full, part = divmod(eighths, steps)
    filled = glyphs.bar[-1] * full + (glyphs.bar[part] if part else "")
    return filled, glyphs.track * (width - len(filled))


def area(
    values: Sequence[float],
    width: int,
    height: int,
    peak: float,
    glyphs: Glyphs = UNICODE,
    *,
    hang: bool = False,
) -> list[str]:
    """`values` as a filled area of `height` lines, top line first, each exactly `width` cells.

    Two values share a cell in braille, one fills a cell without; the newest stands at the right. hang: draw
    downwards from the top, for the lower half of a mirrored graph.
    """
    if width <= 0 or height <= 0:
        return []
    if not glyphs.braille:
        return _block_area(values, width, height, peak, glyphs.area, hang)
    dots = _columns(values, 2 * width)
    heights = [_level(value, peak, 4 * height) for value in dots]
    left, right = (_LEFT_HANG, _RIGHT_HANG) if hang else (_LEFT_FILL, _RIGHT_FILL)
    lines = []
    for row in range(height):
        below = 4 * (row if hang else height - 1 - row)
        cells = [
            left[min(max(heights[i] - below, 0), 4)] | right[min(max(heights[i + 1] - below, 0), 4)]
            for i in range(0, 2 * width, 2)
        ]
        lines.append("".join(chr(_BRAILLE_BASE | cell) if cell else " " for cell in cells))
    return lines


def _block_area(
    values: Sequence[float], width: int, height: int, peak: float, levels: str, hang: bool
) -> list[str]:
    steps = len(levels) - 1
    heights = [_level(value, peak, steps * height) for value in _columns(values, width)]
    lines = []
    for row in range(height):
        below = steps * (row if hang else height - 1 - row)
        lines.append("".join(levels[min(max(value - below, 0), steps)] for value in heights))
    return lines


def _columns(values: Sequence[float], count: int) -> list[float]:
    shown = list(values[-count:])
    return [0.0] * (count - len(shown)) + shown


def _level(value: float, top: float, steps: int) -> int:
    """0 for nothing, 1..steps otherwise: what is there is never drawn as absent. NaN counts as nothing."""
    if not value > 0 or not top > 0 or steps <= 0:
        return 0
    if value >= top:
        return steps
    return max(1, min(steps, int(value / top * steps + 0.5)))

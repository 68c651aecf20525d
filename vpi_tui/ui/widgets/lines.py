"""Lines: what line widgets draw. Text with theme style names; no colour, no markup, no control byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from vpi_tui.ui.theme import Palette
from vpi_tui.view.escape import is_safe, safe

Span = tuple[str, str]
"""(text, theme style name)"""

Cell = str | Span
"""One cell of a row: text in the column's style, or (text, theme style name)."""

Align = str
"""left, right or center."""


class Line(NamedTuple):
    """One line of a widget. surface: the ground that it is drawn and padded with."""

    spans: tuple[Span, ...] = ()
    surface: str = "background"


BLANK = Line()


def line(*spans: Cell, surface: str = "background") -> Line:
    """A line from cells; a bare string is drawn in the style `text`."""
    return Line(tuple((span, "text") if isinstance(span, str) else span for span in spans), surface)


def width_of(spans: Iterable[Span]) -> int:
    """Cells that the spans take."""
    return sum(cells(text) for text, _ in spans)


def cells(text: str) -> int:
    """Cells that a text takes; control characters count as what `safe` makes of them."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(guard(text))


def guard(text: str) -> str:
    """The last gate before the terminal: text that nobody escaped is escaped here."""
    return text if is_safe(text) else safe(text, 4096)


def fit(text: str, width: int, align: Align = "left", ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells: padded by `align`, or cut with an ellipsis at the end."""
    if width <= 0:
        return ""
    if not (text.isascii() and text.isprintable()):
        text = guard(text)
        length = cell_len(text)
    else:
        length = len(text)
    if length > width:
        return set_cell_size(text, width - len(ellipsis)) + ellipsis
    if align == "right":
        return " " * (width - length) + text
    if align == "center":
        left = (width - length) // 2
        return " " * left + text + " " * (width - length - left)
    return text + " " * (width - length)


def squeezed(name: str, width: int, ellipsis: str) -> str:
    """A name cut in its middle: names and addresses of guests begin alike and differ at their ends."""
    name = safe(name, 64)
    if cell_len(name) <= width or width < 3 or not name.isascii():
        return name
    tail = width // 2
    return name[: width - tail - 1] + ellipsis + name[len(name) - tail :]


def indented(text: str, style: str) -> list[Span]:
    """The text with its leading blanks as a span of their own: in a picture of the screen, blanks before
    characters of another font would take that font's width."""
    kept = text.lstrip(" ")
    return [(" " * (len(text) - len(kept)), "text"), (kept, style)]


def justify(left: Sequence[Span], right: Sequence[Span], width: int, surface: str = "background") -> Line:
    """`left` at the left, `right` at the right edge; when both do not fit, the left is cut."""
    right_width = width_of(right)
    if right_width > width:
        return Line(tuple(clip(right, width)), surface)
    kept = clip(left, width - right_width)
    gap = width - right_width - width_of(kept)
    return Line((*kept, (" " * gap, "text"), *right), surface)


def clip(spans: Sequence[Span], width: int, ellipsis: str = "…") -> list[Span]:
    """The spans cut to at most `width` cells, with an ellipsis where text was lost."""
    kept: list[Span] = []
    for text, style in spans:
        length = cells(text)
        if length > width:
            if width > 0:
                kept.append((fit(text, width, ellipsis=ellipsis), style))
            return kept
        kept.append((text, style))
        width -= length
    return kept


def only_ascii(content: Line) -> Line:
    """The line for a terminal without Unicode, as wide as before; what is lost becomes `?`."""
    if all(text.isascii() for text, _ in content.spans):
        return content
    return content._replace(spans=tuple((_ascii(text), style) for text, style in content.spans))


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "~" if c == "…" else "?" * cell_len(c) for c in guard(text))


def to_strip(content: Line, width: int, palette: Palette) -> Strip:
    """Draw a line: exactly `width` cells."""
    surface = content.surface
    segments = [Segment(guard(text), palette.on(style, surface)) for text, style in content.spans if text]
    return Strip(segments).adjust_cell_length(width, palette.on(surface, surface))

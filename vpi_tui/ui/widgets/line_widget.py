"""The base of all widgets that draw lines: repaints a line only when its content changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from vpi_tui.ui.widgets.lines import BLANK, Line, only_ascii, to_strip
from vpi_tui.ui.widgets.look import Look, look_of


class Common(TypedDict, total=False):
    """What every widget takes: Textual's own keyword arguments."""

    id: str | None
    classes: str | None


class LineWidget(Widget):
    """Subclasses answer `compose_lines`; whoever changes their state calls `redraw`.

    The lines bypass Textual's style cache (borders, opacity, filters): a theme style on each span is all
    there is, which makes a refresh about four times cheaper.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "LineWidget { width: 1fr; height: 1fr; }"

    def __init__(self, *children: Widget, **common: Unpack[Common]) -> None:
        super().__init__(*children, **common)
        self._lines: list[Line] = []
        self._strips: list[Strip | None] = []
        self._drawn_width = -1
        self._drawn_look: Look | None = None

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        """The lines of a widget of this size, top first. Fewer than `height` leave the rest blank."""
        return [Line()] * min(height, width)

    @property
    def look(self) -> Look:
        return look_of(self.app)

    def redraw(self) -> None:
        """Compose the lines anew and repaint those that differ. Cheap to call when nothing changed."""
        if not self.is_mounted or not self.size:
            return
        changed = self._recompose()
        if changed is None:
            self.refresh()
        elif changed:
            # Textual counts regions from inside the padding; ours are counted from the outer edge.
            width, (left, top) = self.outer_size.width, self.content_offset
            self.refresh(*[Region(-left, y - top, width, 1) for y in changed])

    def _recompose(self) -> list[int] | None:
        """Numbers of the lines that changed; None when all did (another size or look)."""
        width, height = self.outer_size
        fresh = list(self.compose_lines(width, height))[:height]
        fresh += [BLANK] * (height - len(fresh))
        look = self.look
        whole = width != self._drawn_width or len(fresh) != len(self._lines) or look is not self._drawn_look
        self._drawn_width, self._drawn_look = width, look
        if whole:
            self._lines, self._strips = fresh, [None] * height
            return None
        old = self._lines
        changed = [y for y in range(height) if fresh[y] != old[y]]
        for y in changed:
            old[y] = fresh[y]
            self._strips[y] = None
        return changed

    def render_line(self, y: int) -> Strip:
        if not 0 <= y < len(self._lines):
            return Strip.blank(self.outer_size.width)
        strip = self._strips[y]
        if strip is None:
            look = self.look
            content = self._lines[y] if look.glyphs.braille else only_ascii(self._lines[y])
            strip = self._strips[y] = to_strip(content, self._drawn_width, look.palette)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        width, height = self.outer_size
        if width != self._drawn_width or height != len(self._lines) or self.look is not self._drawn_look:
            self._recompose()
        strips = [self.render_line(y) for y in range(crop.y, crop.bottom)]
        if crop.x == 0 and crop.width == width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def watch_has_focus(self, has_focus: bool) -> None:
        # Not on_focus: of a subclass that is called before Textual notes who has the keyboard.
        super().watch_has_focus(has_focus)
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def on_show(self) -> None:
        self.redraw()

"""DiffDisplay: sends a terminal only the cells that changed, and never waits for it.

Textual writes every region that was repainted, changed or not, and its `write` blocks once thirty frames wait
for the line. This mixin keeps a shadow of the screen and sends the difference. While the line is behind it
sends nothing, and when it has caught up, the difference to the newest picture: the last state always arrives.

It leans on private names of Textual 8.2. `unsupported()` checks them; when they are not what they should be,
and after any surprise while drawing, the stock display takes over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from rich.color import ColorSystem
from rich.style import Style
from textual import _compositor
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.app import App
from textual.drivers import _writer_thread
from textual.screen import Screen
from textual.strip import Strip

from vpi_tui.ui.cellgrid import PLAIN, CellGrid, Pen, Run, encode, expand

_MOST_QUEUED = 2
"""Writes that may wait for the line before frames are dropped."""

_RETRY = 0.03
"""Seconds until a dropped frame is tried again."""


@lru_cache(maxsize=1)
def unsupported() -> str:
    """Why this Textual cannot be driven cell by cell; "" when it can."""
    from importlib.metadata import version

    if not version("textual").startswith("8.2."):
        return f"Textual {version('textual')} is not 8.2"
    wanted: list[tuple[object, str]] = [
        (App, "_display"),
        (App, "_begin_update"),
        (App, "post_display_hook"),
        (_compositor, "LayoutUpdate"),
        (_compositor, "ChopsUpdate"),
        (_writer_thread, "WriterThread"),
        (Strip, "_segments"),
    ]
    for owner, name in wanted:
        if not hasattr(owner, name):
            return f"Textual has no {getattr(owner, '__name__', owner)}.{name}"
    signatures: list[tuple[Callable[..., Any], list[str]]] = [
        (App._display, ["self", "screen", "renderable"]),
        (_compositor.LayoutUpdate.__init__, ["self", "strips", "region"]),
        (_compositor.ChopsUpdate.__init__, ["self", "chops", "spans", "chop_ends"]),
    ]
    for function, names in signatures:
        if list(inspect.signature(function).parameters) != names:
            return f"Textual's {function.__qualname__} takes other arguments"
    return ""


@lru_cache(maxsize=8192)
def pen_of(style: Style | None, system: ColorSystem) -> Pen:
    """A Rich style as SGR codes of the terminal's colour system. Links and metadata are left out."""
    if style is None:
        return PLAIN
    attributes = Strip.render_ansi(style.without_color, system)
    color, ground = style.color, style.bgcolor
    return Pen(
        attributes,
        ";".join(color.downgrade(system).get_ansi_codes()) if color is not None else "",
        ";".join(ground.downgrade(system).get_ansi_codes(False)) if ground is not None else "",
    )


class DiffDisplay(App[Any]):
    """Mix in before App: `class VpiApp(DiffDisplay, App[None])`. Needs nothing else."""

    dropped_frames = 0
    """Frames not sent because the line was behind."""

    _shadow: CellGrid | None = None
    _shadow_writer: object = None
    _frame_owed = False
    _diff_refused = ""

    def redraw_terminal(self) -> None:
        """Send every cell again, for a terminal that another program wrote on (bind it to Ctrl+L)."""
        self._shadow = None
        self.screen.refresh()

    def action_redraw_terminal(self) -> None:
        self.redraw_terminal()

    @property
    def display_mode(self) -> str:
        """ "diff", or "stock: " and why."""
        reason = self._diff_refused or unsupported()
        return f"stock: {reason}" if reason else "diff"

    def on_resize(self) -> None:
        # A terminal may move or clear cells when its size changes, even when it comes back to the old one.
        self._shadow = None

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        writer = self._line_writer()
        if writer is None or not isinstance(renderable, (_compositor.LayoutUpdate, _compositor.ChopsUpdate)):
            self._shadow = None if writer is not None and renderable is not None else self._shadow
            super()._display(screen, renderable)
            return
        try:
            if writer._queue.qsize() >= _MOST_QUEUED:
                self._drop_frame()
            else:
                self._send(renderable, writer)
        except Exception as error:  # whatever Textual changed under us, the operator must keep a picture
            self._diff_refused = f"{type(error).__name__}: {error}"
            self.call_later(screen.refresh)
        finally:
            self.post_display_hook()

    def _line_writer(self) -> Any:
        """Textual's writer thread when frames can be diffed now, else None."""
        if self._diff_refused or unsupported() or self._batch_count or not self._running or self._closed:
            return None
        driver = self._driver
        if driver is None or self.is_headless or driver.is_inline:
            return None
        writer = getattr(driver, "_writer_thread", None)
        return writer if isinstance(writer, _writer_thread.WriterThread) else None

    def _drop_frame(self) -> None:
        self.dropped_frames += 1
        if not self._frame_owed:
            self._frame_owed = True
            self.set_timer(_RETRY, self._pay_frame)

    def _pay_frame(self) -> None:
        writer = self._line_writer()
        if writer is not None and writer._queue.qsize() >= 1:
            self.set_timer(_RETRY, self._pay_frame)
            return
        self._frame_owed = False
        self.screen.refresh()

    def _send(self, update: Any, writer: object) -> None:
        width, height = self.size
        shadow = self._shadow
        # Another writer thread means that the program was suspended: the terminal may show anything.
        if shadow is None or shadow.size != (width, height) or writer is not self._shadow_writer:
            shadow = self._shadow = CellGrid(width, height)
            self._shadow_writer = writer
        system = self.console._color_system or ColorSystem.TRUECOLOR
        runs: list[Run] = []
        for y, x, strips in pieces(update):
            texts: list[str] = []
            pens: list[Pen] = []
            for strip in strips:
                for text, style, control in strip._segments:
                    if text and not control:
                        expand(text, pen_of(style, system), texts, pens)
            shadow.update(y, x, texts, pens, runs)
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        if not runs and cursor == self._previous_cursor_position:
            return
        self._previous_cursor_position = cursor
        frame = f"{encode(runs) if runs else ''}\x1b[0m\x1b[{cursor.y + 1};{cursor.x + 1}H"
        driver = self._driver
        assert driver is not None
        driver.write(f"{SYNC_START}{frame}{SYNC_END}" if self._sync_available else frame)
        driver.flush()


def pieces(update: Any) -> Iterator[tuple[int, int, list[Strip]]]:
    """(y, x, strips) of what an update of the compositor paints."""
    if isinstance(update, _compositor.LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, list(strips)
        return
    # Beyond a span, which ends before `last`, stands what lies behind widgets that were not asked to paint.
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < last and end > first:
                begin, inside = max(x, first), x >= first and end <= last
                yield y, begin, [strip if inside else strip.crop(begin - x, min(end, last) - x)]

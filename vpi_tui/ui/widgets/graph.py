"""TrafficGraph: traffic in and out over time, as braille areas with a humanised scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

from vpi_tui.ui.widgets.glyphs import area
from vpi_tui.ui.widgets.line_widget import Common, LineWidget
from vpi_tui.ui.widgets.lines import BLANK, Line, Span, fit, indented, line

_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_UNITS = ("", "k", "M", "G", "T", "P")


def ceiling(value: float) -> float:
    """The next round figure at or above a value; 1 for nothing. So a scale does not move all the time."""
    if not 0 < value < float("inf"):
        return 1.0
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in _STEPS if step * power >= value)


def short_figure(value: float, unit: str = "") -> str:
    """A scale's label: 50 b/s, 2 kb/s, 1.5 Gb/s."""
    number = float(value)
    for prefix in _UNITS:
        if abs(number) < 1000 or prefix == _UNITS[-1]:
            return f"{number:.3g} {prefix}{unit}"
        number /= 1000
    return ""


class TrafficGraph(LineWidget):
    """`inbound` grows up from the middle, `outbound` hangs down; without outbound it takes all lines.

    To spare the line, the picture moves by whole cells: two samples share a cell, and `seq` (how many samples
    there were ever) says which of them belong together; all cells but the newest then stay as they are for
    every second sample.
    """

    def __init__(
        self,
        *,
        unit: str = "b/s",
        label: Callable[[float, str], str] = short_figure,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(**common)
        self._unit = unit
        self._label = label
        self._series: tuple[Sequence[float], Sequence[float]] = ((), ())
        self._seq = 0
        self._scale = 1.0

    def set_series(self, inbound: Sequence[float], outbound: Sequence[float] = (), *, seq: int = 0) -> None:
        """One value per tick, newest last. seq: number of ticks ever; 0 when unknown."""
        self._series, self._seq = (inbound, outbound), seq
        self.redraw()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        inbound, outbound = self._aligned(width)
        peak = max(max(inbound, default=0.0), max(outbound, default=0.0))
        if not peak > 0 and height > 1:
            said = line((fit("No traffic was seen in this time.", width, "center"), "empty"))
            return [*[BLANK] * ((height - 1) // 2), said, *[BLANK] * (height // 2)]
        self._scale = self._next_scale(peak)
        if not outbound or height < 2:
            return self._half(inbound, width, height, "graph.in", hang=False)
        upper = (height + 1) // 2
        above = self._half(inbound, width, upper, "graph.in", hang=False)
        return above + self._half(outbound, width, height - upper, "graph.out", hang=True)

    def _aligned(self, width: int) -> tuple[list[float], list[float]]:
        """The samples that fit; an odd `seq` leaves half of the newest cell open instead of shifting all."""
        count = 2 * width if self.look.glyphs.braille else width
        pad = [0.0] if self._seq % 2 and self.look.glyphs.braille else []
        keep = count - len(pad)
        inbound, outbound = (list(series[-keep:]) + pad if series else [] for series in self._series)
        return inbound, outbound

    def _next_scale(self, peak: float) -> float:
        """Grows at once, shrinks only when the peak fell below a third: the picture should not breathe."""
        wanted = ceiling(peak)
        return wanted if wanted > self._scale or peak < self._scale / 2 else self._scale

    def _half(self, values: list[float], width: int, height: int, style: str, *, hang: bool) -> list[Line]:
        drawn = area(values, width, height, self._scale, self.look.glyphs, hang=hang)
        label = f" {self._label(self._scale, self._unit)} "
        marked = height - 1 if hang else 0
        return [
            Line(
                _labelled(text, label, style) if y == marked and height > 1 else tuple(indented(text, style))
            )
            for y, text in enumerate(drawn)
        ]


def _labelled(text: str, label: str, style: str) -> tuple[Span, ...]:
    """The scale at the left, over the oldest samples."""
    if len(label) + 4 > len(text):
        return tuple(indented(text, style))
    return ((fit(label, len(label)), "graph.axis"), *indented(text[len(label) :], style))

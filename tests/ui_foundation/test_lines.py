"""Lines: exact widths for any text, nothing unescaped, no markup."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.view.samples import HOSTILE, texts
from vpi_tui.ui.theme import Palette, load_themes, theme_dirs
from vpi_tui.ui.widgets.glyphs import ASCII, UNICODE
from vpi_tui.ui.widgets.lines import (
    Line,
    cells,
    clip,
    fit,
    guard,
    justify,
    only_ascii,
    squeezed,
    to_strip,
    width_of,
)
from vpi_tui.view.escape import is_safe

PALETTE = Palette(load_themes(theme_dirs())["slate"])
spans = st.lists(st.tuples(texts, st.sampled_from(["text", "muted", "no such style"])), max_size=5)
widths = st.integers(0, 60)


def test_names_keep_the_ends_that_tell_them_apart():
    assert squeezed("192.168.1.102", 9, "…") == "192.….102"
    assert squeezed("192.168.1.102", 13, "…") == "192.168.1.102"
    assert len({squeezed(f"192.168.1.{n}", 9, "…") for n in range(100, 200)}) == 100


@given(texts, widths, st.sampled_from(["left", "right", "center"]))
@example("\u4e2d\u6587", 3, "left")
@example("a\u0301b", 2, "right")
def test_fit(text, width, align):
    shown = fit(text, width, align)
    assert cell_len(shown) == width
    assert is_safe(shown)
    if cells(text) <= width:
        assert guard(text) in shown


@given(texts)
def test_what_passes_the_gate_is_safe_and_measured_right(text):
    assert is_safe(guard(text))
    assert cells(text) == cell_len(guard(text))


@given(spans, widths)
def test_clip(content, width):
    kept = clip(content, width)
    assert width_of(kept) <= width
    assert width_of(kept) == min(width, width_of(content)) or width_of(content) > width


@given(spans, spans, widths)
def test_justify(left, right, width):
    made = justify(left, right, width)
    assert width_of(made.spans) == width
    if right and width_of(right) <= width:
        assert made.spans[-len(right) :] == tuple(right)


@given(spans, st.integers(1, 60))
def test_strips_are_exactly_as_wide_as_the_widget(content, width):
    strip = to_strip(Line(tuple(content)), width, PALETTE)
    assert strip.cell_length == width
    assert cell_len(strip.text) == width
    assert is_safe(strip.text)


@given(spans)
def test_without_unicode_nothing_else_is_sent_and_columns_stay(content):
    plain = only_ascii(Line(tuple(content)))
    assert all(text.isascii() for text, _ in plain.spans)
    assert width_of(plain.spans) == width_of(content)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_not_obeyed(text):
    shown = to_strip(Line(((text, "text"),)), 200, PALETTE).text
    assert is_safe(shown)
    if text.isprintable() and text.isascii():
        assert shown.startswith(text[:150])  # markup is text


def test_every_glyph_is_one_cell_and_ascii_is_ascii():
    for glyphs in (UNICODE, ASCII):
        frame = glyphs.frame
        single = [glyphs.cursor, glyphs.ellipsis, glyphs.on, glyphs.off, glyphs.ascending, glyphs.descending]
        single += [*glyphs.spark, *glyphs.bar, *glyphs.area, *glyphs.severity, *glyphs.coverage.values()]
        single += [frame.top_left, frame.horizontal, frame.vertical, glyphs.rule, glyphs.track, glyphs.thumb]
        assert {cell_len(char) for char in single} == {1}
        assert len(set(glyphs.severity)) == 3
        assert len(set(glyphs.coverage.values())) == len(glyphs.coverage)
    assert all(char.isascii() for char in [*ASCII.spark, *ASCII.area, *ASCII.coverage.values(), ASCII.cursor])

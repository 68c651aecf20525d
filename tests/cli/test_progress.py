"""The progress line: what it says, and that it keeps silent where nobody looks."""

from __future__ import annotations

import io

import pytest

from vpi_tui.cli.progress import ProgressLine, progress_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (0, 4, "[........................]   0% rules"),
        (1, 4, "[######..................]  25% rules"),
        (9, 4, "[########################] 100% rules"),
        (12_345, 0, "12,345 rules"),
    ],
)
def test_text(done, total, text):
    assert progress_text("rules", done, total) == text


def test_a_terminal_is_shown_the_line_and_left_clean():
    stream = Terminal()
    with ProgressLine(stream) as line:
        for done in range(1_001):
            line.show("kernels", done, 1_000)
    written = stream.getvalue()
    assert "100% kernels" in written
    assert written.endswith("\r\x1b[K")
    assert written.count("\r") < 20, "each redraw costs a slow line"


def test_no_terminal_no_line():
    stream = io.StringIO()
    with ProgressLine(stream) as line:
        line.show("kernels", 1, 2)
    assert stream.getvalue() == ""

"""The header: what fits, what is left out first, and how it says that something is wrong."""

from __future__ import annotations

import pytest

from tests.view.samples import snapshot
from vpi_tui.view import header
from vpi_tui.view.header import Condition, Field
from vpi_tui.view.history import History

MARKS = ("!", "*", "-")
COVERAGE = {"seen": "o", "partial": "%", "unknown": "?"}
RUNNING = Condition("running")


def line(width: int = 120, condition: Condition = RUNNING, **changes: object) -> str:
    fields = header.fields(snapshot(**changes), History(), condition, (12, 3, 0), MARKS, "14:03:22 UTC")
    left, right = header.fit(fields, width)
    return "".join(text for text, _ in left) + "|" + "".join(text for text, _ in right)


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_it_fits_and_keeps_what_matters(width: int) -> None:
    shown = line(width, Condition("running", frozen=True, frozen_for=12.4, held=7), source="x" * 50)
    assert len(shown) <= width + 1
    assert "FROZEN 12 s" in shown
    assert "! 12" in shown


def test_the_least_important_leaves_first() -> None:
    wide = line(200, source="br0 br1")
    assert "vpi-tui" in wide
    assert "sensor br0 br1" in wide
    assert "sensor" not in line(80, source="br0 br1")
    assert "p/s" in line(80)


def test_a_long_name_of_the_sensor_is_cut_before_it_is_left_out() -> None:
    shown = line(120, source="eth0 " * 20)
    assert "sensor eth0" in shown
    assert "\u2026" in shown


@pytest.mark.parametrize(
    ("mode", "condition", "words"),
    [
        ("live", Condition("running"), "LIVE "),
        ("replay", Condition("finished"), "REPLAY finished"),
        ("demo", Condition("running", speed="x5"), "DEMO x5"),
        ("live", Condition("running", silent_for=75.0), "no news for 1m 15s"),
    ],
)
def test_mode_and_state(mode: str, condition: Condition, words: str) -> None:
    assert words in line(condition=condition, mode=mode)


def test_drops_are_told_in_the_style_of_an_error() -> None:
    def style(drops: float) -> str:
        stats = {"capture.kernel_drops": drops}
        fields = header.fields(snapshot(stats=stats), History(), RUNNING, (0, 0, 0), MARKS, "")
        return next(f.spans[1][1] for f in fields if f.spans[0][0] == "drops ")

    assert (style(0.0), style(7.0)) == ("header.value", "error")


@pytest.mark.parametrize(("lag", "told"), [(0.4, False), (7.6, True)])
def test_an_engine_that_is_behind_the_wire_says_so_on_every_screen(lag: float, told: bool) -> None:
    fields = header.fields(
        snapshot(stats={"capture.lag_seconds": lag}), History(), RUNNING, (0, 0, 0), MARKS, ""
    )
    assert ("7 s behind" in text(fields)) == told
    assert ("behind" in text(fields)) == told


def text(fields: list[Field]) -> str:
    return " ".join("".join(word for word, _ in field.spans) for field in fields)


def test_verdicts() -> None:
    picture = snapshot(rules_enabled=42, rules_loaded=45, rules_refused=1)
    assert (
        text(header.verdicts(picture, COVERAGE, narrow=False)) == "coverage ? unknown rules 42/45 1 refused"
    )
    assert text(header.verdicts(picture, COVERAGE, narrow=True)) == "? unknown 42/45 on!"
    many = snapshot(rules_enabled=24_990, rules_loaded=25_000)
    assert text(header.verdicts(many, COVERAGE, narrow=True)) == "? unknown 25.0k on "
    assert header.verdicts(snapshot(state="starting"), COVERAGE, narrow=True) == []

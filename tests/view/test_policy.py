"""A learned policy as lines, and how far the learning is."""

from __future__ import annotations

import pytest

from tests.view.samples import HOSTILE
from vpi_tui.model.matrix import Segmentation
from vpi_tui.view.escape import is_safe
from vpi_tui.view.policy import policy_rows, proposed_path, state_of

NS = 1_000_000_000
LEARNED = "# learned\ndefault: deny\nallow:\n  - from: a\n    to: b\n"


def cells(learned: str, current: str) -> list[tuple[str, str]]:
    rows = policy_rows(learned, current)
    return [rows.row(n)[0] for n in range(len(rows))]  # type: ignore[misc]


def test_alone_it_is_shown_as_it_will_be_written() -> None:
    assert cells(LEARNED, "")[:2] == [("# learned", "muted"), ("default: deny", "text")]
    assert "\n".join(text for text, _ in cells(LEARNED, "")) + "\n" == LEARNED


def test_beside_another_each_line_has_a_sign() -> None:
    told = cells(LEARNED, LEARNED.replace("to: b", "to: c").replace("# learned\n", ""))
    assert told == [
        ("+# learned", "good"),
        (" default: deny", "text"),
        (" allow:", "text"),
        ("   - from: a", "text"),
        ("-    to: c", "error"),
        ("+    to: b", "good"),
    ]
    assert {text[0] for text, _ in cells(LEARNED, LEARNED)} == {" "}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_reaches_a_cell(text: str) -> None:
    rows = [*cells(text, ""), *cells(text, "default: deny")]
    state = state_of(Segmentation(policy=f"/etc/{text}", lines=1), 0)
    assert all(is_safe(cell) for cell, _ in (*rows, *state))


def test_it_is_proposed_beside_the_one_in_force() -> None:
    assert proposed_path("", "/home/me") == "/home/me/policy.yaml"
    assert proposed_path("/etc/vpi/policy.yaml", "/home/me") == "/etc/vpi/learned-policy.yaml"


def test_the_state_says_what_to_do_next() -> None:
    def text(state: Segmentation) -> str:
        return "".join(part for part, _ in state_of(state, 100 * NS))

    assert "b learns who speaks to whom" in text(Segmentation())
    assert text(Segmentation(40 * NS, 0, 1234)).startswith("learning for 1m 00s: 1.23k kinds")
    assert text(Segmentation(0, 90 * NS, 1)).startswith("baseline of 1 kind of connection;")
    both = text(Segmentation(0, 90 * NS, 7, "/etc/policy.yaml", 1, 3))
    assert both.startswith("baseline of 7 kinds of connection; y makes a policy of it  ")
    assert both.endswith("  policy policy.yaml: 1 line, 3 connections broke it")

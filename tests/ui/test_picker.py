"""The order of what a picker offers."""

from __future__ import annotations

from vpi_tui.ui.picker import Choice, rank

CHOICES = [
    Choice("a", "app-1", "guest"),
    Choice("w", "web-1", "guest"),
    Choice("o", "Overview", "the web of everything"),
    Choice("n", "new web", "a word inside"),
    Choice("c", "cobweb", "a part of a word"),
]


def test_names_that_begin_so_come_first_then_words_then_parts_then_help() -> None:
    assert [choice.key for choice in rank(CHOICES, "WEB")] == ["w", "n", "c", "o"]


def test_all_words_must_be_there() -> None:
    assert [choice.key for choice in rank(CHOICES, "guest app")] == ["a"]
    assert rank(CHOICES, "nothing") == []


def test_nothing_typed_offers_all() -> None:
    assert rank(CHOICES, " ") == CHOICES

"""Nothing that a terminal obeys or that misleads a reader passes; what was sent can be told from it."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vpi_tui.view.escape import ELLIPSIS, is_safe, safe

from .samples import HOSTILE, raw_bytes, texts

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, format characters (bidi and zero width among them), surrogates, unassigned, line separators."""
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def undo(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1] or m[2] or m[3], 16)) if m[0] != "\\\\" else "\\", text)


def longest_run_of_marks(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if unicodedata.category(char).startswith("M") else 0
        longest = max(longest, run)
    return longest


def check(shown: str, limit: int) -> None:
    assert 0 <= len(shown) <= limit
    assert not [c for c in shown if unicodedata.category(c) in FORBIDDEN]
    assert not [c for c in shown if unicodedata.category(c) == "Zs" and c != " "]
    assert not [
        c for c in shown if unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "PDF")
    ]
    assert longest_run_of_marks(shown) <= 2
    assert is_safe(shown)


@settings(max_examples=500)
@given(texts, st.integers(1, 120))
@example("\x1b[31mred", 5)
@example("e" + "\u0301" * 9, 40)
@example("\u0301", 1)
def test_any_text(text, limit):
    check(safe(text, limit), limit)


@settings(max_examples=500)
@given(raw_bytes, st.integers(1, 120))
def test_any_bytes(raw, limit):
    check(safe(raw, limit), limit)


@settings(max_examples=500)
@given(texts)
def test_what_is_shown_says_what_was_sent(text):
    shown = safe(text, 10_000)
    assert undo(shown) == text
    assert safe(text, len(shown)) == shown


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_different_bytes_look_different(one, other):
    assert (safe(one, 10_000) == safe(other, 10_000)) == (one == other)


@given(texts, st.integers(1, 40))
def test_a_cut_text_is_marked_and_cut_between_escapes(text, limit):
    whole, shown = safe(text, 10_000), safe(text, limit)
    if len(whole) <= limit:
        assert shown == whole
    else:
        assert shown.endswith(ELLIPSIS)
        assert text.startswith(undo(shown.removesuffix(ELLIPSIS)))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_samples(text):
    check(safe(text), 256)
    check(safe(text.encode("utf-8", "surrogatepass")), 256)


@pytest.mark.parametrize("text", ["web-1", "Grüße", "数据库", "C:\\temp", "a.b/c?d=e", "", "emoji 🦊"])
def test_what_harms_nobody_stays(text):
    assert safe(text) == text
    assert safe(text.encode()) == text


def test_examples():
    assert safe("\x1b[0m") == "\\x1b[0m"
    assert safe("\u202e") == "\\u202e"
    assert safe("\\x1b") == "\\\\x1b"
    assert safe(b"\xff\x00ok") == "\\xff\\x00ok"
    assert safe("abcdef", 4) == "abc…"


def test_the_work_is_bounded_by_the_limit():
    raw, text = b"\x1b" * 20_000_000, "\x1b" * 20_000_000
    began = time.process_time()
    assert safe(raw, 8) == safe(text, 8) == "\\x1b…"
    assert time.process_time() - began < 0.1, "it looked at all of it"

"""Searches in parts find what a search at once finds, and end where that one would go on for minutes."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.detect.match.build import Packet, hits
from tests.detect.rules.rule_text import parse
from vpi_tui.detect import bounded
from vpi_tui.detect.regex import Flag, compiled, look_at_once

LONG = 100_000
DEAR = [
    (rb"(?<v>[^=\s]*)\s*=\s*0x1000000.+?\x28(?P=v)\s*\x29", b"a" * LONG + b"=0x1000000y()"),
    (rb"[^=]+=x", b"a" * LONG + b"=yx"),
    (rb"x[^=]*x[^=]*=y", (b"x" + b"z" * 29) * (LONG // 30) + b"=x=y"),
    (rb"\w[^=]*\w[^=]{0,900}=y", b"x" * 1_000 + b"-" * LONG + b"=x=y"),
]


@pytest.mark.parametrize(("expression", "data"), DEAR)
def test_a_search_ends_also_where_each_place_runs_to_the_end(expression: bytes, data: bytes) -> None:
    began = time.process_time()
    assert bounded.look(expression, Flag.DOTALL, data) == (None, True)
    assert time.process_time() - began < 1


def test_an_evaluation_ends_however_often_it_searches() -> None:
    """Each place of the content begins a search of its own; together they would take minutes."""
    rule = r'content:"="; pcre:"/[^-]*[^-]+-x/R"; content:"none"; distance:0;'
    assert not hits([parse(rule)], [Packet(b"=a-y none")])
    began = time.process_time()
    assert not hits([parse(rule)], [Packet(b"=a" * 30_000 + b"-yx none")])
    assert time.process_time() - began < 2


@pytest.mark.parametrize("anchor", ["", "^"])
def test_of_a_search_that_was_given_up_neither_the_rule_nor_its_contrary_holds(anchor: str) -> None:
    rules = [parse(f'pcre:{sign}"/{anchor}(x+x+)+[yz]/s";') for sign in ("", "!")]
    assert not hits(rules, [Packet(b"x" * 1_000)])
    assert len(hits(rules, [Packet(b"x" * 5)])) == 1


def test_what_the_stack_of_compiled_code_is_too_small_for_is_found_all_the_same() -> None:
    expression, data = rb"x(a(?1)?b);", b"-" * 600 + b"x" + b"a" * 1_000 + b"b" * 1_000 + b";"
    found, _ = bounded._look_in_parts(expression, 0, data, 0, bounded.ALLOWED_NS)
    assert found.span() == (600, 2602)


_PIECES = st.sampled_from(
    ["a", "b", "c", "a*", "b+", "[^c]*", "[ab]+?", "(a|bc)", "(b*)c", "^", "$", "|", r"\b", "(?=b)", "(?<!a)"]
)
_FLAGS = [Flag.NONE, Flag.MULTILINE, Flag.UNGREEDY | Flag.CASELESS, Flag.DOTALL | Flag.EXTENDED]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(_PIECES, min_size=1, max_size=6),
    st.sampled_from(_FLAGS),
    st.text(st.sampled_from("abcA\n "), max_size=300),
    st.integers(0, 20),
)
def test_parts_find_what_a_search_at_once_finds(
    pieces: list[str], flags: Flag, text: str, start: int
) -> None:
    expression, data = "".join(pieces).encode(), text.encode()
    start = min(start, len(data))
    assume(_compiles(expression, flags))
    whole = look_at_once(expression, flags, data, start)
    parts = bounded._look_in_parts(expression, flags, data, start, bounded.ALLOWED_NS)
    assert parts.given_up == whole.given_up
    assert _spans(parts.found) == _spans(whole.found)


def _compiles(expression: bytes, flags: Flag) -> bool:
    try:
        compiled(expression, flags)
    except ValueError:
        return False
    return True


def _spans(found: object) -> list[tuple[int, int]]:
    return [found.span(group) for group in range(found.re.groups + 1)] if found is not None else []  # type: ignore[attr-defined]

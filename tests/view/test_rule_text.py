"""A rule laid out to be read, and what it found in the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.view.escape import is_safe
from vpi_tui.view.rule_text import contents, layout, locate

from .samples import HOSTILE, texts

RULE = (
    r'alert http $HOME_NET any -> any [80,8080] (msg:"SQL \"x\"; UNION"; flow:established,to_server; '
    r'http.uri; content:"union|20|select"; nocase; distance:0; content:!"harmless"; nocase; '
    r'pcre:"/a;b/Ui"; sid:1; rev:2;)'
)


def plain(rule):
    return [(name, "".join(c if isinstance(c, str) else c[0] for c in cells)) for name, cells in layout(rule)]


def test_one_option_a_line():
    assert plain(RULE) == [
        ("alert", "http $HOME_NET any -> any [80,8080]"),
        ("msg", r'"SQL \"x\"; UNION"'),
        ("flow", "established,to_server"),
        ("http.uri", ""),
        ("content", '"union|20|select"  nocase  distance 0'),
        ("content", '!"harmless"  nocase'),
        ("pcre", '"/a;b/Ui"'),
        ("sid", "1"),
        ("rev", "2"),
    ]


def test_what_it_looks_for():
    assert [(c.data, c.nocase) for c in contents(RULE)] == [(b"union select", True)]
    odd = r'alert tcp any any -> any any (content:"a\;b|00 ff|c"; content:"|zz|"; content:"x"; fast_pattern;)'
    assert [(c.data, c.fast) for c in contents(odd)] == [(b"a;b\x00\xffc", False), (b"x", True)]


def found(rule, data):
    return [data[slice(*place)] for place in locate(rule, data)]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [(b"GET /?q=UNION SELECT", [b"UNION SELECT"]), (b"union", []), (b"", [])],
)
def test_where_it_was_found(data, wanted):
    assert found(RULE, data) == wanted


def test_all_literals_are_found_the_most_telling_first():
    looked_for = 'content:"long one"; content:"evil"; fast_pattern; content:"one";'
    rule = f"alert tcp any any -> any any ({looked_for} sid:1;)"
    assert found(rule, b"a long one and evil") == [b"evil", b"long one", b"one"]


def test_case_matters_where_the_rule_says_so():
    rule = 'alert tcp any any -> any any (content:"Ab"; content:"ab"; nocase; sid:1;)'
    assert locate(rule, b"aB Ab") == ((3, 5), (0, 2))


@given(texts)
@pytest.mark.parametrize(
    "frame", ["{}", "alert {} (", "alert tcp any any -> any any ({})", 'alert tcp (msg:"{}";)']
)
def test_no_rule_breaks_it(frame, text):
    rule = frame.replace("{}", text)
    for name, cells in layout(rule):
        assert is_safe(name)
        assert all(is_safe(c if isinstance(c, str) else c[0]) for c in cells)
    for start, stop in locate(rule, b"some bytes " * 3):
        assert 0 <= start < stop <= 33


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_rules(text):
    for name, cells in layout(f'alert {text} (msg:"{text}"; {text};)'):
        assert is_safe(name)
        assert all(is_safe(c if isinstance(c, str) else c[0]) for c in cells)
    contents(text * 3)


@given(st.integers(1, 2000))
def test_unclosed_quotes_take_no_time(count):
    assert len(layout("alert tcp (" + 'a:"' * count)) <= 401

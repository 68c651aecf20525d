"""The filter language: what is typed, what it means, and what is said when it means nothing."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.view import filters
from vpi_tui.view.filters import Fields, Filter, FilterError, Term, matches, parse

from .samples import texts

FIELDS = Fields(
    keys=frozenset({"src", "port", "net", "sev", "guest", "ip"}),
    flags=frozenset({"alerted", "on", "off"}),
    bare=frozenset({"on", "off"}),
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  / ", ()),
        ("/web", (Term("", "web"),)),
        ("WEB db", (Term("", "web"), Term("", "db"))),
        ('"sql injection"', (Term("", "sql injection"),)),
        ('src:"a b', (Term("src", "a b"),)),
        ("!dns", (Term("", "dns", negated=True),)),
        ("!!dns", (Term("", "dns"),)),
        ("!guest:web-1", (Term("guest", "web-1", negated=True),)),
        ("port:443", (Term("port", "443", span=(443, 443)),)),
        ("port:1-99", (Term("port", "1-99", span=(1, 99)),)),
        ("port:1024-", (Term("port", "1024-", span=(1024, 1 << 62)),)),
        ("sev:high", (Term("sev", "high", span=(1, 1)),)),
        ("is:alerted", (Term("is", "alerted"),)),
        ("on !off", (Term("is", "on"), Term("is", "off", negated=True))),
        ("SRC:A", (Term("src", "a"),)),
        ("fe80:", (Term("", "fe80:"),)),
        ("dead:beef1", (Term("", "dead:beef1"),)),
        ("net:10.1.2.3/8", (Term("net", "10.1.2.3/8", network=ipaddress.ip_network("10.0.0.0/8")),)),
    ],
)
def test_reading(text, terms):
    assert parse(text, FIELDS).terms == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scr:1", ["scr: is not known here", "Did you mean src:?"]),
        ("is:alertd", ["is:alertd is not known", "Did you mean is:alerted?"]),
        ("zzzz:1", ["zzzz: is not known here", "? lists what is"]),
        ("port:http", ["port: takes a number or a range such as 1-1024", "'http'"]),
        ("port:-5", ["port: takes a number"]),
        ("port:1-x", ["port: takes a number"]),
        ("port:²", ["port: takes a number"]),
        ("port:" + "9" * 400, ["port: takes a number"]),
        ("net:10.0.0.0/99", ["net: takes a network such as 10.0.0.0/8"]),
        ("sev:urgent", ["sev: takes a number"]),
    ],
)
def test_errors_are_in_words(text, said):
    with pytest.raises(FilterError) as caught:
        parse(text, FIELDS)
    assert all(words in str(caught.value) for words in said), str(caught.value)


@given(
    st.one_of(
        texts,
        st.lists(st.sampled_from(['"', ":", "!", "net:", "port:", "-", "1", " ", "/", "is:"])).map("".join),
    )
)
def test_whatever_is_typed_is_a_filter_or_an_error(text):
    try:
        wanted = parse(text, FIELDS)
    except FilterError:
        return
    assert all(term.value == term.value.lower() for term in wanted.terms)
    assert matches(wanted, {"ip": ("10.0.0.1", "no address"), "port": ("80", "")}) in (True, False)


ROW = {
    "src": ("10.0.0.1", "web-1"),
    "ip": ("10.0.0.1", "fe80::1"),
    "port": ("443", "51000"),
    "msg": ("sql injection",),
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("web", True),
        ("sql", True),
        ("web sql", True),
        ("web dns", False),
        ("!dns", True),
        ("!web", False),
        ("src:10.0", True),
        ("src:sql", False),
        ("port:443", True),
        ("port:44", False),
        ("port:50000-", True),
        ("port:1-100", False),
        ("net:10.0.0.0/30", True),
        ("net:fe80::/10", True),
        ("net:192.168.0.0/16", False),
        ("!net:192.168.0.0/16", True),
        ("is:alerted", True),
        ("!is:alerted", False),
        ("on", False),
        ("guest:web", False),
    ],
)
def test_meaning(text, holds):
    assert matches(parse(text, FIELDS), ROW, frozenset({"alerted"})) == holds


@given(st.lists(st.sampled_from(["web", "src:10", "port:443", "net:10.0.0.0/8", "dns", "is:on"]), max_size=4))
def test_terms_are_joined_by_and_and_not_turns_one_round(parts):
    single = [matches(parse(part, FIELDS), ROW) for part in parts]
    assert matches(parse(" ".join(parts), FIELDS), ROW) == all(single)
    turned = [matches(parse(f"!{part}", FIELDS), ROW) for part in parts]
    assert turned == [not holds for holds in single]


def test_an_empty_filter_is_false():
    assert not filters.NOTHING
    assert not Filter()
    assert parse("x", FIELDS)


def test_help_names_every_field():
    text = FIELDS.help()
    assert all(f"{key}:" in text for key in FIELDS.keys)
    assert all(f"is:{flag}" in text for flag in FIELDS.flags)


def test_a_field_that_is_begun_is_completed() -> None:
    assert FIELDS.complete("web !po") == ["web !port:"]
    assert FIELDS.complete("is:al") == ["is:alerted"]
    assert FIELDS.complete("port:80 ") == [f"port:80 {term}" for term in FIELDS.help().split()]
    assert FIELDS.complete("port:80") == []

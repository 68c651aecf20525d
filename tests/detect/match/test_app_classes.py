"""A flow is scanned for rules about its application, and for those that are about any."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.match.build import Packet, Stretch, content, hits, rule, scanned
from vpi_tui.detect.match.app_classes import LEAST_RULES, MOST_WORDS, AppClasses
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS, app_numbers

WORDS = ["http", "http1", "dns", "tls", "smb", "dcerpc", "doh2", "tcp"]
APPS = [0, APP_FAILED, *(APP_PROTOS.index(name) for name in ("http", "http2", "dns", "tls", "smb", "doh2"))]


def test_the_words_that_most_rules_name_have_classes() -> None:
    named = ["tcp"] * 50 + ["http"] * (LEAST_RULES + 1) + ["dns"] * LEAST_RULES + ["tls"] * (LEAST_RULES - 1)
    classes = AppClasses(named)
    assert classes.count == 3
    assert classes.of("tcp") == classes.of("tls") == {0, 1, 2}
    assert classes.of("http") == {1}
    assert classes.of("dns") == {1, 2}  # doh2 is both, and HTTP is named more
    assert classes.of_app[APP_PROTOS.index("doh2")] == 1
    assert classes.of_app[APP_PROTOS.index("dns")] == 2
    assert {*classes.of_app[[0, APP_FAILED, *app_numbers("tls")]].tolist()} == {0}
    assert AppClasses([*WORDS] * LEAST_RULES).count == MOST_WORDS + 1


@pytest.mark.parametrize(("app", "units"), [("http", 1), ("http2", 1), ("smb", 0), ("", 0)])
def test_a_flow_is_not_scanned_for_rules_about_another_application(app: str, units: int) -> None:
    rules = [rule(sid, protocol="http", steps=(content(b"word-%d" % sid),)) for sid in range(1, 10)]
    assert scanned(rules, [Packet(b"word-1", app=APP_PROTOS.index(app))]) == units


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(WORDS), st.sampled_from([1, LEAST_RULES, LEAST_RULES + 1]), min_size=1),
    st.lists(st.tuples(st.sampled_from(APPS), st.booleans()), min_size=1, max_size=6),
)
def test_whatever_application_a_flow_has_its_rules_find_it(
    named: dict[str, int], flows: list[tuple[int, bool]]
) -> None:
    words = [word for word, count in named.items() for _ in range(count)]
    rules = [
        rule(sid, protocol=word, steps=(content(b"word-%d" % (sid % 3)),))
        for sid, word in enumerate(words, 1)
    ]
    data = b"word-0 word-1 word-2"
    packets = [Packet(data, app=app, flow=n, taken=taken) for n, (app, taken) in enumerate(flows)]
    stretches = [Stretch(data, row=n, flow=n, offset=9) for n, (_, taken) in enumerate(flows) if taken]
    expected = {
        (n, sid)
        for n, (app, _) in enumerate(flows)
        for sid, word in enumerate(words, 1)
        if app in app_numbers(word) or word == "tcp"
    }
    found = hits(rules, packets, stretches)
    assert len(found) == len(expected)
    assert set(found) == expected

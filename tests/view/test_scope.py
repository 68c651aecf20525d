"""The scope: what it names, and what it covers."""

from __future__ import annotations

import pytest
from hypothesis import given

from vpi_tui.view import scope
from vpi_tui.view.escape import is_safe
from vpi_tui.view.scope import ALL, Scope

from .samples import counters, guest, snapshot, switch, texts

PICTURE = snapshot(
    total=switch("all", counters=counters(bytes_in=9), alerts=(1, 2, 3)),
    switches=(switch("br0", counters=counters(bytes_in=5), alerts=(1, 1, 1)),),
    guests=(guest("web", counters=counters(bytes_in=4), alerts=(0, 1, 0)), guest("lost", "br9")),
)
BR0, WEB = Scope("switch", "br0"), Scope("guest", "web")


@given(texts)
def test_a_key_is_read_back_or_means_everything(text):
    for kind in ("switch", "guest"):
        assert scope.parse(f"{kind}:{text}") == (Scope(kind, text) if text else ALL)
        assert is_safe(Scope(kind, text).label)
    assert scope.parse(scope.parse(text).key) == scope.parse(text)


@pytest.mark.parametrize("where", [ALL, BR0, WEB])
def test_round_trip(where):
    assert scope.parse(where.key) == where
    assert scope.exists(PICTURE, where)


def test_counters_and_alerts_of_the_scope():
    assert [scope.counters_of(PICTURE, s).bytes_in for s in (ALL, BR0, WEB)] == [9, 5, 4]
    assert scope.counters_of(PICTURE, Scope("guest", "no")).bytes_in == 0


def test_who_is_in_it():
    assert [g.name for g in scope.guests_in(PICTURE, ALL)] == ["web", "lost"]
    assert [g.name for g in scope.guests_in(PICTURE, BR0)] == ["web"]
    assert [g.name for g in scope.guests_in(PICTURE, WEB)] == ["web"]
    assert scope.switch_of(PICTURE, WEB).name == "br0"
    assert not scope.exists(PICTURE, Scope("switch", "br7"))
    assert not scope.exists(PICTURE, Scope("guest", "br0"))

"""The session: taking pictures and alerts, freezing, the engine's end."""

from __future__ import annotations

from datetime import UTC

from tests.ui.fake_client import FakeClient, snapshot
from vpi_tui.feed.messages import GetRules, Goodbye, Notice, RuleRow, RulesMessage, ToggledMessage, Watch
from vpi_tui.ui import state
from vpi_tui.ui.state import Session
from vpi_tui.view.scope import Scope


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def session(client: FakeClient, clock: Clock | None = None) -> Session:
    return Session(client, zone=UTC, monotonic=clock or Clock())


def test_a_picture_is_news_once() -> None:
    client = FakeClient()
    watched = session(client)
    assert not watched.poll()
    client.put(snapshot(1), alerts=3)
    news = watched.poll()
    assert news.picture
    assert news.alerts == 3
    assert watched.inbox.total == 3
    assert not watched.poll()


def test_frozen_picture_stands_and_nothing_is_lost() -> None:
    client, clock = FakeClient(), Clock()
    watched, followed = session(client, clock), session(FakeClient())
    client.put(snapshot(1), alerts=1)
    watched.poll()
    watched.freeze()
    clock.now += 12
    for second in range(2, 32):
        client.put(snapshot(second), alerts=1)
        assert not watched.poll()
    assert watched.snapshot == snapshot(1)
    assert (watched.inbox.total, watched.held_alerts, watched.frozen_for) == (1, 30, 12)
    news = watched.thaw()
    assert news.picture
    assert (watched.inbox.total, watched.held_alerts, watched.frozen) == (31, 0, False)
    for second in range(1, 32):
        followed.history.add(snapshot(second))
    assert watched.history.series("", "bytes_in", 30) == followed.history.series("", "bytes_in", 30)


def test_alerts_beyond_the_bound_flow_on_while_frozen(monkeypatch) -> None:
    monkeypatch.setattr(state, "HELD_ALERTS", 10)
    client = FakeClient()
    watched = session(client)
    client.put(snapshot(1))
    watched.poll()
    watched.freeze()
    client.put(alerts=25)
    watched.poll()
    assert (watched.held_alerts, watched.inbox.total) == (10, 15)
    watched.thaw()
    assert watched.inbox.total == 25


def test_each_notice_is_told_once() -> None:
    client = FakeClient()
    watched = session(client)
    client.put(snapshot(1, notices=("Port tap3 vanished.",)), Notice("error", "The disk is full."))
    assert [note.text for note in watched.poll().notes] == ["The disk is full.", "Port tap3 vanished."]
    client.put(snapshot(2, notices=("Port tap3 vanished.", "Port tap4 came.")))
    assert [note.text for note in watched.poll().notes] == ["Port tap4 came."]
    assert [note.severity for note in watched.notes] == ["error", "warning", "warning"]


def test_an_engine_that_died_says_why_once_and_starts_again() -> None:
    client = FakeClient()
    watched = session(client)
    client.put(snapshot(1), alerts=2)
    watched.poll()
    client.end("The engine was killed by signal 9.")
    news = watched.poll()
    assert news.life
    assert (watched.life, watched.failure) == ("failed", "The engine was killed by signal 9.")
    assert not watched.poll()
    watched.set_scope(Scope("guest", "web-1"))
    watched.restart()
    assert (watched.life, watched.inbox.total, watched.failure) == ("starting", 0, "")
    assert client.sent[-1] == Watch(scope="guest:web-1")  # the new engine is told what is shown


def test_an_engine_that_failed_in_order_tells_its_own_reason() -> None:
    client = FakeClient()
    watched = session(client)
    client.put(snapshot(1), Goodbye("The interface is gone.", failed=True))
    client.end()
    watched.poll()
    assert (watched.life, watched.failure) == ("failed", "The interface is gone.")


def test_the_engine_is_told_what_is_shown_when_that_changed() -> None:
    client = FakeClient()
    watched = session(client)
    watched.set_scope(Scope("switch", "lab0"))
    watched.set_scope(Scope("switch", "lab0"))
    watched.watch_flows(True)
    watched.set_interval(99)
    assert client.sent == [
        Watch(scope="switch:lab0"),
        Watch(scope="switch:lab0", flows=True),
        Watch(scope="switch:lab0", flows=True, interval=10.0),
    ]


def test_rules_are_asked_for_when_they_changed() -> None:
    client = FakeClient()
    watched = session(client)
    client.put(snapshot(1))
    watched.poll()
    watched.need_rules()
    watched.need_rules()
    assert client.sent == [GetRules()]
    client.put(None, RulesMessage(1, (), (), ()))
    watched.poll()
    watched.need_rules()
    assert client.sent == [GetRules()]
    client.put(snapshot(2, ruleset_serial=2))
    watched.poll()
    watched.need_rules()
    assert client.sent == [GetRules(), GetRules()]


def test_silence_is_told_only_of_a_running_engine() -> None:
    client, clock = FakeClient(), Clock()
    watched = session(client, clock)
    clock.now += 60
    assert watched.silent_for == 0
    client.put(snapshot(1))
    watched.poll()
    clock.now += 4
    assert watched.silent_for == 0
    clock.now += 4
    assert watched.silent_for == 8


def test_a_list_of_rules_from_before_a_switch_does_not_undo_it() -> None:
    client = FakeClient()
    watched = session(client)
    rule = RuleRow(1, 7, 1, "seven", "pack", "f:1", "", 1, "", enabled=True)
    client.put(None, RulesMessage(1, (), (rule,), ()))
    watched.poll()
    watched.toggle(enabled=False, sids=((1, 7),))
    assert watched.rules.off == {(1, 7)}
    client.put(None, RulesMessage(1, (), (rule,), ()))
    watched.poll()
    assert watched.rules.off == {(1, 7)}
    asked = client.sent.count(GetRules())
    client.put(None, ToggledMessage("No loaded rule is meant by that.", 0, 1))
    watched.poll()
    assert client.sent.count(GetRules()) == asked + 1
    client.put(None, RulesMessage(1, (), (rule,), ()))
    watched.poll()
    assert not watched.rules.off

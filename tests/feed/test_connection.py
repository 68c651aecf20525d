"""Both ends over a real socket pair."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from vpi_tui.feed import server
from vpi_tui.feed.client import FeedConnection
from vpi_tui.feed.codec import encode, ui_side
from vpi_tui.feed.messages import PROTOCOL_VERSION, Goodbye, Hello, Notice, SetSpeed
from vpi_tui.feed.server import FeedServer
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Counters, FlowColumns, Snapshot, SwitchStat


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def snapshot(seq: int, ballast: int = 0) -> Snapshot:
    total = SwitchStat("all", "all", 0, Counters(), (0, 0, 0))
    flows = FlowColumns(flow_id=bytes(ballast))
    return Snapshot(seq, seq, seq, "live", "eth0", "running", "", total, flows=flows)


def alert(number: int) -> Alert:
    return Alert(
        number, 1, 1, 9000001, 1, "m", "", 1, "alert", "", "", "", "", "", "", "", "10.0.0.1", 1,
        "10.0.0.2", 2, 6, "", (), "", "", 1, 1,
    )  # fmt: skip


@pytest.fixture
def ends() -> Iterator[tuple[FeedServer, FeedConnection]]:
    left, right = socket.socketpair()
    engine, ui = FeedServer(left, "live", 42), FeedConnection(right)
    yield engine, ui
    ui.close()
    engine.close()


def test_latest_snapshot_wins(ends: tuple[FeedServer, FeedConnection]) -> None:
    engine, ui = ends
    for seq in range(1, 200):
        engine.publish(snapshot(seq))
    assert until(lambda: (s := ui.latest()) is not None and s.seq == 199)


def test_alerts_arrive_in_order_and_commands_go_back(ends: tuple[FeedServer, FeedConnection]) -> None:
    engine, ui = ends
    engine.alerts(alert(n) for n in range(1, 1201))
    got: list[Alert] = []
    assert until(lambda: got.extend(ui.take_alerts()[0]) or len(got) == 1200)  # type: ignore[func-returns-value]
    assert [a.number for a in got] == list(range(1, 1201))
    ui.send(SetSpeed(4.0))
    commands: list[object] = []
    assert until(lambda: commands.extend(engine.take_commands()) or SetSpeed(4.0) in commands)  # type: ignore[func-returns-value]
    assert isinstance(commands[0], Hello)


def test_a_ui_that_does_not_read_loses_snapshots_but_counts_alerts() -> None:
    left, right = socket.socketpair()
    engine = FeedServer(left, "live", 42)
    for seq in range(50):
        engine.publish(snapshot(seq, ballast=1 << 20))
    engine.alerts(alert(n) for n in range(server.ALERT_QUEUE + 700))
    assert until(lambda: engine.outbox.dropped >= 200)
    ui = FeedConnection(right)
    assert until(lambda: (s := ui.latest()) is not None and s.seq == 49)
    assert until(lambda: ui.take_alerts()[1] == engine.outbox.dropped)
    ui.close()
    engine.close()


def test_each_side_learns_that_the_other_left(ends: tuple[FeedServer, FeedConnection]) -> None:
    engine, ui = ends
    assert until(lambda: len(ui.take_messages()) == 0 and ui.alive())
    engine.reply(Goodbye("finished"))
    engine.close()
    assert until(lambda: not ui.alive())
    assert ui.in_order, (ui.failure(), ui.take_messages())
    assert ui.failure() == ""
    assert Goodbye("finished") in ui.take_messages()


def test_the_engine_sees_that_the_ui_has_gone(ends: tuple[FeedServer, FeedConnection]) -> None:
    engine, ui = ends
    ui.close()
    assert until(lambda: engine.gone)


def test_garbage_from_the_engine_ends_the_connection_with_a_reason() -> None:
    left, right = socket.socketpair()
    ui = FeedConnection(right)
    left.sendall(b"\x00\x00\x00\x04\xc1\xc1\xc1\xc1")
    assert until(lambda: not ui.alive())
    assert "no message of the feed" in ui.failure()
    left.close()


def test_an_engine_of_another_version_is_named() -> None:
    left, right = socket.socketpair()
    ui = FeedConnection(right)
    left.sendall(encode(Hello(PROTOCOL_VERSION + 1, "later", "live", 1)))
    assert until(lambda: not ui.alive())
    assert f"version {PROTOCOL_VERSION + 1}" in ui.failure()
    assert not ui.in_order
    ui.close()
    left.close()


def test_an_engine_that_fails_says_why_with_its_last_words() -> None:
    left, right = socket.socketpair()
    engine, ui = FeedServer(left, "live", 42), FeedConnection(right)
    engine.reply(Goodbye("No bridge is here. Name one.", failed=True))
    engine.close()
    assert until(lambda: not ui.alive())
    assert ui.failure() == "No bridge is here. Name one."
    assert not ui.in_order
    ui.close()


def test_a_command_that_is_none_is_answered_and_the_next_one_taken() -> None:
    left, right = socket.socketpair()
    engine = FeedServer(left, "live", 42)
    right.sendall(encode({"type": "FormatDisk"}) + encode(SetSpeed(2.0)))
    taken: list[object] = []
    assert until(lambda: taken.extend(engine.take_commands()) or taken == [SetSpeed(2.0)])  # type: ignore[func-returns-value]
    decoder, notices = ui_side(), []
    while not notices:
        notices = [m for m in decoder.feed(right.recv(1 << 16)) if isinstance(m, Notice)]
    assert "not understood" in notices[0].text
    right.close()
    engine.close()

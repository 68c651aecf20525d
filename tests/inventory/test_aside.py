"""Probes that run in a thread of their own: their results, their failures, and when they hang."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from vpi_tui.inventory import aside
from vpi_tui.inventory.aside import Aside
from vpi_tui.inventory.picture import Picture
from vpi_tui.inventory.watch import POLL_INTERVAL, Inventory
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Switch

SEEN = Picture((Switch("br0", "ovs"),))
SECONDS = 10.0


class Daemon:
    """A probe of which the test decides when it answers, and what."""

    name = "daemon"

    def __init__(self, *answers: Picture | Exception) -> None:
        self.answers = list(answers)
        self.go = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)
        self.threads: set[int] = set()
        self.closed = threading.Event()

    def changed(self, now: float) -> bool:
        return bool(self.answers)

    def read(self) -> Picture:
        self.threads.add(threading.get_ident())
        self.asked.release()
        assert self.go.acquire(timeout=SECONDS)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Daemon], Aside]]:
    monkeypatch.setattr(aside, "STEP", 0.001)
    made: list[tuple[Aside, Daemon]] = []

    def begin(daemon: Daemon) -> Aside:
        made.append((Aside("daemon", lambda: daemon), daemon))
        return made[-1][0]

    yield begin
    for probe, daemon in made:
        daemon.go.release(100)
        probe.close()
        assert daemon.closed.is_set()


def result(probe: Aside) -> Picture:
    """The next result, waited for."""
    for _ in range(10_000):
        if probe.changed(0.0):
            return probe.read()
        threading.Event().wait(0.001)
    raise AssertionError("nothing came")


def test_results_come_from_another_thread_and_once(start: Callable[[Daemon], Aside]) -> None:
    daemon = Daemon(SEEN)
    probe = start(daemon)
    assert daemon.asked.acquire(timeout=SECONDS)
    assert not probe.changed(0.0), "it is still being read"
    assert not probe.wait_first(0.0)
    daemon.go.release()
    assert probe.wait_first(SECONDS)
    assert result(probe) == SEEN
    assert not probe.changed(0.0)
    assert threading.get_ident() not in daemon.threads


def test_what_it_raises_is_raised_where_it_is_read(start: Callable[[Daemon], Aside]) -> None:
    daemon = Daemon(VpiError("The socket is closed to this user."))
    daemon.go.release()
    probe = start(daemon)
    with pytest.raises(VpiError, match="closed to this user"):
        result(probe)


def test_one_that_hangs_is_told_once_and_forgiven(
    start: Callable[[Daemon], Aside], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(SEEN, Picture())
    probe = start(daemon)
    inventory = Inventory([probe])
    daemon.go.release()
    assert inventory.first_look(0.0, SECONDS).switches == SEEN.switches
    assert daemon.asked.acquire(timeout=SECONDS)
    assert daemon.asked.acquire(timeout=SECONDS), "it is being asked again, and does not answer"
    monkeypatch.setattr(aside, "PATIENCE", 0.0)
    late = inventory.poll(1.0)
    assert late is not None
    assert "daemon: No answer" in late.notices[0]
    assert late.switches == SEEN.switches
    assert inventory.poll(2.0) is None
    monkeypatch.setattr(aside, "PATIENCE", SECONDS)
    daemon.go.release()
    better = next(
        found for step in range(10_000) if wait() and (found := inventory.poll(3.0 + step * POLL_INTERVAL))
    )
    assert not better.notices


def wait() -> bool:
    return not threading.Event().wait(0.001)


def test_one_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Daemon:
        raise RuntimeError("no library")

    probe = Aside("daemon", fails)
    assert probe.wait_first(SECONDS)
    inventory = Inventory([probe])
    assert "no library" in inventory.first_look(0.0, SECONDS).notices[0]
    inventory.close()

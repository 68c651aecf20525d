"""Rules loaded anew on a live ring while packets come: none is lost, a rule that stays misses none."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.net import Lab, inside
from tests.lab.sensor import Sensor
from vpi_tui.feed.messages import Notice, Reload

pytestmark = pytest.mark.lab

STAYS, COMES = 5, 6
EVERY = 50
"""One datagram in so many is marked."""
RELOADS = 3
FILLER = "".join(
    f'alert udp any any -> any any (msg:"n {n}"; content:"no such bytes {n}"; sid:{10_000 + n};)\n'
    for n in range(3_000)
)


@pytest.fixture
def rules() -> Iterator[Path]:
    """A file of rules in a place that the engine can read without root."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place, "local.rules")


def write(path: Path, *sids: int) -> None:
    path.write_text(
        "".join(f'alert udp any any -> any 7777 (msg:"marked"; content:"MARK"; sid:{s};)\n' for s in sids)
        + FILLER
    )


def talk(namespace: str, server: str, over: threading.Event, sent: list[int]) -> None:
    """About 4,000 datagrams a second, one in EVERY marked, until `over`."""

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not over.wait(0.005):
                for _ in range(20):
                    sock.sendto(b"MARK" if sent[0] % EVERY == 0 else b"nothing", (server, 7777))
                    sent[0] += 1

    inside(namespace, work)


def test_a_reload_loses_no_packet_of_the_ring(lab: Lab, rules: Path) -> None:
    sender, receiver = lab.guests[:2]
    write(rules, STAYS)
    over, sent = threading.Event(), [0]
    speaker = threading.Thread(target=talk, args=(sender.name, receiver.ip4, over, sent))
    with Sensor(lab.host, rules=(str(rules),)) as sensor:
        speaker.start()
        try:
            for turn in range(RELOADS):
                write(rules, STAYS, *(() if turn % 2 else (COMES,)))
                told = sensor.command(Reload(), Notice, seconds=60.0)
                assert isinstance(told, Notice)
                assert told.severity == "information", told
        finally:
            over.set()
            speaker.join()
        marked = -(-sent[0] // EVERY)
        raised = sensor.settled(STAYS)
        stats = sensor.snapshot().stats
    assert marked > 5 * RELOADS, "too few datagrams for the time of the reloads"
    assert stats["capture.kernel_drops"] == 0
    assert stats["decoder.pkts"] >= sent[0]
    assert len(raised) == marked
    assert 0 < len(sensor.alerts(COMES)) < marked

"""A guest that floods the sensor with what is dear to parse makes it blind for itself alone."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from itertools import count

import pytest

from tests.lab.net import Guest, Lab, fetch, until
from tests.lab.sensor import Sensor
from tests.lab.test_live import ATTACK, UNION_SELECT
from tests.lab.traffic import PAUSE, End, Send, checksum, packed, raw, running, sink, stream
from vpi_tui.engine.spec import LogSpec

pytestmark = pytest.mark.lab

CONNECT = b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4abcd"
PINGS = CONNECT + 4_000 * b"\xc0\0"
"""A flood of the smallest messages there are: some ten thousand times as dear as to let them pass."""
LONGEST = 60.0
FORGED = 100_000
A_TURN = 60
"""Frames between two pauses: some twenty thousand a second."""


def test_a_flood_of_tiny_messages_is_not_parsed_and_others_are_seen(lab: Lab, web: int) -> None:
    flooder, victim, other = lab.guests[:3]
    log = LogSpec(file="/dev/null", types=("mqtt",))
    with Sensor(lab.host, parse_budget=25.0, log=log) as sensor, sink(victim.name):
        with running(stream(flooder.name, victim.ip4, data=PINGS, pause=0.002)):
            whose = f"What {flooder.ip4} says to {victim.ip4}"
            assert told(sensor).startswith(f"{whose} is not parsed for 5 minutes: ")
            sees_others(sensor, other, (victim.ip4, web))
        assert sensor.snapshot().stats["app_layer.avoided"] >= 1


def test_a_flood_from_ever_other_addresses_is_the_guests_that_sends_it(lab: Lab, web: int) -> None:
    flooder, victim, other = lab.guests[:3]
    log = LogSpec(file="/dev/null", types=("dns", "flow"))
    with Sensor(lab.host, parse_budget=10.0, log=log) as sensor, running(queries(flooder, victim)):
        whose = f"What {flooder.name} begins to say to others"
        assert told(sensor).startswith(f"{whose} is not parsed for 5 minutes: ")
        sees_others(sensor, other, (victim.ip4, web))


def told(sensor: Sensor) -> str:
    """The one notice of the budget, once it is there."""

    def notices() -> list[str]:
        return [text for text in sensor.snapshot().notices if "--parse-budget" in text]

    (notice,) = until(notices, LONGEST) or [""]
    return notice


def sees_others(sensor: Sensor, guest: Guest, server: tuple[str, int]) -> None:
    """Does it keep up again, and tell what another one does?"""
    assert until(lambda: sensor.snapshot().stats["capture.lag_seconds"] < 0.5, LONGEST)
    fetch(guest.name, server, ATTACK)
    assert sensor.first(UNION_SELECT, seconds=5.0).src_guest == guest.name


def queries(sender: Guest, victim: Guest) -> Send:
    """Datagrams that ask for a name each, from another forged address and port each."""
    sock, numbers = raw(End(sender.name)), count()
    question = b"\0\1\1\0\0\1" + bytes(6) + b"\5abcde\7example\3com\0\0\1\0\1"
    udp = struct.pack(">HHHH", 4000, 53, 8 + len(question), 0) + question
    frames = []
    for number in range(FORGED):
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
        ip += (10 << 24 | number).to_bytes(4) + socket.inet_aton(victim.ip4)
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        frames.append(packed(victim.mac) + packed(sender.mac) + b"\x08\0" + ip + udp)

    def send() -> None:
        for _ in range(A_TURN):
            with suppress(OSError):  # the queue of the device is full
                sock.send(frames[next(numbers) % FORGED])
        time.sleep(PAUSE)

    return send

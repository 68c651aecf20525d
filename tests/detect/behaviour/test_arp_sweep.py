"""ARP sweeps on frames as they are on the wire."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import numpy as np

from tests.detect.behaviour.test_arp import batch
from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.neighbours import MOST, Neighbours
from vpi_tui.detect.behaviour.arp_sweep import (
    MAX_SENDERS,
    TARGETS,
    WINDOW_NS,
    ArpSweep,
)
from vpi_tui.detect.behaviour.base import QUIET_NS

SCANNER = 0x525400000066


def question(target: int, mac: int = SCANNER, *, sender: str = "10.0.0.66", operation: int = 1) -> bytes:
    own = mac.to_bytes(6, "big")
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + own + IPv4Address(sender).packed
    return b"\xff" * 6 + own + b"\x08\x06" + body + bytes(6) + IPv4Address(0x0A000000 + target).packed


def observe(
    sweep: ArpSweep, frames: list[bytes], ts_ns: int = 0, ports: list[int] | None = None
) -> list[str]:
    packets = batch(frames, ts_ns)
    if ports is not None:
        packets = packets._replace(ifindex=np.array(ports, np.int32))
    return [found.detail for found in sweep.heed(Neighbours().hear(packets, Decoder().decode(packets)))]


def test_a_sweep_is_told_once() -> None:
    sweep = ArpSweep()
    assert observe(sweep, [question(n) for n in range(1, TARGETS)]) == []
    assert observe(sweep, [question(n) for n in range(TARGETS, 3 * TARGETS)], 1) == [
        "ARP sweep: 10.0.0.66 (52:54:00:00:00:66) asks for one address after another"
    ]
    assert observe(sweep, [question(n) for n in range(1, 200)], QUIET_NS) == []
    assert len(observe(sweep, [question(n) for n in range(1, 200)], QUIET_NS + 1)) == 1


def test_the_same_few_questions_and_slow_ones_are_none() -> None:
    sweep = ArpSweep()
    assert observe(sweep, [question(n % (TARGETS - 1) + 1) for n in range(500)]) == []
    slow = ArpSweep()
    step = WINDOW_NS // (TARGETS - 1) + 1
    assert not any(observe(slow, [question(n)], n * step) for n in range(1, 150))


def test_answers_and_announcements_ask_for_nobody() -> None:
    answers = [question(n, operation=2) for n in range(1, 200)]
    own = [question(n, sender=str(IPv4Address(0x0A000000 + n))) for n in range(1, 200)]
    assert observe(ArpSweep(), answers + own) == []


def test_questions_of_many_hosts_are_no_sweep() -> None:
    many = [question(n, SCANNER + n) for n in range(1, 200)]
    assert observe(ArpSweep(), many) == []
    ports = list(range(1, 200))
    assert observe(ArpSweep(), [question(n) for n in ports], ports=ports) == []


def test_cut_and_odd_frames_are_passed_by() -> None:
    frames = [question(n)[: 20 + n % 20] for n in range(1, 200)]
    assert observe(ArpSweep(), frames) == []


def test_a_flood_is_bounded() -> None:
    sweep = ArpSweep()
    observe(sweep, [question(n, SCANNER + n) for n in range(1, 3 * MAX_SENDERS)])
    for start in range(0, 4 * MAX_SENDERS, MOST):
        observe(sweep, [question(n, SCANNER + n) for n in range(start, start + MOST)])
    assert len(sweep._asked) <= MAX_SENDERS

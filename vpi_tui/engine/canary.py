"""One marked frame, sent from where a guest is, and where the sensor sees it: the path is proven, not judged.

The frame is a broadcast with the ethertype that IEEE 802 keeps for local experiments (0x88B5), so that no
host does anything with it. It is sent only when the operator asks for it, and only from what he names.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vpi_tui.config.nearest import did_you_mean
from vpi_tui.engine.sources.live import LiveFeed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.inventory.namespaces import NAMED
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.errors import ConfigError, PrivilegeError, VpiError
from vpi_tui.model.topology import Topology

ETHERTYPE = b"\x88\xb5"
MARK = b"vpi-tui canary "
BROADCAST = b"\xff" * 6
FRAME_BYTES = 60
SETTLE, PATIENCE, QUIET = 0.3, 3.0, 0.3
"""Seconds: before the frame is sent, until it is given up, and after the first sighting for others."""
MOST_INTERFACES = 8
CLONE_NEWNET = 0x40000000
SIOCGIFHWADDR = 0x8927
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sighting:
    switch: str
    port: str
    guest: str
    """Who is known behind the port."""
    after_ms: float
    """From sending to the kernel's time stamp of the frame."""


@dataclass(frozen=True, slots=True)
class Proof:
    """sent_from: interfaces in the namespace that the frame was sent through."""

    name: str
    namespace: str
    sent_from: tuple[str, ...]
    sightings: tuple[Sighting, ...]


def prove(spec: EngineSpec, name: str) -> Proof:
    """Send the frame and look for it.

    name: of a network namespace, or of a guest that is one. Raises PrivilegeError without root, ConfigError
    for a name that is none, CaptureError when nothing can be watched.
    """
    if os.geteuid() != 0:
        raise PrivilegeError(
            "A canary needs root: it is sent from inside another network namespace.", hint="Run it with sudo."
        )
    feed = LiveFeed(spec)
    try:
        namespace = find_namespace(name, feed.topology)
        feed.start()
        _look(feed, b"", SETTLE)  # what was in flight before
        mark = MARK + secrets.token_hex(8).encode()
        began = time.time_ns()
        sent = inside(namespace, lambda: _send(mark))
        if not sent:
            raise VpiError(
                f"The namespace {namespace} has no interface that is up and could send a frame.",
                hint=f"See: ip -n {namespace} link",
            )
        found = _look(feed, mark, PATIENCE)
        return Proof(name, namespace, sent, tuple(_sighting(feed, *one, began) for one in found))
    finally:
        feed.close()


def find_namespace(name: str, topology: Topology) -> str:
    """Name of the namespace that is meant. Raises ConfigError."""
    if "/" not in name and (NAMED / name).exists():
        return name
    named = _names()
    guest = next((guest for guest in topology.guests if guest.name == name), None)
    if guest is None:
        known = [*named, *(guest.name for guest in topology.guests)]
        listed = ", ".join(named[:8]) or "none"
        raise ConfigError(
            f"There is no network namespace and no guest {name[:60]!r}.",
            hint=f"{did_you_mean(name, known)} Namespaces here: {listed}.".strip(),
        )
    raise ConfigError(
        f"The guest {name} has no network namespace with a name, so no frame can be sent from inside it.",
        hint="Of a container make one: ip netns attach NAME PID, then --canary NAME. In a virtual machine let"
        " any program send, and look for its port under `vpi-tui audit`.",
    )


def _names() -> list[str]:
    with suppress(OSError):
        return sorted(path.name for path in NAMED.iterdir())
    return []


def inside(namespace: str, call: Callable[[], T]) -> T:
    """Run `call` in a thread that has entered the namespace, and ends with it. Raises VpiError."""
    result: list[T] = []
    failure: list[OSError] = []

    def work() -> None:
        try:
            _enter(NAMED / namespace)
            result.append(call())
        except OSError as error:
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failure:
        raise VpiError(f"The namespace {namespace} cannot be entered: {failure[0].strerror}.")
    return result[0]


def _enter(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(fd)


def _send(mark: bytes) -> tuple[str, ...]:
    """Through every interface of the namespace that is up, its loopback left out."""
    sent = []
    for _, name in socket.if_nameindex()[: MOST_INTERFACES + 1]:
        if name != "lo":
            with suppress(OSError):  # it is down
                _send_through(name, mark)
                sent.append(name)
    return tuple(sent)


def _send_through(name: str, mark: bytes) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((name, 0))
        answer = fcntl.ioctl(sock, SIOCGIFHWADDR, struct.pack("16s16x", name.encode()[:15]))
        sock.send((BROADCAST + answer[18:24] + ETHERTYPE + mark).ljust(FRAME_BYTES, b"\0"))


# The sensor's side ------------------------------------------------------------------------------


def _look(feed: LiveFeed, mark: bytes, seconds: float) -> list[tuple[int, int]]:
    """(ifindex, time) of each sighting."""
    found: list[tuple[int, int]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        feed.poll_topology()
        batch = feed.read(0.05)
        if batch is not None and mark:
            seen = marked(batch, mark)
            if seen and not found:
                end = min(end, time.monotonic() + QUIET)
            found += seen
    return found


def marked(batch: PacketBatch, mark: bytes) -> list[tuple[int, int]]:
    """(ifindex, time) of the frames of a batch that carry the mark."""
    small = (batch.caplen >= FRAME_BYTES) & (batch.caplen <= FRAME_BYTES + 8)
    found = []
    for row in small.nonzero()[0][:4096].tolist():
        start = int(batch.offset[row])
        if mark in batch.buf[start : start + int(batch.caplen[row])].tobytes():
            found.append((int(batch.ifindex[row]), int(batch.ts_ns[row])))
    return found


def _sighting(feed: LiveFeed, ifindex: int, at_ns: int, began_ns: int) -> Sighting:
    port = next((port for port in feed.topology.ports if port.ifindex == ifindex), None)
    after = max(0.0, (at_ns - began_ns) / 1e6)
    if port is None:
        return Sighting("", feed.port_name(ifindex), "", after)
    return Sighting(port.switch, port.name, port.guest, after)

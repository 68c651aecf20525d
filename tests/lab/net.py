"""Network namespaces, bridges and guests for tests: made by `ip`, gone again whatever happens."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vpi_tui.lab.namespaces import inside

LAB_NAME = re.compile(r"vpt-[a-z]+-(\d+)-(?:host|g\d+)")
"""Tag, process id, and what it is."""
T = TypeVar("T")
Address = tuple[str, int]


def ip(*words: str) -> None:
    """`ip …`; shows what it said when it fails."""
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def why_not() -> str:
    """Why there can be no lab on this machine; "" when there can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    name = f"vptry{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("-n", name, "link", "add", "br0", "type", "bridge")
        ip("-n", name, "link", "add", "one", "type", "veth", "peer", "two")
    except (OSError, RuntimeError) as reason:
        return f"no namespaces, bridges or veth pairs here: {reason}"
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return ""


@dataclass(frozen=True)
class Guest:
    """A namespace whose eth0 is a port of the bridge."""

    name: str
    """Of the namespace."""
    port: str
    """Of the port on the bridge."""
    ip4: str
    ip6: str
    mac: str


class Lab:
    """A host with one bridge, br0, and guests on it. Use as a context manager.

    bridge: False for a host without one, where something else is to be the switch.
    """

    def __init__(self, tag: str, *, bridge: bool = True) -> None:
        self.tag = f"vpt-{tag}-{os.getpid()}"
        self.host = f"{self.tag}-host"
        self.guests: list[Guest] = []
        self._bridge = bridge
        self._stack = ExitStack()

    def __enter__(self) -> Lab:
        remove_orphans()
        try:
            self._namespace(self.host)
            if self._bridge:
                self.bridge("br0")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _namespace(self, name: str) -> None:
        self._stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False, capture_output=True)
        ip("netns", "add", name)
        # Silence: no router solicitations, no duplicate address detection.
        inside(name, _quiet)
        ip("-n", name, "link", "set", "lo", "up")

    def bridge(self, name: str) -> None:
        ip("-n", self.host, "link", "add", name, "type", "bridge", "mcast_snooping", "0")
        ip("-n", self.host, "link", "set", name, "up")

    def guest(self, number: int, bridge: str = "br0") -> Guest:
        """Guest `number` (1 to 200), its namespace made when it is new, plugged into the bridge ("" = into
        none: its port is up, for another switch to take)."""
        guest = Guest(
            f"{self.tag}-g{number}",
            f"port{number}",
            f"10.77.0.{number}",
            f"fd77::{number:x}",
            f"02:77:00:00:00:{number:02x}",
        )
        if guest not in self.guests:
            self._namespace(guest.name)
            self.guests.append(guest)
        ip("link", "add", guest.port, "netns", self.host, "type", "veth", "peer", "eth0", "netns", guest.name)
        ip("-n", self.host, "link", "set", guest.port, *(("master", bridge) if bridge else ()), "up")
        ip("-n", guest.name, "link", "set", "eth0", "address", guest.mac, "up")
        ip("-n", guest.name, "addr", "add", f"{guest.ip4}/24", "dev", "eth0")
        ip("-n", guest.name, "addr", "add", f"{guest.ip6}/64", "dev", "eth0", "nodad")
        return guest

    def unplug(self, guest: Guest) -> None:
        ip("-n", self.host, "link", "del", guest.port)

    def ifindex(self, port: str) -> int:
        return inside(self.host, lambda: socket.if_nametoindex(port))

    def run(self, namespace: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; it is ended with the lab."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def end() -> None:
            process.terminate()
            process.wait(5)

        self._stack.callback(end)
        return process


def remove_orphans() -> None:
    """Namespaces of labs whose process was killed before it could remove them."""
    for path in Path("/run/netns").glob("vpt-*"):
        owner = LAB_NAME.fullmatch(path.name)
        if owner and not Path("/proc", owner[1]).exists():
            subprocess.run(["ip", "netns", "del", path.name], check=False, capture_output=True)


def _quiet() -> None:
    for path in ("all/accept_dad", "default/accept_dad", "default/router_solicitations"):
        try:
            Path("/proc/sys/net/ipv6/conf", path).write_text("0")
        except OSError:
            continue


def fetch(namespace: str, server: Address, path: str, timeout: float = 5.0) -> bytes:
    """One HTTP request from a namespace, written by hand so that `path` goes out as it is."""

    def talk() -> bytes:
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        with socket.socket(family) as sock:
            sock.settimeout(timeout)
            sock.connect(server)
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: shop\r\n\r\n".encode())
            answer = b""
            while part := sock.recv(65536):
                answer += part
            return answer

    return inside(namespace, talk)


def until(call: Callable[[], T], seconds: float, step: float = 0.02) -> T:
    """The first true answer of `call`; its last answer when the time is over."""
    end = time.monotonic() + seconds
    while not (answer := call()) and time.monotonic() < end:
        time.sleep(step)
    return answer

"""The programs whose capture is compared: each is started once, and asked how many frames it has had."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from tests.lab.sensor import Sensor

RING_BYTES = 64 << 20
"""The same for all that can be told."""
SCAPY = """
import sys, threading
from scapy.all import AsyncSniffer
seen = 0
def count(packet):
    global seen
    seen += 1
sniffer = AsyncSniffer(iface=sys.argv[1], store=False, prn=count)
sniffer.start()
for _ in sys.stdin:
    print(seen, flush=True)
"""


class Reader(Protocol):
    name: str
    pid: int

    def seen(self) -> int:
        """Frames taken so far."""

    def stop(self) -> None: ...


class Ours:
    """The engine as the product starts it. rules: files or directories, "" = the bundled rules."""

    def __init__(self, namespace: str, interface: str, rules: str = "") -> None:
        self.name = f"vpi-tui live, {Path(rules).name or 'bundled rules'}"
        given = {"rules": (rules,)} if rules else {}
        self._sensor = Sensor(
            namespace, interfaces=(interface,), ring_memory=RING_BYTES, interval=0.2, **given
        ).__enter__()
        self.pid = self._sensor.client.pid

    def seen(self) -> int:
        return int(self._sensor.snapshot().stats["decoder.pkts"])

    def stop(self) -> None:
        self._sensor.client.close()


class Tcpdump:
    """Tells its counters when it gets SIGUSR1."""

    def __init__(self, namespace: str, interface: str, name: str, *options: str) -> None:
        self.name = name
        command = ["tcpdump", "-i", interface, "-B", str(RING_BYTES >> 10), *options]
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self._until("listening on")

    def _until(self, words: str) -> str:
        assert self._process.stderr
        while line := self._process.stderr.readline():
            if words in line:
                return line
        raise SystemExit("tcpdump ended early")

    def seen(self) -> int:
        os.kill(self.pid, signal.SIGUSR1)
        line = self._until("packets captured")
        return int(re.findall(r"(\d+) packets captured", line)[0])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Scapy:
    name = "scapy sniff()"

    def __init__(self, namespace: str, interface: str) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-c", SCAPY, interface],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.seen()
        time.sleep(0.5)

    def seen(self) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

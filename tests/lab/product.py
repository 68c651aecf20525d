"""The lab that `vpi-tui lab` makes, in an outer network namespace where nothing else is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.lab.net import inside, ip, remove_orphans
from vpi_tui.lab import namespaces
from vpi_tui.lab.names import Names

SYSTEM_PLACES = (Path("/run/sshd"), Path("/run/openvswitch"), Path("/run/vpi-tui"))


class Product:
    """Use as a context manager: the outer namespace is there when entered, and no lab yet."""

    def __init__(self, tag: str) -> None:
        self.host = f"vpt-{tag}-{os.getpid()}-host"
        self.names = Names(f"t{os.getpid() % 100_000:05d}")
        self._not_before = [path for path in SYSTEM_PLACES if not path.exists()]

    def __enter__(self) -> Product:
        remove_orphans()
        ip("netns", "add", self.host)
        ip("-n", self.host, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        self.lab("down")
        subprocess.run(["ip", "netns", "del", self.host], check=False, capture_output=True)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`vpi-tui lab …` in the outer namespace."""
        command = [sys.executable, "-m", "vpi_tui", "lab", *words, "--name", self.names.lab]
        return inside(
            self.host,
            lambda: subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True),
        )

    def lab(self, *words: str) -> tuple[int, str, str]:
        """The same, run to its end: exit code, standard output, standard error."""
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    # What there is of it ------------------------------------------------------------------------

    def remains(self) -> list[str]:
        """Namespaces, links, files and processes of the lab."""
        left = namespaces.named(self.names.prefix)
        left += [name for name in self.links() if name != "lo"]
        places = (self.names.folder, self.names.lock, *self._not_before)
        left += [str(path) for path in places if path.exists()]
        return left + [f"process {number}" for number in self.processes()]

    def links(self) -> list[str]:
        return inside(self.host, lambda: [name for _, name in socket.if_nameindex()])

    def processes(self) -> list[int]:
        """Those in the outer namespace, in a guest's, or started with a file of the lab."""
        spaces = [self.host, *namespaces.named(self.names.prefix)]
        found = {number for numbers in namespaces.dwellers(spaces).values() for number in numbers}
        text = f"{self.names.folder}/".encode()
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                try:
                    if text in (process / "cmdline").read_bytes():
                        found.add(int(process.name))
                except OSError:
                    continue
        return sorted(found)

    def received(self, ports: Iterable[str]) -> int:
        """Frames that the kernel counted as received at these ports of the outer namespace."""

        def count() -> int:
            lines = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
            fields = {name.strip(): rest.split() for name, _, rest in (line.partition(":") for line in lines)}
            return sum(int(fields[port][1]) for port in ports)

        return inside(self.host, count)

    def hold(self) -> None:
        """Guests fall silent, and what they sent is delivered."""
        self._signal(signal.SIGSTOP)
        time.sleep(0.5)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for processes in namespaces.dwellers(namespaces.named(self.names.prefix)).values():
            for process in processes:
                os.kill(process, number)

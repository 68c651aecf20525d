"""Processes that run virtual machines, and the taps that they hold open. Bounded walks through /proc.

Which file a process holds open only root and its own user may see; who runs it, everybody. A process that was
looked at as root is remembered after root is given up.
Sources: proc(5), Documentation/networking/tuntap.rst (iff: in fdinfo), drivers/net/tap.c (/dev/tapN).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from vpi_tui.inventory.machines.command_line import CommandLine, parse

PROC = Path("/proc")
MOST_PROCESSES = 20_000
MOST_FILES = 4_096
COMMAND_LINE_BYTES = 1 << 16
TUN = "/dev/net/tun"
_MACVTAP = re.compile(r"/dev/tap(\d+)")
_VHOST = re.compile(rb"vhost-(\d+)")
"""Kernels before 6.4; later ones make it a thread of the process itself."""
_INTERFACE = re.compile(rb"^iff:\s*(\S+)", re.M)


class Held(NamedTuple):
    """Devices whose other end a process holds: taps by name, macvtaps by ifindex."""

    taps: tuple[str, ...] = ()
    macvtaps: tuple[int, ...] = ()


class Machine(NamedTuple):
    pid: int
    command: CommandLine
    held: Held


class Processes:
    """Finds machines; remembers what they held while it may not look."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._held: dict[tuple[int, bytes], Held] = {}

    def machines(self) -> list[Machine]:
        """All of this host, in the order of their process ids."""
        found: list[Machine] = []
        held: dict[tuple[int, bytes], Held] = {}
        words = {pid: self._words(pid) for pid in sorted(islice(self._pids(), MOST_PROCESSES))}
        served = {self._served_by_vhost(pid) for pid, line in words.items() if not line}
        for pid, line in words.items():
            command = parse(line, runs_a_machine=pid in served)
            if command is not None:
                key = pid, self._started(pid)
                seen = self._look(pid)
                held[key] = seen if seen is not None else self._held.get(key, Held())
                found.append(Machine(pid, command, held[key]))
        self._held = held
        return found

    def _pids(self) -> Iterator[int]:
        with suppress(OSError), os.scandir(self._proc) as entries:
            yield from (int(entry.name) for entry in entries if entry.name.isdigit())

    def _words(self, pid: int) -> list[str]:
        """Its command line; empty for a thread of the kernel."""
        with suppress(OSError), (self._proc / str(pid) / "cmdline").open("rb") as file:
            words = file.read(COMMAND_LINE_BYTES).split(b"\0")
            return [word.decode(errors="replace") for word in words if word]
        return []

    def _served_by_vhost(self, pid: int) -> int:
        """The process for which a thread of the kernel moves packets to and from a tap; 0 = it does not."""
        with suppress(OSError):
            named = _VHOST.fullmatch((self._proc / str(pid) / "comm").read_bytes().strip())
            return int(named[1]) if named else 0
        return 0

    def _started(self, pid: int) -> bytes:
        """Tells a process from another that has its number later: field 22 of stat."""
        with suppress(OSError, IndexError):
            return (self._proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[19]
        return b""

    def _look(self, pid: int) -> Held | None:
        """None when it may not be looked at. A process of another network namespace holds none of ours."""
        base = self._proc / str(pid)
        try:
            # Compared as the kernel names them: net:[4026531840].
            if (base / "ns/net").readlink() != (self._proc / "thread-self/ns/net").readlink():
                return Held()
            with os.scandir(base / "fd") as entries:
                files = [entry.name for entry in islice(entries, MOST_FILES)]
        except OSError:
            return None
        taps, macvtaps = [], []
        for number in files:
            with suppress(OSError):
                target = str((base / "fd" / number).readlink())
                if target == TUN:
                    taps += _INTERFACE.findall((base / "fdinfo" / number).read_bytes())
                elif named := _MACVTAP.fullmatch(target):
                    macvtaps.append(int(named[1]))
        names = (name.decode(errors="backslashreplace") for name in taps)
        return Held(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(macvtaps)))

"""Highest rate without a lost frame on a veth pair: vpi-tui beside tcpdump and scapy, on the same traffic.

    sudo python -m benchmarks.live [--seconds 1] [--rounds 4] [--rules DIR ...]

Each program runs once, with a ring of the same size, and is sent bursts of `--seconds` at different rates:
first as many frames as the generator can send, then, if any was lost, rates near what it took. A burst is
many times the size of the ring, so that a program which is too slow cannot hide it. A rate counts when one of
two bursts arrived whole. All run at the same raised priority, so that other work on the machine disturbs
little.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.readers import Ours, Reader, Scapy, Tcpdump
from tests.lab.net import Lab, ip, why_not

LOWEST = 500
"""Frames a second at which the search gives up."""
TICKS = os.sysconf("SC_CLK_TCK")
SETTLED = 0.3
UNLIMITED_BURSTS = 2
"""The generator is disturbed too: its best burst counts."""
PRIORITY = -10
Start = Callable[[str, str], Reader]
"""Namespace and port -> what reads there."""
READERS: tuple[Start, ...] = (
    lambda namespace, port: Tcpdump(namespace, port, "tcpdump -w /dev/null", "-w", "/dev/null"),
    lambda namespace, port: Tcpdump(namespace, port, "tcpdump -n >/dev/null", "-n"),
    Ours,
    Scapy,
)


@dataclass(frozen=True)
class Result:
    """rate: frames a second of the fastest burst that arrived whole. cpu: seconds a frame at that rate."""

    name: str
    rate: float
    cpu: float
    limited: bool
    """True when the generator could send no faster."""


class Generator:
    def __init__(self, lab: Lab) -> None:
        guest = lab.guests[0].name
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", guest, sys.executable, "-m", "benchmarks.generator", "eth0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, PRIORITY)
        self.mean_bytes = float(self._answer()[1])

    def _answer(self) -> list[str]:
        assert self._process.stdout
        return self._process.stdout.readline().split()

    def burst(self, rate: float, seconds: float) -> tuple[int, float]:
        """Frames sent, and the rate that it was in truth."""
        assert self._process.stdin
        self._process.stdin.write(f"{rate} {seconds}\n")
        self._process.stdin.flush()
        sent, elapsed = self._answer()
        return int(sent), int(sent) / float(elapsed)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def settled(reader: Reader) -> int:
    """Frames that the reader has had, once no more come."""
    seen = -1
    while seen != (seen := reader.seen()):
        time.sleep(SETTLED)
    return seen


class Burst(NamedTuple):
    """One burst. rate: frames a second sent in truth; taken: those that the reader has had."""

    whole: bool
    rate: float
    taken: float


class Search:
    """Looks for the highest rate of one reader."""

    def __init__(self, reader: Reader, generator: Generator, seconds: float) -> None:
        self._reader, self._generator, self._seconds = reader, generator, seconds
        self._seen = settled(reader)
        self.best = self.cpu = 0.0

    def burst(self, rate: float) -> Burst:
        """The better of two; one is enough when it arrived whole."""
        bursts = []
        for _ in range(2):
            bursts.append(self._once(rate))
            if bursts[-1].whole:
                break
        return max(bursts)

    def _once(self, rate: float) -> Burst:
        cpu, before = cpu_seconds(self._reader.pid), self._seen
        sent, truth = self._generator.burst(rate, self._seconds)
        self._seen = settled(self._reader)
        taken = self._seen - before
        whole = taken >= sent
        if whole and truth > self.best:
            self.best, self.cpu = truth, (cpu_seconds(self._reader.pid) - cpu) / sent
        return Burst(whole, truth, truth * taken / sent)

    def run(self, rounds: int) -> Result:
        first = max(self.burst(0) for _ in range(UNLIMITED_BURSTS))
        if not first.whole:
            self._bisect(first, rounds)
        return Result(self._reader.name, self.best, self.cpu, first.whole)

    def _bisect(self, first: Burst, rounds: int) -> None:
        """Between half and one and a half of what the reader took when it was sent too much."""
        low, high = first.taken / 2, min(first.rate, 1.5 * first.taken)
        for _ in range(rounds):
            middle = (low * high) ** 0.5
            if self.burst(middle).whole:
                low = middle
            else:
                high = middle
        while not self.best and low > LOWEST:
            self.burst(low)
            low /= 2


def table(results: list[Result]) -> str:
    base = results[0].rate
    lines = [
        "| program | frames/s without a loss | over tcpdump -w | CPU ns a frame | limited by |",
        "|---|---|---|---|---|",
    ]
    for one in results:
        limit, sign = ("the generator", "≥ ") if one.limited else ("itself", "")
        lines.append(
            f"| {one.name} | {one.rate:,.0f} | {sign}{one.rate / base:.3f} | {one.cpu * 1e9:,.0f} | {limit} |"
        )
    return "\n".join(lines)


def measure(seconds: float, rounds: int, rules: Sequence[str] = ()) -> tuple[list[Result], float]:
    """rules: sets that the engine is measured with, one after the other, besides the bundled rules."""
    results = []
    with Lab("bench") as lab:
        lab.guest(1)
        # A plain interface, as a sensor's capture card: mirrored traffic comes in, nothing goes out.
        ip("-n", lab.host, "link", "set", "port1", "nomaster")
        generator = Generator(lab)
        try:
            with_rules: list[Start] = [partial(Ours, rules=one) for one in rules]
            for start in (*READERS, *with_rules):
                reader = start(lab.host, "port1")
                try:
                    os.setpriority(os.PRIO_PROCESS, reader.pid, PRIORITY)
                    results.append(Search(reader, generator, seconds).run(rounds))
                finally:
                    reader.stop()
        finally:
            generator.stop()
    return results, generator.mean_bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--rules", nargs="*", type=os.path.abspath, default=[], metavar="DIR")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("live: ended early"))  # so that all is cleaned up
    if reason := why_not():
        sys.exit(f"live: {reason}")
    results, mean = measure(chosen.seconds, chosen.rounds, chosen.rules)
    command = f"python -m benchmarks.live --seconds {chosen.seconds:g} --rounds {chosen.rounds}"
    print(f"`{command}`: HTTP over TCP, {mean:.0f} bytes a frame on average.\n")
    print(table(results))


if __name__ == "__main__":
    main()

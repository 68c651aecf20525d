"""The dashboard of a host with many guests: each screen, and the engine beside it.

    sudo python -m benchmarks.ui_host [--ports 64] [--guests 500] [--seconds 10]

In a namespace of its own: a bridge with a guest at each port, and a sensor's card that gets what the other
guests say, which inventory.yaml puts on switches elsewhere. All of them speak to each other the whole time.
CPU of the two processes apart, by their own clocks. With --look a size (80x24) it shows instead what is on
the screen.
"""

from __future__ import annotations

import argparse
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.inventory import FIRST_MAC, batch
from benchmarks.ui_emulator import Emulator
from benchmarks.ui_harness import READY_WITHIN, SETTLED, SIZE, wait_for
from benchmarks.ui_pty import Pty
from tests.lab.net import Lab, ip, why_not
from vpi_tui.inventory.picture import mac_text
from vpi_tui.lab.namespaces import inside

FRAMES_A_SECOND = 2_000
ELSEWHERE = 7
"""Switches of the guests that have no port here."""
SCREENS = {"1": "Overview", "2": "Switches", "2v": "Switches, a pane a guest", "3": "Flows", "6": "Matrix",
           "7": "Coverage"}  # fmt: skip
READY = "Top talkers"
ENGINE = "vpi_tui.engine"


def address(number: int) -> str:
    return f"10.{66 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


def inventory(ports: int, guests: int) -> str:
    lines = [f"{{name: guest-{n:03}, port: p{n}, ip: {address(n)}}}" for n in range(ports)]
    lines += [
        f'{{name: guest-{n:03}, switch: br-far-{n % ELSEWHERE}, mac: "{mac_text(FIRST_MAC + n)}",'
        f" ip: {address(n)}}}"
        for n in range(ports, guests)
    ]
    return "\n".join(["guests:", *(f"  - {line}" for line in lines)]) + "\n"


def plug(lab: Lab, ports: int) -> None:
    """Ports p0, p1, ... of br0, and cap0; the far ends q0, q1, ... and `copies` in another namespace."""
    far = lab.guests[0].name
    lines = []
    for number in range(ports):
        lines += [
            f"link add p{number} type veth peer name q{number} netns {far}",
            f"link set p{number} master br0 up",
        ]
    lines += [f"link add cap0 type veth peer name copies netns {far}", "link set cap0 up"]
    batch(lab.host, "ip", lines)
    batch(far, "ip", [f"link set q{number} up" for number in range(ports)] + ["link set copies up"])


def frame(source: int, dest: int, port: int) -> bytes:
    body = struct.pack(">HHHH", 40_000 + port % 20_000, port, 408, 0) + bytes(400)
    addresses = socket.inet_aton(address(source)) + socket.inet_aton(address(dest))
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), random.randrange(1, 65_536), 0, 64, 17, 0)
    total = sum(struct.unpack(">10H", head + addresses))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
    macs = (FIRST_MAC + dest).to_bytes(6, "big") + (FIRST_MAC + source).to_bytes(6, "big")
    return macs + b"\x08\0" + head + addresses + body


@contextmanager
def speaking(namespace: str, ports: int, guests: int) -> Iterator[None]:
    """Guests at ports to each other through the bridge, the others as copies of what they say."""

    def card(name: str) -> socket.socket:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((name, 0))
        return sock

    names = [*(f"q{number}" for number in range(ports)), "copies"]
    cards = inside(namespace, lambda: [card(name) for name in names])
    over, rng = threading.Event(), random.Random(1)

    def speak() -> None:
        while not over.wait(0.01):
            for _ in range(FRAMES_A_SECOND // 100):
                at_port = rng.random() < ports / guests
                source, dest = rng.sample(range(ports) if at_port else range(ports, guests), 2)
                sent = frame(source, dest, rng.choice((53, 443, 5432, 8080)))
                cards[source if at_port else ports].send(sent)

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for one in cards:
            one.close()


def cpu_of_engine(program: Pty) -> float:
    """Seconds of the engine's process."""
    found = [one for one in psutil.Process(program.pid).children(True) if ENGINE in " ".join(one.cmdline())]
    times = found[0].cpu_times() if found else None
    return times.user + times.system if times else 0.0


def measure(command: Sequence[str], keys: str, seconds: float) -> str:
    """CPU of the two processes while one screen is shown, and what it sends."""
    with Pty(command, SIZE) as program:
        terminal = Emulator(SIZE)
        if not wait_for(program, terminal, READY, READY_WITHIN):
            raise SystemExit(f"{READY} was not on the screen within {READY_WITHIN:g} s")
        for key in keys:
            program.send(key.encode())
            program.pump(SETTLED, terminal.feed)
        sent = terminal.bytes
        ui, engine, began = program.cpu_seconds(), cpu_of_engine(program), time.monotonic()
        program.pump(seconds, terminal.feed)
        took = time.monotonic() - began
        shares = [program.cpu_seconds() - ui, cpu_of_engine(program) - engine]
        cells = [f"{100 * share / took:.1f} %" for share in shares]
        return f"{(terminal.bytes - sent) / took:,.0f} | {cells[0]} | {cells[1]}"


def look(command: Sequence[str], size: tuple[int, int]) -> None:
    for keys, name in SCREENS.items():
        with Pty(command, size) as program:
            terminal = Emulator(size)
            wait_for(program, terminal, "guest-0", READY_WITHIN)
            program.pump(SETTLED, terminal.feed)
            for key in keys:
                program.send(key.encode())
                program.pump(SETTLED, terminal.feed)
            print(f"--- {name}", *terminal.screen.display, sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--guests", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--look", default="", metavar="SIZE")
    options = parser.parse_args()
    if reason := why_not():
        raise SystemExit(reason)
    with Lab("crowd") as lab, tempfile.TemporaryDirectory() as made:
        lab.guest(1, "")
        ip("-n", lab.host, "link", "del", "port1")
        plug(lab, options.ports)
        file = Path(made, "inventory.yaml")
        file.write_text(inventory(options.ports, options.guests))
        command = ["ip", "netns", "exec", lab.host, sys.executable, "-m", "vpi_tui", "live", "--user", ""]
        command += ["-i", "br0", "-i", "cap0", "--inventory", str(file)]
        with speaking(lab.guests[0].name, options.ports, options.guests):
            if options.look:
                width, height = map(int, options.look.split("x"))
                look(command, (width, height))
                return
            print(
                f"{options.ports} ports on a bridge and a sensor's card, {options.guests} guests on"
                f" {1 + ELSEWHERE} switches, {FRAMES_A_SECOND:,} frames a second,"
                f" {options.seconds:g} s a row.\n"
            )
            print("| 120x40, 1 refresh a second | bytes/s | CPU of the ui | CPU of the engine |")
            print("|---|---|---|---|")
            for keys, name in SCREENS.items():
                print(f"| {name} | {measure(command, keys, options.seconds)} |", flush=True)


if __name__ == "__main__":
    main()

"""What it costs to follow a host with many guests: each kind of change, until the topology is a new one.

    sudo python -m benchmarks.inventory [--ports 64] [--guests 500]

In a namespace of its own: half of the ports on a Linux bridge and half on Open vSwitch, where that is
installed (all on the bridge where not). A manager knows all guests by MAC, inventory.yaml half of them, and
the bridge has learned an address of each. CPU of the whole process: the engine's loop and the probes'
threads. The best of several, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from tests.lab.net import Lab, ip, why_not
from tests.lab.ovs import OpenVSwitch, why_no_ovs
from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.picture import Picture, SeenGuest, mac_text
from vpi_tui.inventory.registry import open_probes
from vpi_tui.inventory.static import StaticGuest, StaticInventory
from vpi_tui.inventory.watch import Inventory
from vpi_tui.lab.namespaces import inside
from vpi_tui.model.topology import Topology

FIRST_MAC = 0x525400000000
TIMES = 7
SECONDS = 10.0


class Manager:
    """A probe that knows the guests; the state of one changes each time it is told to."""

    name = "manager"

    def __init__(self, guests: int) -> None:
        macs = (FIRST_MAC + number for number in range(guests))
        self._guests = [
            SeenGuest(f"guest-{n}", "vm", "manager", macs=(mac,), uuid=f"uuid-{n}", state="running")
            for n, mac in enumerate(macs)
        ]
        self._fresh = True

    def restart(self, number: int) -> None:
        state = "paused" if self._guests[0].state == "running" else "running"
        self._guests[0] = replace(self._guests[0], state=f"{state} {number}")
        self._fresh = True

    def changed(self, now: float) -> bool:  # noqa: ARG002 (as Probe has it)
        return self._fresh

    def read(self) -> Picture:
        self._fresh = False
        return Picture(guests=tuple(self._guests))

    def close(self) -> None:
        """It holds nothing."""


class Host:
    """The lab's host as the engine follows it. The clock is handed in, and jumps over all rests."""

    def __init__(self, guests: int, options: dict[str, str]) -> None:
        self.manager = Manager(guests)
        static = StaticInventory(
            guests=tuple(
                StaticGuest(f"known-{n}", macs=(FIRST_MAC + n,), tags=("web",)) for n in range(0, guests, 2)
            )
        )
        self.inventory = Inventory([*open_probes(Setup(options)), self.manager], static)
        self._now = 0.0
        self.inventory.first_look(self._now, SECONDS)

    def settle(self) -> None:
        """Take all that is still on its way."""
        quiet = time.monotonic() + 0.7
        while time.monotonic() < quiet:
            if self.step() is not None:
                quiet = time.monotonic() + 0.7

    def step(self) -> Topology | None:
        self._now += 2.0
        return self.inventory.poll(self._now)

    def cost(self, change: Callable[[int], object]) -> float:
        """CPU ms of this process from the change to the new topology."""
        best = float("inf")
        for number in range(TIMES):
            self.settle()
            change(number)
            began, end = time.process_time(), time.monotonic() + SECONDS
            while self.step() is None:
                time.sleep(0.005)
                if time.monotonic() > end:
                    raise RuntimeError("the change was not seen")
            best = min(best, time.process_time() - began)
        return best * 1000

    def repeated(self, call: Callable[[], object]) -> float:
        """CPU ms of a call, the best of several."""
        self.settle()
        costs = []
        for _ in range(TIMES * 3):
            began = time.process_time()
            call()
            costs.append(time.process_time() - began)
        return min(costs) * 1000


def batch(namespace: str, program: str, lines: list[str]) -> None:
    done = subprocess.run(
        [program, "-n", namespace, "-batch", "-"], input="\n".join(lines), text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{program} refused a line of the set-up")


def plug(lab: Lab, switch: OpenVSwitch | None, ports: int, guests: int) -> None:
    """Ports p0, p1, ..., the second half on Open vSwitch if there is one; guests as learned addresses."""
    on_bridge = range(ports // 2 if switch else ports)
    lines = []
    for number in range(ports):
        lines.append(f"link add p{number} type veth peer name q{number} netns {lab.guests[0].name}")
        master = "master br0" if number in on_bridge else ""
        lines.append(f"link set p{number} {master} up")
    batch(lab.host, "ip", lines)
    batch(lab.guests[0].name, "ip", [f"link set q{number} up" for number in range(ports)])
    # p0 has none yet: of a port that has many the first few are kept.
    learned = [
        f"fdb add {mac_text(FIRST_MAC + n)} dev p{on_bridge[1 + n % (len(on_bridge) - 1)]} master dynamic"
        for n in range(guests)
    ]
    batch(lab.host, "bridge", learned)
    if switch is not None:
        switch.add_bridge("ovs0")
        words = [word for n in range(len(on_bridge), ports) for word in ("--", "add-port", "ovs0", f"p{n}")]
        switch.vsctl(*words)


def learn(lab: Lab, number: int) -> None:
    """The bridge learns one address more."""
    port = ("fdb", "add", f"52:54:01:00:00:{number:02x}", "dev", "p0", "master", "dynamic")
    subprocess.run(["bridge", "-n", lab.host, *port], check=True)


def measure(lab: Lab, switch: OpenVSwitch | None, ports: int, guests: int) -> None:
    plug(lab, switch, ports, guests)
    options = {"probes.ovs.socket": str(switch.socket)} if switch else {"probes.ovs.enabled": "no"}
    host = inside(lab.host, lambda: Host(guests, options))
    try:
        topology = host.inventory.topology
        kinds = " and ".join(sorted({one.kind for one in topology.switches}))
        print(f"{len(topology.ports)} ports on {kinds}, {len(topology.guests)} guests.\n")
        rows = {
            "a link changes": host.cost(
                lambda n: ip("-n", lab.host, "link", "set", "p1", "down" if n % 2 == 0 else "up")
            ),
            "an address is learned": host.cost(lambda n: learn(lab, n)),
            "a manager says something new": host.cost(host.manager.restart),
        }
        if switch is not None:
            rows["a port of Open vSwitch gets a VLAN"] = host.cost(
                lambda n: switch.vsctl("set", "port", f"p{ports - 1}", f"tag={n + 1}")
            )
        rows["nothing changes (a look, five times a second)"] = host.repeated(host.step)
        rows["all counters are read (once a second)"] = host.repeated(host.inventory.counts)
    finally:
        host.inventory.close()
    print("| what happens | CPU ms |\n|---|---|")
    for name, cost in rows.items():
        print(f"| {name} | {cost:.2f} |")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--guests", type=int, default=500)
    options = parser.parse_args()
    if reason := why_not():
        print(reason, file=sys.stderr)
        return 1
    with Lab("benchinv") as lab:
        lab.guest(1, "")
        if reason := why_no_ovs():
            print(f"Without Open vSwitch: {reason}", file=sys.stderr)
            measure(lab, None, options.ports, options.guests)
        else:
            with OpenVSwitch(lab.host) as switch:
                measure(lab, switch, options.ports, options.guests)
    return 0


if __name__ == "__main__":
    sys.exit(main())

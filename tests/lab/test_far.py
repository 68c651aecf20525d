"""A sensor's machine asks a hypervisor's libvirt: its guests have no port here, and are judged all the same.

The hypervisor is the lab's host with its bridge; the sensor is a namespace of its own that gets copies. What
virsh says is a recorded reply (no hypervisor runs here), but for the figures: those are the kernel's, read
anew each time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.judged import agrees_with, comes, copied, on_host, port
from tests.lab.net import Guest, Lab, ip, until
from tests.lab.sensor import Sensor
from tests.lab.traffic import both_ways, running
from vpi_tui.model.coverage import Verdict

pytestmark = pytest.mark.lab

HOST = "hv1.example"
SWITCH = f"br0@{HOST}"
SETTLED = 6.0
"""Seconds after which a window holds nothing of before."""
VIRSH = r"""#!/bin/sh
# As virsh 9.0 answers `virsh ... 'COMMAND; echo MARK; ...'`.
for last; do :; done
echo "$last" | tr ';' '\n' | while read -r word one two; do
  case "$word $one" in
    "list --all") {uuids};;
    "net-list --all") ;;
    "dumpxml "*) cat "{directory}/$one.xml";;
    "domstate "*) echo running;;
    "domifstat "*)
      cd "/sys/class/net/$two/statistics" || exit 1
      for what in bytes packets errors dropped; do
        case $what in errors) name=errs;; dropped) name=drop;; *) name=$what;; esac
        echo "$two rx_$name $(cat tx_$what)"
        echo "$two tx_$name $(cat rx_$what)"
      done;;
    "echo "*) echo "$one";;
  esac
done
"""


def uuid(guest: Guest) -> str:
    return f"11111111-1111-4111-8111-0000000000{guest.mac[-2:]}"


def domain(guest: Guest) -> str:
    interface = (
        f'<interface type="bridge"><mac address="{guest.mac}"/><source bridge="br0"/>'
        f'<target dev="{guest.port}"/></interface>'
    )
    name = f"<name>vm-{guest.mac[-2:]}</name><uuid>{uuid(guest)}</uuid>"
    return f'<domain type="kvm">{name}<devices>{interface}</devices></domain>'


@pytest.fixture(scope="module")
def card(lab: Lab) -> Iterator[str]:
    """An interface of the sensor's machine; the hypervisor's end of it is `tosensor`."""
    place = f"{lab.tag}-g99"
    ip("netns", "add", place)
    ip("link", "add", "tosensor", "netns", lab.host, "type", "veth", "peer", "cap0", "netns", place)
    ip("-n", lab.host, "link", "set", "tosensor", "up")
    ip("-n", place, "link", "set", "cap0", "up")
    yield place
    ip("netns", "del", place)


@pytest.fixture
def virsh(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program in the place of virsh, and no bindings."""
    for guest in lab.guests:
        (tmp_path / f"{uuid(guest)}.xml").write_text(domain(guest))
    uuids = "; ".join(f"echo {uuid(guest)}" for guest in lab.guests)
    inner = VIRSH.replace("{uuids}", uuids).replace("{directory}", str(tmp_path))
    (tmp_path / "there").write_text(inner)
    (tmp_path / "virsh").write_text(f'#!/bin/sh\nexec ip netns exec {lab.host} sh {tmp_path}/there "$@"\n')
    (tmp_path / "virsh").chmod(0o755)
    (tmp_path / "libvirt.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)


def test_guests_of_another_host_are_judged_by_what_its_libvirt_counts(
    lab: Lab, card: str, virsh: None
) -> None:
    first, second, third = lab.guests[:3]
    copied(lab, first, second, to="tosensor")
    options = {"probes.libvirt.uri": f"qemu+ssh://{HOST}/system"}
    try:
        sends = both_ways(first, second), both_ways(third, first, size=300)
        with (
            running(*(send for pair in sends for send in pair)),
            Sensor(card, interfaces=("cap0",), options=options, user="", ring_memory=64 << 20) as sensor,
        ):
            time.sleep(SETTLED)
            for guest in (first, second):
                judged = comes(sensor, guest.port, Verdict.SEEN)
                assert (judged.switch, judged.truth) == (SWITCH, "libvirt")
                agrees_with(judged, 0.06)
            # It speaks to the first alone, of which all is copied.
            comes(sensor, third.port, Verdict.SEEN)
            found = sensor.snapshot()
            assert {(g.name, g.switch, g.present) for g in found.guests if g.source == "probe"} == {
                (f"vm-0{number}", SWITCH, True) for number in (1, 2, 3)
            }
            on = next(switch for switch in found.switches if switch.name == SWITCH)
            assert on.counters.bytes_in > 0
            assert not found.notices, found.notices

            on_host(lab, f"tc qdisc del dev {first.port} clsact")
            half = comes(sensor, first.port, Verdict.ONE_WAY, Verdict.PARTIAL, seconds=10.0)
            assert half.cause.startswith(f"br0 of {HOST} does not copy")
            assert f"On {HOST}" in half.mend
            on_host(lab, f"tc qdisc del dev {second.port} clsact")
            for guest in (first, second, third):
                comes(sensor, guest.port, Verdict.BLIND, seconds=10.0)
            assert until(lambda: port(sensor, first.port).percent == 0.0, 10.0)
    finally:
        for guest in (first, second):
            on_host(lab, f"tc qdisc del dev {guest.port} clsact", check=False)

"""libvirt's own test driver, asked in both ways: it reads its domains from a file and needs no daemon."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vpi_tui.inventory.managers.libvirt import LibvirtProbe
from vpi_tui.inventory.managers.libvirt_client import BindingsClient, Client, VirshClient
from vpi_tui.model.errors import VpiError

pytestmark = pytest.mark.lab

NODE = f"test://{Path(__file__).with_name('libvirt_node.xml')}"
HAS_BINDINGS = importlib.util.find_spec("libvirt") is not None


def client_for(way: str, uri: str) -> Client:
    if way == "virsh":
        if not shutil.which("virsh"):
            pytest.skip("virsh is not installed: apt install libvirt-clients")
        return VirshClient(uri)
    if not HAS_BINDINGS:
        pytest.skip("libvirt-python is not installed: pip install 'vpi-tui[libvirt]'")
    return BindingsClient(uri, importlib.import_module("libvirt"))


@pytest.fixture(params=["virsh", "bindings"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def probe(way: str) -> Iterator[LibvirtProbe]:
    probe = LibvirtProbe(NODE, client_for(way, NODE))
    yield probe
    probe.close()


def test_domains_with_their_interfaces_and_states(probe: LibvirtProbe) -> None:
    picture = probe.read()
    assert picture.notices == ()
    guests = {guest.name: guest for guest in picture.guests}
    assert sorted(guests) == ['db 2 (it\'s old; "virsh")', "spare", "web-1"]
    web = guests["web-1"]
    assert (web.kind, web.origin, web.state) == ("vm", "libvirt", "running")
    assert web.uuid == "11111111-1111-4111-8111-111111111111"
    assert web.macs == (0x525400000001, 0x525400000002)
    assert web.networks == ("virbr0", "br-back")
    assert web.ports == ("testnet0", "testnet1")  # as the driver names the taps of each domain
    paused = guests['db 2 (it\'s old; "virsh")']
    assert (paused.state, paused.networks, paused.ports) == ("paused", ("ovs0",), ("testnet0",))


def test_a_domain_that_does_not_run_has_no_tap(probe: LibvirtProbe) -> None:
    spare = next(guest for guest in probe.read().guests if guest.name == "spare")
    assert (spare.state, spare.ports, spare.macs) == ("shut off", (), (0x525400000004,))


def test_interfaces_that_are_not_here_are_counted_from_the_side_of_the_switch(probe: LibvirtProbe) -> None:
    """The driver makes its figures up of the time; it always makes up more received than sent."""
    asked = time.time_ns()
    ports = {(port.switch, port.name): port for port in probe.read().ports}
    assert {key: (port.ifindex, port.far, port.macs) for key, port in ports.items()} == {
        ("virbr0", "testnet0"): (0, "another host", (0x525400000001,)),
        ("br-back", "testnet1"): (0, "another host", (0x525400000002,)),
        ("ovs0", "testnet0"): (0, "another host", (0x525400000003,)),
    }
    for second in (0.0, 2_000_000.0):
        probe.changed(second)
        counts = {(count.switch, count.port): count for count in probe.counts()}
        assert counts.keys() == ports.keys()
        for count in counts.values():
            assert count.out_bytes > count.in_bytes > 0
            assert count.out_packets > count.in_packets > 0
            assert count.truth == "libvirt"
            assert asked <= count.asked_ns <= count.told_ns <= time.time_ns()
        asked = max(count.told_ns for count in counts.values())


def test_a_file_that_is_not_there_is_told_with_what_to_try(way: str) -> None:
    uri = "test:///nonesuch/node.xml"
    probe = LibvirtProbe(uri, client_for(way, uri))
    with pytest.raises(VpiError, match=r"test:///nonesuch/node\.xml does not answer: .*nonesuch"):
        probe.read()
    probe.close()


def test_a_daemon_that_is_down_is_told_with_how_to_start_it(way: str) -> None:
    uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"
    probe = LibvirtProbe(uri, client_for(way, uri))
    for _ in range(2):  # and it is asked again
        with pytest.raises(VpiError, match=r"does not answer: .*systemctl start libvirtd"):
            probe.read()
    probe.close()

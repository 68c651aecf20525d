"""Which interfaces of libvirt's guests are not here, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vpi_tui.inventory.join import joined
from vpi_tui.inventory.links import Link
from vpi_tui.inventory.managers.libvirt_client import InterfaceCount
from vpi_tui.inventory.managers.libvirt_far import ELSEWHERE, apart, host_of, true_counts
from vpi_tui.inventory.merge import merge
from vpi_tui.inventory.picture import Picture, SeenGuest, SeenInterface, SeenPort
from vpi_tui.inventory.static import StaticGuest, StaticInventory
from vpi_tui.model.topology import Switch, Topology

MAC_A, MAC_B, MAC_C = 0x525400000001, 0x525400000002, 0x525400000003
WEB = SeenGuest(
    "web-1",
    "vm",
    "libvirt",
    ports=("vnet0", "vnet1"),
    macs=(MAC_A, MAC_B),
    networks=("br0", "br-back"),
    uuid="1111",
    state="running",
    interfaces=(SeenInterface("vnet0", MAC_A, "br0"), SeenInterface("vnet1", MAC_B, "br-back")),
)
DB = SeenGuest("db-1", "vm", "libvirt", ("vnet2",), (MAC_C,), networks=("br0",), uuid="2222")


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("qemu:///system", ""),
        ("test:///default", ""),
        ("qemu+ssh://root@hv1.example:2222/system?keyfile=/k", "hv1.example"),
        ("qemu+tls://[2001:db8::1]/system", "2001:db8::1"),
        ("qemu+tcp://localhost/system", ""),
        ("qemu+ssh://[nonsense/system", ""),
    ],
)
def test_the_host_of_an_address(uri: str, host: str) -> None:
    assert host_of(uri) == host


def test_without_a_host_in_the_address_the_interfaces_here_decide() -> None:
    found = apart([WEB, DB], "", {"vnet0", "lo"})
    assert [(port.name, port.switch, port.far) for port in found.ports] == [("vnet1", "br-back", ELSEWHERE)]
    assert [guest.ports for guest in found.guests] == [("vnet0", "vnet1"), ("vnet2",)]
    assert found.switches == (Switch("br-back", "libvirt"),)


def test_of_another_host_nothing_is_here_though_a_link_is_called_so() -> None:
    """Both hosts have a br0 and a vnet0."""
    web = replace(WEB, interfaces=WEB.interfaces[:1])
    far = apart([web], "hv1", {"vnet0"})
    here = Picture(
        (Switch("br0", "bridge", ifindex=2),),
        (SeenPort(3, "vnet0", "br0", macs=(0x02AA,)),),
        links=(Link(2, "br0", "bridge"), Link(3, "vnet0", "tun")),
    )
    seen = joined([here, Picture(far.switches, far.ports, guests=far.guests)])
    entry = StaticGuest("front", switch="br0", macs=(MAC_A,), tags=("web",))
    topology = merge(seen, StaticInventory(guests=(entry,)), Topology())
    assert {(port.switch, port.name): (port.ifindex, port.guest, port.bypass) for port in topology.ports} == {
        ("br0", "vnet0"): (3, "vnet0", ""),
        ("br0@hv1", "vnet0"): (0, "front", ""),
    }
    front = next(guest for guest in topology.guests if guest.name == "front")
    assert (front.tags, front.uuid) == (("web",), "1111")
    assert topology.conflicts == ()


def test_counts_are_put_to_the_ports_that_were_asked_for() -> None:
    far = apart([WEB], "hv1", ())
    told = [
        InterfaceCount("1111", "vnet1", 10, 20, 1, 2, 0, 0),
        InterfaceCount("9999", "vnet0", 1, 1, 1, 1, 0, 0),
    ]
    (count,) = true_counts(far, told, 5, 9)
    assert (count.switch, count.port, count.in_bytes, count.out_bytes) == ("br-back@hv1", "vnet1", 10, 20)
    assert (count.truth, count.asked_ns, count.told_ns) == ("libvirt", 5, 9)

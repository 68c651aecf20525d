"""Ports of one probe put to the links of another."""

from __future__ import annotations

from vpi_tui.inventory.join import ELSEWHERE, joined
from vpi_tui.inventory.links import IFF_UP, Link
from vpi_tui.inventory.macvlan import macvlans
from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.model.topology import Mirror, Switch

LINKS = Picture(
    links=(Link(5, "ovs0", "tap"), Link(7, "veth7", "veth", flags=IFF_UP, namespace="web")),
    neighbours={0x0A: ("10.0.0.1",)},
)


def at(*ports: SeenPort) -> dict[str, SeenPort]:
    ovs = Picture((Switch("ovs0", "ovs"),), ports)
    return {port.name: port for port in joined([LINKS, ovs]).ports}


def test_a_port_is_its_link() -> None:
    (port,) = at(SeenPort(0, "veth7", "ovs0", macs=(0x0A,))).values()
    assert (port.ifindex, port.kind, port.state, port.namespace) == (7, "veth", "no-carrier", "web")
    assert port.ips == ("10.0.0.1",)
    assert at(SeenPort(7, "veth7", "ovs0", kind="bond"))["veth7"].kind == "bond"


def test_a_port_without_a_device_here() -> None:
    found = at(
        SeenPort(9, "veth7", "ovs0"),
        SeenPort(0, "gone", "ovs0"),
        SeenPort(0, "patch-1", "ovs0", kind="patch"),
        SeenPort(0, "vhu0", "ovs0", bypass="vhost-user"),
    )
    assert {name: port.ifindex for name, port in found.items()} == dict.fromkeys(found, 0)
    assert [found[name].bypass for name in ("veth7", "gone", "patch-1", "vhu0")] == [
        ELSEWHERE,
        ELSEWHERE,
        "",
        "vhost-user",
    ]


def test_a_switch_of_another_namespace_is_left_out() -> None:
    """The database's socket is a file: it is there in every namespace of the host."""
    ovs = Picture(
        (Switch("ovs0", "ovs"), Switch("ovs1", "ovs"), Switch("veth7", "ovs", ifindex=99)),
        (SeenPort(0, "a", "ovs0"), SeenPort(0, "b", "ovs1"), SeenPort(0, "c", "veth7")),
        mirrors=(Mirror("m", "ovs1", "b"),),
    )
    far = Picture((Switch("ovs9", "ovs"),), notices=("ovs9 is broken.",))
    assert not joined([LINKS, far]).notices, "it is not ours to mend"
    seen = joined([LINKS, ovs])
    assert [(switch.name, switch.ifindex) for switch in seen.switches] == [("ovs0", 5)]
    assert [port.name for port in seen.ports] == ["a"]
    assert not seen.mirrors


def test_macvlans_make_a_switch_of_what_they_share() -> None:
    links = (
        Link(2, "eth0"),
        Link(3, "br0", "bridge"),
        Link(4, "eth1", master=3),
        Link(10, "macvtap0", "macvtap", peer=2, mac=0x0A),
        Link(11, "mv1", "macvlan", peer=2),
        Link(12, "mv2", "macvlan", peer=2, peer_namespace=0),
        Link(13, "mv3", "macvlan", peer=3),
        Link(14, "mv4", "macvlan", peer=4),
    )
    switches, ports = macvlans(links)
    assert switches == [Switch("eth0", "macvlan")]
    assert [(port.name, port.uplink, port.inner, port.macs) for port in ports] == [
        ("eth0", True, False, ()),
        ("macvtap0", False, True, (0x0A,)),
        ("mv1", False, True, ()),
    ]


def test_tunnels_of_the_kernels_datapath_share_a_device() -> None:
    """That of the same kind is given to the first: frames of all of them are received there."""
    links = Picture(
        links=(Link(5, "ovs0", "tap"), Link(8, "vxlan_sys_4789", "vxlan"), Link(9, "vx9", "vxlan"))
    )
    tunnels = [SeenPort(0, name, "ovs0", kind="vxlan") for name in ("vx1", "vx2", "vx9")]
    ovs = Picture((Switch("ovs0", "ovs"),), (*tunnels, SeenPort(0, "gre1", "ovs0", kind="gre")))
    found = {port.name: port.ifindex for port in joined([links, ovs]).ports}
    assert found == {"vx1": 8, "vx2": 0, "vx9": 9, "gre1": 0}


def test_an_interface_that_macvlans_share_and_that_is_a_port_is_one_port() -> None:
    shared = Picture(
        (Switch("veth7", "macvlan"),),
        (SeenPort(7, "veth7", "veth7", uplink=True), SeenPort(8, "mv0", "veth7", inner=True)),
        links=LINKS.links,
    )
    ovs = Picture((Switch("ovs0", "ovs"),), (SeenPort(0, "veth7", "ovs0"),))
    assert [(port.name, port.switch) for port in joined([shared, ovs]).ports] == [
        ("mv0", "veth7"),
        ("veth7", "ovs0"),
    ]

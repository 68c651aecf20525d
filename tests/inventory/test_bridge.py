"""Which links are switches, ports, guests and uplinks, and what a name given by hand means."""

from __future__ import annotations

import pytest

from vpi_tui.inventory.bridge import picture_of
from vpi_tui.inventory.chosen import chosen
from vpi_tui.inventory.join import joined
from vpi_tui.inventory.links import IFF_LOOPBACK, IFF_LOWER_UP, IFF_UP, Link, Neighbours, Vlans
from vpi_tui.inventory.picture import Picture

MAC = 0x525400000001
LINKS = (
    Link(1, "lo", flags=IFF_UP | IFF_LOWER_UP | IFF_LOOPBACK),
    Link(2, "eth0", master=10),
    Link(3, "eth1"),
    Link(10, "br0", "bridge"),
    Link(11, "vnet0", "tap", master=10, port_state="blocking"),
    Link(12, "veth0", "veth", master=10, peer=5, peer_namespace=0, namespace="web"),
    Link(13, "patch0", "veth", master=10, peer=21),
    Link(20, "br1", "bridge", vlan_filtering=True),
    Link(21, "patch1", "veth", master=20, peer=13),
    Link(22, "vx0", "vxlan", master=20),
    Link(30, "bond0", "bond"),
    Link(31, "slave0", master=30),
)


def picture(links: tuple[Link, ...] = LINKS) -> Picture:
    neighbours = Neighbours({11: (MAC,)}, {MAC: ("10.0.0.7",)})
    vlans = {11: Vlans(5), 22: Vlans(7, (8, 9)), 20: Vlans(1)}
    return joined([picture_of(links, neighbours, ("10.0.0.1",), vlans)])


def test_bridges_and_their_ports() -> None:
    seen = picture()
    assert [(switch.name, switch.ifindex, switch.pvid) for switch in seen.switches] == [
        ("br0", 10, 0),
        ("br1", 20, 1),
    ]
    assert {port.name: port.switch for port in seen.ports} == {
        "eth0": "br0",
        "vnet0": "br0",
        "veth0": "br0",
        "patch0": "br0",
        "patch1": "br1",
        "vx0": "br1",
    }
    assert {port.name for port in seen.ports if port.uplink} == {"eth0", "patch0", "patch1", "vx0"}
    by_name = {port.name: port for port in seen.ports}
    assert (by_name["vnet0"].macs, by_name["vnet0"].ips) == ((MAC,), ("10.0.0.7",))
    assert by_name["veth0"].namespace == "web"
    assert [port.peer for port in seen.ports if port.peer] == [21, 13]
    assert (by_name["vnet0"].pvid, by_name["vx0"].pvid) == (0, 7), "br0 does not look at VLANs"
    assert by_name["vx0"].trunks == (8, 9)
    assert (by_name["vnet0"].kind, by_name["vnet0"].state) == ("tap", "blocking")
    assert by_name["patch0"].kind == "patch"
    assert not seen.notices


def named(*names: str, links: tuple[Link, ...] = LINKS) -> tuple[dict[str, int], set[str], str]:
    """Switches with the ifindex through which the host sends, ports, and notices."""
    found = chosen(picture(links), names)
    switches = {switch.name: switch.ifindex for switch in found.switches}
    return switches, {port.name for port in found.ports}, " ".join(found.notices)


@pytest.mark.parametrize(
    ("names", "switches", "ports"),
    [
        (("br0",), {"br0": 10}, {"eth0", "vnet0", "veth0", "patch0"}),
        (("vnet0", "br0"), {"br0": 10}, {"eth0", "vnet0", "veth0", "patch0"}),
        (("patch1", "vx0"), {"br1": 20}, {"patch1", "vx0"}),
        (("eth1",), {"eth1": 3}, {"eth1"}),
        (("lo",), {"lo": 0}, {"lo"}),
        (("eth1", "eth1"), {"eth1": 3}, {"eth1"}),
    ],
)
def test_names_that_show_all(names: tuple[str, ...], switches: dict[str, int], ports: set[str]) -> None:
    assert named(*names) == (switches, ports, "")


def test_some_ports_show_one_direction_and_that_is_told() -> None:
    switches, ports, notices = named("vnet0", "veth0")
    assert (switches, ports) == ({"br0": 0}, {"vnet0", "veth0"})
    assert "-i br0" in notices


def test_a_plain_interface_has_no_guest_of_its_own() -> None:
    (port,) = chosen(picture(), ("eth1",)).ports
    assert not port.guests
    assert not port.uplink


def test_a_name_that_is_not_there_is_waited_for() -> None:
    switches, ports, notices = named("eth1", "eth9")
    assert (set(switches), ports) == ({"eth1"}, {"eth1"})
    assert "no interface eth9" in notices


@pytest.mark.parametrize(
    ("link", "names", "words"),
    [
        (Link(10, "br0", "bridge", flags=0), (), "br0 is down and forwards nothing"),
        (Link(10, "br0", "bridge", flags=0), ("br0",), "ip link set br0 up"),
        (Link(11, "vnet0", "tun", master=10, flags=0), (), "ports that are down: vnet0"),
        (Link(3, "eth1", flags=0), ("eth1",), "ip link set eth1 up"),
        (Link(3, "eth1", flags=IFF_UP), ("eth1",), "eth1 has no carrier"),
    ],
)
def test_what_is_down_is_told(link: Link, names: tuple[str, ...], words: str) -> None:
    links = tuple(link if old.ifindex == link.ifindex else old for old in LINKS)
    seen = picture(links)
    notices = chosen(seen, names).notices
    assert len(notices) == 1
    assert words in notices[0]


@pytest.mark.parametrize(
    ("links", "watched"),
    [
        ((Link(3, "eno1"), Link(4, "eno1.100", "vlan", peer=3)), {"eno1"}),
        ((Link(3, "a.1", "vlan", peer=4), Link(4, "a", "vlan", peer=5), Link(5, "eno1")), {"eno1"}),
        ((Link(3, "eno1", master=9), Link(4, "eno2", master=9), Link(9, "bond0", "bond")), {"bond0"}),
        ((Link(3, "one", "veth", peer=4), Link(4, "two", "veth", peer=3)), {"two"}),
        ((Link(3, "one", "veth", peer=4, peer_namespace=0), Link(4, "eno1")), {"one", "eno1"}),
        ((Link(3, "eno1"), Link(4, "macsec0", "macsec", peer=3)), {"eno1", "macsec0"}),
        ((Link(3, "eno1"), Link(4, "ipsec0", "xfrm", peer=3)), {"eno1", "ipsec0"}),
        ((Link(3, "eno1", master=9), Link(9, "red", "vrf")), {"eno1", "red"}),
        (
            (Link(3, "eno1"), Link(4, "eno2"), Link(5, "eno1.100", "vlan", peer=9)),
            {"eno1", "eno2", "eno1.100"},
        ),
    ],
)
def test_two_devices_through_which_the_same_frames_pass(links: tuple[Link, ...], watched: set[str]) -> None:
    for order in (links, links[::-1]):
        found = chosen(Picture(links=order), [link.name for link in order])
        names = {port.name for port in found.ports}
        assert names == watched or (order[0].kind == "veth" and len(names) == len(watched))
        assert len(found.notices) == len(links) - len(names)
        assert all("is left out: all its frames pass" in notice for notice in found.notices)

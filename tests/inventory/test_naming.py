"""Guests of managers put to ports, and contradictions between what the sources say."""

from __future__ import annotations

from vpi_tui.inventory.conflicts import MOST
from vpi_tui.inventory.merge import merge
from vpi_tui.inventory.picture import Picture, SeenGuest, SeenPort
from vpi_tui.inventory.static import StaticGuest, StaticInventory
from vpi_tui.model.topology import Guest, Switch, Topology

BR0 = Switch("br0", "bridge", ifindex=2)
A, B = 0x02_0000_0000_0A, 0x02_0000_0000_0B
WEB = SeenGuest("web", "vm", "libvirt", ("vnet0",), (A,), uuid="u-1", state="running")


def seen(ports: tuple[SeenPort, ...], *guests: SeenGuest, static: tuple[StaticGuest, ...] = ()) -> Topology:
    return merge(Picture((BR0,), ports, guests=guests), StaticInventory(guests=static), Topology())


def owners(topology: Topology) -> dict[str, str]:
    return {port.name: port.guest for port in topology.ports}


VNET0, VNET1 = SeenPort(3, "vnet0", "br0", macs=(B,)), SeenPort(4, "vnet1", "br0", macs=(A,))


def test_a_manager_names_by_port_and_a_forged_mac_does_not() -> None:
    topology = seen((VNET0, VNET1), WEB)
    assert owners(topology) == {"vnet0": "web", "vnet1": "vnet1"}
    assert topology.guests[0] == Guest(
        "web", "br0", (A, B), kind="vm", state="running", uuid="u-1", own_macs=(A,)
    )
    assert not topology.conflicts


def test_without_a_port_the_mac_names() -> None:
    away = SeenGuest("web", "vm", "libvirt", ("vnet9",), (A,))
    assert owners(seen((VNET0, VNET1), away)) == {"vnet0": "vnet0", "vnet1": "web"}


def test_a_guest_without_a_port_here_is_listed() -> None:
    off = SeenGuest("mail", "vm", "libvirt", macs=(A,), networks=("br0",), state="shut off")
    (mail,) = seen((), off).guests
    assert (mail.name, mail.switch, mail.state) == ("mail", "br0", "shut off")


def test_the_file_holds_over_the_manager_and_adds_to_it() -> None:
    entry = StaticGuest("shop", macs=(A,), tags=("web",), owner="team", criticality="high")
    topology = seen((VNET0,), WEB, static=(entry,))
    assert topology.guests == (
        Guest("shop", "br0", (A, B), (), ("web",), "static", "vm", "running", "u-1", "team", "high", (A,)),
    )
    assert not topology.conflicts, "a name for a guest known by its mac is no contradiction"


def test_an_entry_with_nothing_but_the_managers_name() -> None:
    (guest,) = seen((VNET0,), WEB, static=(StaticGuest("web", owner="team"),)).guests
    assert (guest.owner, guest.uuid, guest.switch) == ("team", "u-1", "br0")


def test_two_guests_behind_one_port_are_not_mixed() -> None:
    """A guest that runs guests, or a bridge inside: the file names one of them, a manager the other."""
    both = SeenPort(3, "vnet0", "br0", macs=(A, B))
    web = SeenGuest("web", "vm", "libvirt", (), (A,), uuid="u-1")
    topology = seen((both,), web, static=(StaticGuest("db", macs=(B,)),))
    known = {guest.name: guest for guest in topology.guests}
    assert owners(topology) == {"vnet0": "db"}
    assert known["db"].uuid == ""
    assert known["web"].uuid == "u-1"


def test_a_port_that_has_changed_hands() -> None:
    topology = seen((VNET0,), WEB, static=(StaticGuest("mail", port="vnet0"),))
    assert owners(topology) == {"vnet0": "mail"}
    (told,) = topology.conflicts
    assert "vnet0 on br0 is a port of mail, libvirt says of web; mail is taken" in told
    assert [guest.name for guest in topology.guests] == ["mail"]


def test_the_same_name_for_another_guest() -> None:
    static = (StaticGuest("web", port="vnet1", macs=(B,)),)
    topology = seen((VNET0, VNET1), WEB, static=static)
    assert owners(topology) == {"vnet0": "web (libvirt)", "vnet1": "web"}
    assert any("both know a guest web, but not the same one" in told for told in topology.conflicts)


def test_two_managers_with_guests_of_one_name() -> None:
    other = SeenGuest("web", "container", "Docker", ("vnet1",), (B,))
    topology = seen((VNET0, VNET1), WEB, other)
    assert owners(topology) == {"vnet0": "web", "vnet1": "web (Docker)"}


def test_two_managers_of_one_guest_are_one() -> None:
    qemu = SeenGuest("web", "vm", "qemu", ("vnet0",), (A,), uuid="U-1")
    topology = seen((VNET0,), WEB, qemu)
    assert [guest.name for guest in topology.guests] == ["web"]
    assert not topology.conflicts


def test_two_managers_name_one_port() -> None:
    other = SeenGuest("db", "container", "Docker", ("vnet0",))
    topology = seen((VNET0,), WEB, other)
    assert owners(topology) == {"vnet0": "web"}
    assert any(
        "libvirt says that vnet0 on br0 is a port of web, Docker says of db" in t for t in topology.conflicts
    )


def test_one_mac_of_two_guests() -> None:
    other = SeenGuest("db", "container", "Docker", ("vnet1",), (A,))
    (told,) = seen((VNET0, VNET1), WEB, other).conflicts
    assert "02:00:00:00:00:0a is said to be of web (by libvirt) and of db (by Docker)" in told


def test_an_entry_for_another_switch() -> None:
    topology = seen((VNET0,), static=(StaticGuest("web", switch="br1", port="vnet0"),))
    assert owners(topology) == {"vnet0": "vnet0"}
    (told,) = topology.conflicts
    assert "web is on br1, but vnet0, which would be its port, is on br0" in told


def test_contradictions_are_bounded() -> None:
    static = tuple(StaticGuest(f"g{n}", switch="br1", port=f"p{n}") for n in range(100))
    told = seen(tuple(SeenPort(n + 3, f"p{n}", "br0") for n in range(100)), static=static).conflicts
    assert len(told) == MOST + 1
    assert "80 more" in told[-1]

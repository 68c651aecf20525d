"""Names put to ports, and positions that stay while ports come and go."""

from __future__ import annotations

from dataclasses import replace

from vpi_tui.inventory import merge as merging
from vpi_tui.inventory.join import joined
from vpi_tui.inventory.merge import merge
from vpi_tui.inventory.picture import Picture, SeenGuest, SeenPort
from vpi_tui.inventory.static import StaticGuest, StaticInventory, StaticSwitch
from vpi_tui.model.topology import Guest, Mirror, Port, Switch, Topology

BR0 = Switch("br0", "bridge", "probe", 2)
MAC_A, MAC_B = 0x02_0000_0000_0A, 0x02_0000_0000_0B
NOTHING = StaticInventory()


def picture(*ports: SeenPort, switches: tuple[Switch, ...] = (BR0,)) -> Picture:
    return Picture(switches, ports)


def merged(*ports: SeenPort, static: StaticInventory = NOTHING, before: Topology | None = None) -> Topology:
    return merge(picture(*ports), static, before or Topology())


def owners(topology: Topology) -> dict[str, str]:
    return {port.name: port.guest for port in topology.ports}


def test_a_guest_is_named_after_its_port_or_its_namespace() -> None:
    topology = merged(
        SeenPort(3, "vnet0", "br0", macs=(MAC_A,)), SeenPort(4, "veth9", "br0", namespace="web", pvid=30)
    )
    assert topology.guests == (Guest("vnet0", "br0", (MAC_A,)), Guest("web", "br0", kind="namespace"))
    assert topology.ports == (
        Port(3, "vnet0", "br0", "vnet0", macs=(MAC_A,)),
        Port(4, "veth9", "br0", "web", pvid=30),
    )


def test_a_guest_with_two_ports_is_one() -> None:
    topology = merged(
        SeenPort(3, "veth1", "br0", namespace="router", macs=(MAC_A,), ips=("10.0.0.1",)),
        SeenPort(4, "veth2", "br1", namespace="router", macs=(MAC_B,)),
    )
    assert topology.guests == (Guest("router", "br0", (MAC_A, MAC_B), ("10.0.0.1",), kind="namespace"),)
    assert owners(topology) == {"veth1": "router", "veth2": "router"}


def test_the_inventory_names_by_port_then_by_mac_then_by_address() -> None:
    static = StaticInventory(
        guests=(
            StaticGuest("by-port", port="vnet0", tags=("web",)),
            StaticGuest("by-mac", macs=(MAC_A,), ips=("10.0.0.8",)),
            StaticGuest("by-ip", ips=("10.0.0.9",)),
            StaticGuest("absent", port="vnet9"),
        )
    )
    topology = merged(
        SeenPort(3, "vnet0", "br0", macs=(MAC_B,), ips=("10.0.0.9",)),
        SeenPort(4, "vnet1", "br0", macs=(MAC_A,)),
        SeenPort(5, "vnet2", "br0", macs=(0x0C,), ips=("10.0.0.9",)),
        static=static,
    )
    assert owners(topology) == {"vnet0": "by-port", "vnet1": "by-mac", "vnet2": "by-ip"}
    known = {guest.name: guest for guest in topology.guests}
    assert known["by-port"] == Guest("by-port", "br0", (MAC_B,), ("10.0.0.9",), ("web",), "static")
    assert known["by-mac"].macs == (MAC_A,)
    assert known["absent"] == Guest("absent", "", source="static")


def test_the_port_of_another_guest_is_not_taken_by_its_mac() -> None:
    """A guest that forges the MAC of one that the inventory knows by port gets no name from it."""
    static = StaticInventory(guests=(StaticGuest("db", port="vnet0", macs=(MAC_A,)),))
    topology = merged(SeenPort(3, "vnet0", "br0"), SeenPort(4, "vnet1", "br0", macs=(MAC_A,)), static=static)
    assert owners(topology) == {"vnet0": "db", "vnet1": "vnet1"}


def test_a_namespace_cannot_pose_as_a_guest_of_the_inventory() -> None:
    static = StaticInventory(guests=(StaticGuest("db", port="vnet0"),))
    topology = merged(SeenPort(3, "vnet0", "br0"), SeenPort(4, "veth1", "br0", namespace="db"), static=static)
    assert owners(topology) == {"vnet0": "db", "veth1": "veth1"}


def test_an_entry_for_another_switch_does_not_count() -> None:
    static = StaticInventory(guests=(StaticGuest("web", switch="br1", port="vnet0"),))
    assert owners(merged(SeenPort(3, "vnet0", "br0"), static=static)) == {"vnet0": "vnet0"}


def test_uplinks_have_no_guest() -> None:
    static = StaticInventory(switches=(StaticSwitch("br0", uplinks=("tap7",)),))
    topology = merged(
        SeenPort(3, "eth0", "br0", uplink=True, macs=(MAC_A,)), SeenPort(4, "tap7", "br0"), static=static
    )
    assert [(port.uplink, port.guest) for port in topology.ports] == [(True, ""), (True, "")]
    assert not topology.guests


def test_a_port_that_gets_copies_has_no_guest_unless_the_inventory_names_one() -> None:
    seen = replace(
        picture(
            SeenPort(3, "vnet0", "br0"),
            SeenPort(4, "span", "br0", namespace="ids"),
            SeenPort(5, "span", "br1"),
        ),
        mirrors=(Mirror("m", "br0", "span"),),
    )
    topology = merge(seen, NOTHING, Topology())
    assert [(port.switch, port.guest) for port in topology.ports] == [
        ("br0", "vnet0"),
        ("br0", ""),
        ("br1", "span"),
    ]
    assert [guest.name for guest in topology.guests] == ["vnet0", "span"]
    static = StaticInventory(guests=(StaticGuest("sensor", switch="br0", port="span"),))
    assert owners(merge(replace(seen, ports=seen.ports[:2]), static, Topology()))["span"] == "sensor"


def test_positions_stay_and_newcomers_stand_behind() -> None:
    first = merged(SeenPort(3, "a", "br0"), SeenPort(4, "b", "br0"))
    second = merge(picture(SeenPort(5, "c", "br1"), switches=(Switch("br1", "bridge"),)), NOTHING, first)
    assert [guest.name for guest in second.guests] == ["a", "b", "c"]
    assert [(switch.name, switch.ifindex) for switch in second.switches] == [("br0", 0), ("br1", 0)]
    third = merged(SeenPort(9, "b", "br0", macs=(MAC_B,)), before=second)
    assert [(guest.name, guest.macs) for guest in third.guests] == [("a", ()), ("b", (MAC_B,)), ("c", ())]
    assert third.switches[0] == BR0


def test_what_has_gone_is_forgotten_when_it_is_too_much(monkeypatch) -> None:
    monkeypatch.setattr(merging, "MAX_GONE", 3)
    topology = Topology()
    for number in range(5):
        topology = merged(SeenPort(number + 3, f"veth{number}", "br0"), before=topology)
    assert [guest.name for guest in topology.guests] == ["veth4"]


def test_the_same_notice_is_told_once() -> None:
    seen = Picture(notices=("br0 is down.",), host_ips=("10.0.0.1",))
    topology = merge(joined([seen, seen]), NOTHING, Topology())
    assert topology.notices == ("br0 is down.",)
    assert topology.host_ips == ("10.0.0.1",)


def test_a_switch_that_is_only_named_is_there_with_its_guests() -> None:
    """What a sensor sees of guests whose switch is on another host."""
    static = StaticInventory(
        (StaticSwitch("br-prod", "vSwitch"),),
        (StaticGuest("web-1", "br-prod", macs=(MAC_A,)), StaticGuest("db-1", "br0", macs=(MAC_B,))),
    )
    managed = SeenGuest("app-1", "vm", "vCenter", networks=("VM Network", "Backup"))
    card = SeenPort(7, "cap0", "cap0", guests=False)
    seen = Picture((BR0, Switch("cap0", "interface", ifindex=7)), (card,), guests=(managed,))
    topology = merge(seen, static, Topology())
    assert [(switch.name, switch.kind, switch.source) for switch in topology.switches] == [
        ("br0", "bridge", "probe"),
        ("cap0", "interface", "probe"),
        ("br-prod", "vSwitch", "static"),
        ("VM Network", "elsewhere", "probe"),
    ]
    assert {guest.name: guest.switch for guest in topology.guests} == {
        "web-1": "br-prod",
        "db-1": "br0",
        "app-1": "VM Network",
    }

"""What guests say of themselves, beside what is certain of them."""

from __future__ import annotations

from dataclasses import replace

from scapy.packet import Packet

from tests.detect.behaviour.places import START, advertisement, arp, batch, raw_batch
from tests.inventory.wire.samples import IP4, MAC, carried, discover, llmnr, mdns, netbios
from vpi_tui.decode.decoder import Decoder
from vpi_tui.decode.neighbours import Neighbours
from vpi_tui.inventory.wire.facts import IPS_A_HOST, NAMES_A_HOST, RENAME_NS, STALE_NS, WireFacts
from vpi_tui.inventory.wire.messages import A_PORT_A_SECOND
from vpi_tui.model.topology import Guest, Port, Switch, Topology

PORT, OTHER, MAC_OTHER = 5, 6, "00:50:56:00:00:06"
NUMBER, NUMBER_OTHER = (int(mac.replace(":", ""), 16) for mac in (MAC, MAC_OTHER))
BASE = Topology(
    1,
    (Switch("br0", "bridge", ifindex=2),),
    (Port(PORT, "vnet5", "br0", "vnet5"), Port(OTHER, "vnet6", "br0", "vnet6")),
    (Guest("vnet5", "br0", (NUMBER,)), Guest("vnet6", "br0", (NUMBER_OTHER,))),
)


def learn(facts: WireFacts, *entering: tuple[int, Packet], at_ns: int = 0) -> None:
    packets = batch(entering, START + at_ns)
    decoded = Decoder().decode(packets)
    facts.learn(packets, decoded, Neighbours().hear(packets, decoded).claims)


def guests(facts: WireFacts, base: Topology = BASE) -> list[Guest]:
    return list(facts.added_to(base).guests)


def named(name: str) -> Packet:
    return carried(discover(("hostname", name.encode())), 67, source="0.0.0.0", sport=68)


def test_names_and_addresses_of_the_guest_at_the_port() -> None:
    facts = WireFacts()
    learn(
        facts,
        (PORT, named("web-1")),
        (PORT, carried(mdns("shop.local"), 5353)),
        (PORT, arp(MAC, IP4)),
        (PORT, advertisement(MAC, "fe80::9")),
        (OTHER, carried(netbios("FILES", address="10.0.0.6"), 137, mac=MAC_OTHER, source="10.0.0.6")),
    )
    assert facts.take_changed()
    first, second = guests(facts)
    assert first.name == "vnet5"
    assert first.learned == (("web-1", "DHCP"), ("shop", "mDNS"), ("KVM", "MAC"))
    assert first.ips == (IP4, "fe80::9")
    assert second.learned == (("FILES", "NBNS"), ("VMware", "MAC"))
    learn(facts, (PORT, named("web-1")), (PORT, arp(MAC, IP4)))
    assert not facts.take_changed()
    assert facts.added_to(BASE).serial == BASE.serial + 1


def test_an_answer_to_whom_asked_is_read_too() -> None:
    facts = WireFacts()
    learn(facts, (PORT, carried(llmnr("web-1"), 50000, sport=5355)))
    assert ("web-1", "LLMNR") in guests(facts)[0].learned


def test_what_is_certain_stays() -> None:
    """A manager's guest keeps its name and its kind, and its address goes to nobody else."""
    certain = Guest("db", "br0", (NUMBER_OTHER,), ("10.0.0.6",), uuid="u-1")
    base = replace(
        BASE, ports=(BASE.ports[0], Port(OTHER, "vnet6", "br0", "db")), guests=(BASE.guests[0], certain)
    )
    facts = WireFacts()
    learn(facts, (OTHER, named("evil")), (PORT, arp(MAC, "10.0.0.6")), (OTHER, arp(MAC_OTHER, "10.0.0.7")))
    first, second = guests(facts, base)
    assert first.ips == ()
    assert (second.name, second.ips) == ("db", ("10.0.0.6", "10.0.0.7"))
    assert second.learned == (("evil", "DHCP"),)


def test_an_address_stays_with_who_had_it_until_he_is_silent() -> None:
    facts = WireFacts()
    learn(facts, (PORT, arp(MAC, IP4)))
    learn(facts, (OTHER, arp(MAC_OTHER, IP4)), at_ns=1)
    assert [guest.ips for guest in guests(facts)] == [(IP4,), ()]
    learn(facts, (OTHER, arp(MAC_OTHER, IP4)), at_ns=STALE_NS + 1)
    assert [guest.ips for guest in guests(facts)] == [(), (IP4,)]


def test_where_no_port_tells_the_mac_does() -> None:
    base = Topology(
        1, (Switch("a.pcap", "file"),), (), (Guest("10.0.0.9", "a.pcap", (NUMBER,), source="learned"),)
    )
    facts = WireFacts()
    learn(facts, (0, named("web-1")), (0, arp(MAC, IP4)))
    (guest,) = guests(facts, base)
    assert (guest.name, guest.learned[0], guest.ips) == ("10.0.0.9", ("web-1", "DHCP"), (IP4,))


def test_a_guest_that_keeps_renaming_itself_is_bounded() -> None:
    facts = WireFacts()
    for number in range(100):
        learn(facts, (PORT, named(f"name-{number}")), at_ns=number * 100_000_000)
    assert [name for name, _ in guests(facts)[0].learned] == ["name-0", "name-1", "name-2", "KVM"]
    learn(facts, (PORT, named("renamed")), at_ns=RENAME_NS + 1_000_000_000)
    assert [name for name, _ in guests(facts)[0].learned] == ["name-1", "name-2", "renamed", "KVM"]
    assert NAMES_A_HOST == 3


def test_one_port_that_floods_keeps_no_other_from_being_heard() -> None:
    facts = WireFacts()
    flood = [(PORT, named(f"n{number}")) for number in range(2000)]
    learn(
        facts,
        *flood,
        (OTHER, carried(mdns("quiet.local", "10.0.0.6"), 5353, mac=MAC_OTHER, source="10.0.0.6")),
    )
    assert ("quiet", "mDNS") in guests(facts)[1].learned
    assert sum(facts._messages._read.values()) == A_PORT_A_SECOND + 1


def test_addresses_are_bounded_and_forgotten_with_their_port() -> None:
    facts = WireFacts()
    learn(facts, *((PORT, arp(MAC, f"10.9.0.{number}")) for number in range(1, 200)))
    assert len(guests(facts)[0].ips) == IPS_A_HOST
    senders = [
        bytes(arp(f"02:00:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}", IP4)) for n in range(4000)
    ]
    for start in range(0, 4000, 1000):
        packets = raw_batch(senders[start : start + 1000], [PORT] * 1000)
        decoded = Decoder().decode(packets)
    facts.learn(packets, decoded, Neighbours().hear(packets, decoded).claims)
    assert facts._count <= 1024
    facts.added_to(replace(BASE, ports=BASE.ports[1:]))
    assert facts._count == 0
    assert guests(facts)[0].ips == ()

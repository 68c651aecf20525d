"""Messages of rtnetlink, laid out as the kernel's headers say, and the bounds on what is kept of them."""

from __future__ import annotations

import os
import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.inventory import links, netlink
from vpi_tui.inventory.links import (
    AF_BRIDGE,
    IFINFO,
    IPS_A_MAC,
    MACS_A_PORT,
    NDMSG,
    NUD_PERMANENT,
    Function,
    Link,
    Vlans,
    ips_by_mac,
    macs_by_port,
    parse_link,
    parse_vlans,
    read_addresses,
    read_links,
    read_neighbours,
)
from vpi_tui.inventory.netlink import attribute
from vpi_tui.inventory.sriov import virtual_functions

NESTED = 0x8000
LEARNED, REACHABLE = 0, 0x02


def link_message(*attributes: bytes, ifindex: int = 7, flags: int = 0x10001) -> bytes:
    return IFINFO.pack(0, 1, ifindex, flags, 0) + b"".join(attributes)


def test_a_link() -> None:
    info = attribute(1, b"bridge\0") + attribute(2 | NESTED, attribute(7, b"\1"))
    body = link_message(
        attribute(3, b"br-\xff\0"),
        attribute(5, struct.pack("=I", 9)),
        attribute(10, struct.pack("=I", 4)),
        attribute(18 | NESTED, info),
        attribute(37, struct.pack("=i", 0)),
    )
    assert parse_link(body) == Link(7, "br-\\xff", "bridge", 4, 9, 0, 0x10001, True)


def test_a_link_that_says_little() -> None:
    assert parse_link(link_message()) == Link(7, "", flags=0x10001)


def vlan_message(*vlans: tuple[int, int]) -> bytes:
    """vlans: flags (pvid 2, untagged 4, begin of a range 8, its end 16) and VLAN."""
    packed = [attribute(2, struct.pack("=HH", flags, vlan)) for flags, vlan in vlans]
    return link_message(attribute(26 | NESTED, b"".join(packed)))


def test_the_vlans_of_a_port() -> None:
    assert parse_vlans(vlan_message((0, 20), (2 | 4, 30))) == (7, Vlans(30, (20,)))
    assert parse_vlans(vlan_message((8, 20), (16, 23), (0, 40))) == (7, Vlans(0, (20, 21, 22, 23, 40)))
    assert parse_vlans(vlan_message((4 | 8, 20), (4 | 16, 23))) == (7, Vlans())
    assert parse_vlans(link_message()) == (7, Vlans())


def test_the_state_of_a_port() -> None:
    def state(kind: bytes, number: int) -> str:
        data = attribute(5 | NESTED, attribute(1, bytes([number])))
        return parse_link(link_message(attribute(18 | NESTED, attribute(4, kind) + data))).state

    assert state(b"bridge\0", 4) == "blocking"
    assert state(b"bond\0", 4) == ""
    assert parse_link(link_message(flags=1)).state == "no-carrier"
    assert parse_link(link_message(flags=0)).state == "down"


def test_virtual_functions_of_a_card() -> None:
    def function(number: int, mac: bytes, vlan: int) -> bytes:
        address = struct.pack("=I32s", number, mac)
        return attribute(
            1 | NESTED, attribute(1, address) + attribute(2, struct.pack("=III", number, vlan, 0))
        )

    listed = function(0, b"\0" * 6, 0) + function(1, b"\x52\x54\0\0\0\1", 30) + attribute(1 | NESTED, b"")
    (found,) = [parse_link(link_message(attribute(3, b"eth0\0"), attribute(22 | NESTED, listed)))]
    assert found.functions == (Function(0, 0, 0), Function(1, 0x525400000001, 30))
    switches, ports = virtual_functions([found])
    assert [(switch.name, switch.kind) for switch in switches] == [("eth0 (SR-IOV)", "sr-iov")]
    assert [(port.name, port.bypass, port.macs, port.pvid) for port in ports] == [
        ("eth0 vf 1", "SR-IOV", (0x525400000001,), 30)
    ]
    of_the_host = Link(9, "eth0v1", mac=0x525400000001)
    assert virtual_functions([found, of_the_host]) == ([], [])


def test_a_tap_and_its_address() -> None:
    info = attribute(1, b"tun\0") + attribute(2 | NESTED, attribute(3, b"\2"))
    body = link_message(attribute(1, b"\xfe\x54\0\0\0\1"), attribute(18 | NESTED, info))
    assert parse_link(body) == Link(7, "", "tap", flags=0x10001, mac=0xFE5400000001)


def neighbour(ifindex: int, state: int, mac: bytes, ip: bytes = b"") -> bytes:
    body = NDMSG.pack(AF_BRIDGE, ifindex, state, 0, 0) + attribute(2, mac)
    return body + (attribute(1, ip) if ip else b"")


def test_learned_addresses() -> None:
    entries = [
        neighbour(3, LEARNED, b"\2\0\0\0\0\2"),
        neighbour(3, LEARNED, b"\2\0\0\0\0\1"),
        neighbour(3, LEARNED, b"\2\0\0\0\0\1"),
        neighbour(3, NUD_PERMANENT, b"\2\0\0\0\0\3"),
        neighbour(4, LEARNED, b"\1\0\x5e\0\0\1"),
        neighbour(4, LEARNED, b"\2\0\0"),
    ]
    assert macs_by_port(entries) == {3: (0x020000000001, 0x020000000002)}


def test_neighbours() -> None:
    mac, ip6 = b"\2\0\0\0\0\1", socket.inet_pton(socket.AF_INET6, "fe80::1")
    entries = [neighbour(2, REACHABLE, mac, ip6), neighbour(2, REACHABLE, mac, b"\x0a\0\0\1")]
    assert ips_by_mac([*entries, neighbour(2, 0x20, mac, b"\x0a\0\0\2")]) == {
        0x020000000001: ("10.0.0.1", "fe80::1")
    }


def test_a_guest_that_floods_the_tables_gets_a_few_entries() -> None:
    flood = [neighbour(3, LEARNED, b"\2" + number.to_bytes(5, "big")) for number in range(100)]
    first = macs_by_port(flood)
    assert len(first[3]) == MACS_A_PORT
    assert macs_by_port(flood[::-1], first) == first
    assert macs_by_port(flood[:2], first) == {3: (0x020000000000, 0x020000000001)}
    flood = [neighbour(2, REACHABLE, b"\2\0\0\0\0\1", number.to_bytes(4, "big")) for number in range(100)]
    assert len(ips_by_mac(flood)[0x020000000001]) == IPS_A_MAC


def test_a_table_that_was_cut_takes_no_addresses_away(monkeypatch) -> None:
    monkeypatch.setattr(links, "MAX_FORWARDING", 2)
    entries = [neighbour(3, LEARNED, b"\2\0\0\0\0\1"), neighbour(4, LEARNED, b"\2\0\0\0\0\2")]
    before = macs_by_port([*entries, neighbour(5, LEARNED, b"\2\0\0\0\0\3")])
    assert macs_by_port(entries, before) == before
    assert set(macs_by_port(entries[:1], before)) == {3}


@given(st.binary(max_size=200), st.integers(0, 40))
def test_any_bytes_are_taken_apart(data: bytes, start: int) -> None:
    for kind, value in netlink.each_attribute(data, start):
        assert 0 <= kind <= netlink.TYPE_MASK
        assert value in data


def test_this_host() -> None:
    """The real kernel: the loopback is there, and reading leaves no file open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    requests = netlink.Requests()
    try:
        found = {link.name: link for link in read_links(requests)}
        assert {name for _, name in socket.if_nameindex()} == set(found)
        assert found["lo"].loopback
        assert found["lo"].ifindex == socket.if_nametoindex("lo")
        if found["lo"].up:
            assert "127.0.0.1" in read_addresses(requests)
        read_neighbours(requests)
    finally:
        requests.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_dump_during_which_something_changed_is_made_anew() -> None:
    """The kernel marks such a dump: it may lack a link that is there."""

    class Interrupted(netlink.Requests):
        """The real kernel, of which the first answers are marked."""

        times = 0

        def _receive(self):  # type: ignore[no-untyped-def]
            for kind, flags, content in super()._receive():
                marked = self.times < self.marked
                self.times += kind == netlink.NLMSG_DONE
                yield kind, flags | (netlink.NLM_F_DUMP_INTR if marked else 0), content

        def __init__(self, marked: int) -> None:
            super().__init__()
            self.marked = marked

    for marked, asked in ((0, 1), (2, 3), (99, netlink.DUMPS_AT_MOST)):
        requests = Interrupted(marked)
        assert any(link.name == "lo" for link in read_links(requests))
        assert requests.times == asked
        requests.close()

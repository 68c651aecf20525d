"""The links of this host and what is known behind them, as rtnetlink tells it.

Sources: linux/if_link.h, linux/if_bridge.h, linux/neighbour.h, linux/if.h.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from vpi_tui.inventory import netlink

IFINFO = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, device type, ifindex, flags, change mask."""
IFADDR_BYTES = 8
NDMSG = struct.Struct("=BxxxiHBB")
"""struct ndmsg: family, ifindex, state, flags, type."""
AF_UNSPEC, AF_INET, AF_BRIDGE, AF_INET6 = 0, 2, 7, 10
IFF_UP, IFF_LOOPBACK, IFF_LOWER_UP = 0x1, 0x8, 0x10000
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 5, 10, 18
IFLA_AF_SPEC, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 26, 29, 37
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_BR_AGEING_TIME, IFLA_BR_VLAN_FILTERING, IFLA_BRPORT_STATE, IFLA_TUN_TYPE, IFF_TAP = 4, 7, 1, 3, 2
USER_HZ = 100
"""Units of a second in which bridges tell times."""
IFLA_BRIDGE_VLAN_INFO = 2
VLAN_IS_PVID, VLAN_UNTAGGED, VLAN_RANGE_BEGIN, VLAN_RANGE_END = 0x2, 0x4, 0x8, 0x10
EXT_FUNCTIONS, EXT_BRIDGE_VLANS_IN_RANGES, EXT_SKIP_STATS = 0x1, 0x4, 0x8
IFLA_VFINFO_LIST, IFLA_VF_INFO, IFLA_VF_MAC, IFLA_VF_VLAN = 22, 1, 1, 2
PORT_STATES = {0: "disabled", 1: "listening", 2: "learning", 3: "forwarding", 4: "blocking"}
"""BR_STATE_*: what the spanning tree lets a port of a bridge do."""
IFA_ADDRESS, IFA_LOCAL = 1, 2
NDA_DST, NDA_LLADDR = 1, 2
NUD_PERMANENT = 0x80
"""State of the forwarding entries for the bridge's own addresses."""
NUD_FAILED = 0x20

MAX_LINKS = 8_192
MAX_ADDRESSES = 2_048
MAX_FORWARDING = 4_096
MAX_NEIGHBOURS = 2_048
"""A guest can fill these tables; what is beyond is named by its port all the same."""
MACS_A_PORT = IPS_A_MAC = 8


_LEADS_OUT = frozenset(
    ["bond", "team", "vlan", "vxlan", "geneve", "gretap", "ip6gretap", "erspan", "wireguard"]
)
"""Kinds of link that lead out of this host. A link of no kind is a network card."""


@dataclass(frozen=True, slots=True)
class Link:
    """peer_namespace: id of the network namespace in which `peer` is; None: in this one."""

    ifindex: int
    name: str
    kind: str = ""
    """What `ip -d link` calls it, and "tap" for those that carry frames; "" for a network card."""
    master: int = 0
    peer: int = 0
    """ifindex of the other end of a veth pair, or of the device that a macvlan, macvtap or VLAN lies on."""
    peer_namespace: int | None = None
    flags: int = IFF_UP | IFF_LOWER_UP
    vlan_filtering: bool = False
    mac: int = 0
    """Its own address, 48 bits; 0 = it has none."""
    port_state: str = ""
    """What the spanning tree says of it; "" = it is no port of a bridge."""
    namespace: str = ""
    """Name of the network namespace of its peer; "" = it is in this one, or has no name."""
    functions: tuple[Function, ...] = ()
    ageing_s: float | None = None
    """Of a bridge: seconds after which it forgets an address; 0 = it hands every frame to every port."""

    @property
    def up(self) -> bool:
        return bool(self.flags & IFF_UP)

    @property
    def carrier(self) -> bool:
        return bool(self.flags & IFF_LOWER_UP)

    @property
    def loopback(self) -> bool:
        return bool(self.flags & IFF_LOOPBACK)

    @property
    def state(self) -> str:
        """As Port.state."""
        if not self.up:
            return "down"
        return self.port_state if self.carrier else "no-carrier"


class Function(NamedTuple):
    """A virtual function of a network card (SR-IOV). mac, vlan: 0 = none was set."""

    number: int
    mac: int
    vlan: int


class Vlans(NamedTuple):
    """VLANs of a bridge's port. pvid: of frames that come untagged; 0 = it takes none of these."""

    pvid: int = 0
    tagged: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """macs: learned by bridges, by ifindex of the port. ips: from ARP and neighbour discovery, by MAC."""

    macs: Mapping[int, tuple[int, ...]]
    ips: Mapping[int, tuple[str, ...]]


def leads_out(kind: str) -> bool:
    """True for a port behind which there is the world and no guest."""
    return not kind or kind in _LEADS_OUT


def read_links(requests: netlink.Requests) -> list[Link]:
    """All links. Raises OSError."""
    question = ifinfo(AF_UNSPEC, EXT_SKIP_STATS | EXT_FUNCTIONS)
    return [parse_link(body) for body in requests.dump(netlink.RTM_GETLINK, question, MAX_LINKS)]


def parse_link(body: bytes) -> Link:
    _, _, ifindex, flags, _ = IFINFO.unpack_from(body)
    found = netlink.attributes(body, IFINFO.size)
    info = netlink.attributes(found.get(IFLA_LINKINFO, b""))
    kind = netlink.text(info.get(IFLA_INFO_KIND))
    data = netlink.attributes(info.get(IFLA_INFO_DATA, b"")) if kind in ("bridge", "tun") else {}
    return Link(
        ifindex,
        netlink.text(found.get(IFLA_IFNAME)),
        "tap" if kind == "tun" and netlink.number(data.get(IFLA_TUN_TYPE)) == IFF_TAP else kind,
        netlink.number(found.get(IFLA_MASTER)) or 0,
        netlink.number(found.get(IFLA_LINK)) or 0,
        netlink.number(found.get(IFLA_LINK_NETNSID)),
        flags,
        kind == "bridge" and bool(netlink.number(data.get(IFLA_BR_VLAN_FILTERING))),
        _mac(found.get(IFLA_ADDRESS)),
        _port_state(info),
        ageing_s=_ageing(data) if kind == "bridge" else None,
        functions=_functions(found.get(IFLA_VFINFO_LIST, b"")),
    )


def _functions(listed: bytes) -> tuple[Function, ...]:
    found = []
    for kind, one in netlink.each_attribute(listed):
        info = netlink.attributes(one) if kind == IFLA_VF_INFO else {}
        if len(mac := info.get(IFLA_VF_MAC, b"")) >= 10:
            (number,) = struct.unpack_from("=I", mac)
            _, vlan = struct.unpack_from("=II", info.get(IFLA_VF_VLAN, b"").ljust(8, b"\0"))
            found.append(Function(number, _mac(mac[4:10]), vlan))
    return tuple(found)


def _ageing(bridge: netlink.Attributes) -> float | None:
    ticks = netlink.number(bridge.get(IFLA_BR_AGEING_TIME))
    return None if ticks is None else ticks / USER_HZ


def _port_state(info: netlink.Attributes) -> str:
    if info.get(IFLA_INFO_SLAVE_KIND, b"").rstrip(b"\0") != b"bridge":
        return ""
    data = netlink.attributes(info.get(IFLA_INFO_SLAVE_DATA, b""))
    state = netlink.number(data.get(IFLA_BRPORT_STATE))
    return PORT_STATES.get(state, "") if state is not None else ""


def read_vlans(requests: netlink.Requests) -> dict[int, Vlans]:
    """VLANs by ifindex of the bridge's port. Raises OSError."""
    question = ifinfo(AF_BRIDGE, EXT_BRIDGE_VLANS_IN_RANGES)
    found = (parse_vlans(body) for body in requests.dump(netlink.RTM_GETLINK, question, MAX_LINKS))
    return {ifindex: vlans for ifindex, vlans in found if vlans != Vlans()}


def parse_vlans(body: bytes) -> tuple[int, Vlans]:
    """ifindex of the port, and its VLANs."""
    ifindex = IFINFO.unpack_from(body)[2]
    return ifindex, _vlans(netlink.attributes(body, IFINFO.size).get(IFLA_AF_SPEC, b""))


@lru_cache(maxsize=1024)
def _vlans(specific: bytes) -> Vlans:
    """A trunk of all VLANs is long: ports that have the same share one value."""
    pvid = begin = 0
    tagged: list[int] = []
    for kind, value in netlink.each_attribute(specific):
        if kind != IFLA_BRIDGE_VLAN_INFO:
            continue
        flags, vlan = struct.unpack_from("=HH", value)
        if flags & VLAN_IS_PVID:
            pvid = vlan
        if flags & VLAN_RANGE_BEGIN:
            begin = vlan
        elif not flags & VLAN_UNTAGGED:
            tagged += range(begin if flags & VLAN_RANGE_END else vlan, vlan + 1)
    return Vlans(pvid, tuple(tagged))


def read_addresses(requests: netlink.Requests) -> tuple[str, ...]:
    """This host's own addresses. Raises OSError."""
    found: dict[str, None] = {}
    for body in requests.dump(netlink.RTM_GETADDR, b"\0" * IFADDR_BYTES, MAX_ADDRESSES):
        attributes = netlink.attributes(body, IFADDR_BYTES)
        packed = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
        if packed is not None and len(packed) in (4, 16):
            found[str(ipaddress.ip_address(packed))] = None
    return tuple(found)


NO_NEIGHBOURS = Neighbours({}, {})


def read_neighbours(requests: netlink.Requests, before: Neighbours = NO_NEIGHBOURS) -> Neighbours:
    """Who was seen where. before: the last answer. Raises OSError."""
    forwarding = requests.dump(netlink.RTM_GETNEIGH, NDMSG.pack(AF_BRIDGE, 0, 0, 0, 0), MAX_FORWARDING)
    tables = [
        requests.dump(netlink.RTM_GETNEIGH, NDMSG.pack(family, 0, 0, 0, 0), MAX_NEIGHBOURS)
        for family in (AF_INET, AF_INET6)
    ]
    return Neighbours(
        macs_by_port(forwarding, before.macs), ips_by_mac(body for table in tables for body in table)
    )


def macs_by_port(
    entries: Sequence[bytes], before: Mapping[int, tuple[int, ...]] | None = None
) -> dict[int, tuple[int, ...]]:
    """The learned addresses of each port, the first few of one that has many.

    before: the last answer. A port with many keeps what it had, and so does every port of which a table that
    was cut says nothing: a guest that floods the table changes nobody's addresses with each reading.
    """
    last = before or {}
    found: dict[int, list[int]] = {}
    for body in entries:
        _, ifindex, state, _, _ = NDMSG.unpack_from(body)
        mac = _mac(netlink.attributes(body, NDMSG.size).get(NDA_LLADDR))
        macs = found.setdefault(ifindex, [])
        if mac and not state & NUD_PERMANENT and len(macs) <= MACS_A_PORT and mac not in macs:
            macs.append(mac)
    result = dict(last) if len(entries) >= MAX_FORWARDING else {}
    for ifindex, macs in found.items():
        kept = last.get(ifindex, ()) if len(macs) > MACS_A_PORT else ()
        if macs:
            result[ifindex] = kept or tuple(sorted(macs[:MACS_A_PORT]))
    return result


def ips_by_mac(entries: Iterable[bytes]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for body in entries:
        state = NDMSG.unpack_from(body)[2]
        attributes = netlink.attributes(body, NDMSG.size)
        mac, packed = _mac(attributes.get(NDA_LLADDR)), attributes.get(NDA_DST, b"")
        if mac and len(packed) in (4, 16) and not state & NUD_FAILED:
            ips = found.setdefault(mac, [])
            if len(ips) < IPS_A_MAC:
                ips.append(str(ipaddress.ip_address(packed)))
    return {mac: tuple(sorted(ips, key=_v4_first)) for mac, ips in found.items()}


def _v4_first(ip: str) -> tuple[bool, str]:
    return ":" in ip, ip


def _mac(packed: bytes | None) -> int:
    """48 bits; 0 for a group address and for what is no MAC."""
    if packed is None or len(packed) != 6 or packed[0] & 1:
        return 0
    return int.from_bytes(packed, "big")


def ifinfo(family: int, extended: int) -> bytes:
    """The question of a dump of links. extended: EXT_ bits of what is wanted."""
    mask = netlink.attribute(IFLA_EXT_MASK, struct.pack("=I", extended))
    return IFINFO.pack(family, 0, 0, 0, 0) + mask

"""Who takes part: the guests of two virtual switches and the world beyond their uplinks.

Addresses of the outside are documentation ranges (RFC 5737, RFC 3849), so that no figure of the
demo points at somebody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from vpi_tui.model.topology import Guest, Port, Switch, Topology

PROD = "br-prod"
OPS = "br-ops"
DMZ, BLIND_PORT, BLIND_GUEST = "br-dmz", "vnet12", "legacy-01"
"""A switch with one guest that the demo deliberately does not watch: its blind spot."""
_OUI = 0x525400_000000


@dataclass(frozen=True, slots=True)
class Host:
    """One end of a conversation. ifindex: the port where its frames enter the switch."""

    name: str
    switch: str
    ifindex: int
    mac: int
    ip: str
    ip6: str = ""
    tags: tuple[str, ...] = ()
    ttl: int = 64
    inside: bool = True

    def v6(self) -> Host:
        """The same host, speaking from its IPv6 address."""
        return replace(self, ip=self.ip6)


def mac_text(mac: int) -> str:
    return ":".join(f"{mac >> shift & 0xFF:02x}" for shift in range(40, -8, -8))


def _guest(number: int, switch: str, name: str, last: int, *tags: str, ttl: int = 64) -> Host:
    net = 0 if switch == PROD else 1
    return Host(
        name,
        switch,
        ifindex=100 + number,
        mac=_OUI | 0x1A0000 | net << 8 | last,
        ip=f"10.20.{net}.{last}",
        ip6=f"2001:db8:20:{net}::{last:x}",
        tags=tags,
        ttl=ttl,
    )


WEB1 = _guest(1, PROD, "web-01", 11, "web", "prod")
WEB2 = _guest(2, PROD, "web-02", 12, "web", "prod")
APP1 = _guest(3, PROD, "app-01", 21, "app", "prod")
DB1 = _guest(4, PROD, "db-01", 31, "db", "prod")
DB2 = _guest(5, PROD, "db-replica", 32, "db", "prod")
DNS1 = _guest(6, PROD, "dns-01", 53, "infra", "prod")
FS1 = _guest(7, PROD, "win-fs01", 61, "windows", "files", ttl=128)
BACKUP1 = _guest(8, PROD, "backup-01", 90, "backup", "infra")
JUMP1 = _guest(9, OPS, "jump-01", 10, "ops", "bastion")
BUILD1 = _guest(10, OPS, "build-01", 40, "ops", "ci")
MAIL1 = _guest(11, OPS, "mail-01", 25, "mail")
HV1 = _guest(12, OPS, "hv-mgmt", 5, "mgmt")

GUESTS = (WEB1, WEB2, APP1, DB1, DB2, DNS1, FS1, BACKUP1, JUMP1, BUILD1, MAIL1, HV1)

GATEWAY_PROD = Host("gw-prod", PROD, 150, _OUI | 0x1A00FE, "10.20.0.1", "2001:db8:20:0::1", inside=False)
GATEWAY_OPS = Host("gw-ops", OPS, 151, _OUI | 0x1A01FE, "10.20.1.1", "2001:db8:20:1::1", inside=False)


def outside(ip: str, switch: str = PROD, ttl: int = 52) -> Host:
    """A host beyond the uplink of a switch: its frames come from the gateway's MAC."""
    gateway = GATEWAY_PROD if switch == PROD else GATEWAY_OPS
    return replace(gateway, name=ip, ip=ip, ip6=ip if ":" in ip else "", ttl=ttl)


ATTACKER = "203.0.113.66"
GUESSER = "198.51.100.77"
TUNNEL_RESOLVER = "203.0.113.53"
VISITORS = tuple(f"198.51.100.{n}" for n in range(20, 60)) + tuple(f"192.0.2.{n}" for n in range(30, 70))

SWITCH_IFINDEX = MappingProxyType({PROD: 10, OPS: 11})
_UPLINKS = (("eno1", GATEWAY_PROD), ("eno2", GATEWAY_OPS))


def topology() -> Topology:
    """The demo's switches, ports and guests; port numbers are those of the batches' ifindex."""
    ports = [Port(h.ifindex, f"vnet{n}", h.switch, h.name) for n, h in enumerate(GUESTS)]
    ports += [Port(h.ifindex, name, h.switch, uplink=True) for name, h in _UPLINKS]
    return Topology(
        serial=1,
        switches=tuple(Switch(name, "bridge", "demo", number) for name, number in SWITCH_IFINDEX.items()),
        ports=tuple(ports),
        guests=tuple(Guest(h.name, h.switch, (h.mac,), (h.ip, h.ip6), h.tags, "demo") for h in GUESTS),
    )


def whole() -> Topology:
    """What is watched, and the switch that is not."""
    watched = topology()
    return replace(
        watched,
        switches=(*watched.switches, Switch(DMZ, "bridge", "demo")),
        ports=(*watched.ports, Port(140, BLIND_PORT, DMZ, BLIND_GUEST)),
        guests=(*watched.guests, Guest(BLIND_GUEST, DMZ, source="demo")),
    )

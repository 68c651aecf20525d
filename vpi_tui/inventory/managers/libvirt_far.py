"""Guests of libvirt whose interfaces are not here: on another host, or in another network namespace.

They become ports without a device, at the switch that libvirt names for them. No packet is taken there, but a
sensor that gets copies of the traffic can be judged by what libvirt counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from vpi_tui.inventory.managers.libvirt_client import InterfaceCount
from vpi_tui.inventory.managers.words import distinct, plain
from vpi_tui.inventory.picture import SeenGuest, SeenPort
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.topology import Switch

TRUTH = "libvirt"
"""TrueCount.truth of what libvirt counted."""
ELSEWHERE = "another host"
"""Where a port is of which the address of the connection does not say it."""
KIND = "libvirt"
"""Switch.kind of a switch that only libvirt tells of."""
_HERE = frozenset(["localhost", "127.0.0.1", "::1"])


@dataclass(frozen=True, slots=True)
class Apart:
    """Guests, and of those that are not here their ports and switches. asked: uuid and tap of each port."""

    guests: tuple[SeenGuest, ...] = ()
    ports: tuple[SeenPort, ...] = ()
    switches: tuple[Switch, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()


def host_of(uri: str) -> str:
    """The host that a connection is made to; "" = this one."""
    try:
        host = plain(urlsplit(uri).hostname or "", 64)
    except ValueError:
        return ""
    return "" if host in _HERE else host


def apart(guests: Iterable[SeenGuest], host: str, here: Collection[str]) -> Apart:
    """host: as `host_of`. here: names of the interfaces of this host, which decide where none is named."""
    told: list[SeenGuest] = []
    ports: dict[tuple[str, str], SeenPort] = {}
    asked: list[tuple[str, str]] = []
    for guest in guests:
        far = [one for one in guest.interfaces if one.network and (host or one.port not in here)]
        for one in far:
            port = SeenPort(
                0,
                one.port,
                _at(one.network, host),
                macs=(one.mac,) if one.mac else (),
                kind="tap",
                far=host or ELSEWHERE,
            )
            if ports.setdefault((port.switch, port.name), port) is port:
                asked.append((guest.uuid, one.port))
        networks = distinct(_at(name, host) for name in guest.networks)
        told.append(replace(guest, ports=() if host else guest.ports, networks=networks))
    names = dict.fromkeys(port.switch for port in ports.values())
    return Apart(
        tuple(told),
        tuple(ports.values()),
        tuple(Switch(name, KIND) for name in names),
        tuple(asked),
    )


def _at(network: str, host: str) -> str:
    """A switch of another host: the same name may be there on each."""
    return f"{network}@{host}" if host and network else network


def true_counts(
    found: Apart, counts: Sequence[InterfaceCount], asked_ns: int, told_ns: int
) -> tuple[TrueCount, ...]:
    """asked_ns, told_ns: as TrueCount has them."""
    places = dict(zip(found.asked, found.ports, strict=True))
    return tuple(
        TrueCount(
            port.switch, port.name, one.bytes_in, one.bytes_out, one.packets_in, one.packets_out,
            TRUTH, wire=True, asked_ns=asked_ns, told_ns=told_ns,
        )
        for one in counts
        if (port := places.get((one.uuid, one.port))) is not None
    )  # fmt: skip

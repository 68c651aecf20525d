"""Remembers what guests say of themselves, and puts it beside what is certain of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from vpi_tui.inventory.wire.messages import Message, Messages
from vpi_tui.model.batch import DecodedBatch, PacketBatch
from vpi_tui.model.neighbours import Claim
from vpi_tui.model.ouis import hypervisor_of
from vpi_tui.model.topology import Guest, Topology

NAMES_A_HOST, IPS_A_HOST = 3, 8
RENAME_NS = 60_000_000_000
"""A host that has as many names as are kept gets another only so long after the last."""
STALE_NS = 300_000_000_000
"""An address is its first owner's until that has not claimed it for so long and another does."""
HOSTS_A_PORT = 1_024
MAX_HOSTS = 16_384
CARD = "MAC"
"""How the kind of a network card is known."""
_GROUP = 1 << 40


@dataclass(slots=True)
class _Host:
    """One MAC at one port. names: with the protocol of each, oldest first. ips: first and last claim."""

    names: dict[str, str] = field(default_factory=dict)
    named_ns: int = 0
    ips: dict[str, tuple[int, int]] = field(default_factory=dict)


class WireFacts:
    """Feed it batches; ask for the topology when `take_changed` says so."""

    def __init__(self) -> None:
        self._messages = Messages()
        self._ports: dict[int, dict[int, _Host]] = {}
        """By ifindex, then by MAC."""
        self._count = 0
        self._changed = True  # a MAC alone tells something

    def learn(self, packets: PacketBatch, decoded: DecodedBatch, claimed: Iterable[Claim]) -> None:
        """claimed: the addresses that the senders of the batch claim."""
        for message in self._messages.read(packets, decoded):
            self._name(message)
        for claim in claimed:
            self._claim(claim)

    def take_changed(self) -> bool:
        """Whether something was learned since the last question."""
        changed, self._changed = self._changed, False
        return changed

    def added_to(self, base: Topology) -> Topology:
        """`base` with what was learned of its guests: names and kinds in `learned`, addresses behind `ips`.

        A guest with a port is whoever is at that port, another one is known by its MAC. An address that is
        certain of one guest is never given to another.
        """
        if base.ports:
            self._keep({port.ifindex for port in base.ports})
        hosts = [list(found) for found in self._hosts_of(base)]
        certain = {(g.switch, ip): g.name for g in base.guests if g.certain for ip in g.ips}
        owners = self._owners(base.guests, hosts)
        guests = tuple(
            _with_facts(guest, found, [ip for ip in _ips(found) if _may_have(guest, ip, certain, owners)])
            for guest, found in zip(base.guests, hosts, strict=True)
        )
        return base if guests == base.guests else replace(base, guests=guests, serial=base.serial + 1)

    # What is kept -----------------------------------------------------------------------------

    def _name(self, message: Message) -> None:
        host = self._host(message.ifindex, message.mac)
        if host is None or message.name in host.names:
            return
        if len(host.names) >= NAMES_A_HOST:
            if message.ts_ns - host.named_ns < RENAME_NS:
                return
            del host.names[next(iter(host.names))]
        host.names[message.name], host.named_ns = message.source, message.ts_ns
        self._changed = True

    def _claim(self, claim: Claim) -> None:
        host = self._host(claim.ifindex, claim.mac)
        if host is None:
            return
        address = claim.address
        known = host.ips.get(address)
        if known is not None:
            host.ips[address] = known[0], claim.ts_ns
        elif len(host.ips) < IPS_A_HOST:
            host.ips[address] = claim.ts_ns, claim.ts_ns
            self._changed = True

    def _host(self, ifindex: int, mac: int) -> _Host | None:
        """None where there are as many as are kept, and for what is no sender."""
        if not mac or mac & _GROUP:
            return None
        at_port = self._ports.setdefault(ifindex, {})
        host = at_port.get(mac)
        if host is None and len(at_port) < HOSTS_A_PORT and self._count < MAX_HOSTS:
            host = at_port[mac] = _Host()
            self._count += 1
        return host

    def _keep(self, ports: set[int]) -> None:
        for ifindex in [ifindex for ifindex in self._ports if ifindex not in ports]:
            self._count -= len(self._ports.pop(ifindex))

    # What it means ----------------------------------------------------------------------------

    def _hosts_of(self, base: Topology) -> Iterator[Iterable[_Host]]:
        """The hosts that are each guest."""
        at: dict[str, list[int]] = {}
        for port in base.ports:
            if port.guest:
                at.setdefault(port.guest, []).append(port.ifindex)
        taken = {ifindex for ports in at.values() for ifindex in ports}
        by_mac: dict[int, list[_Host]] = {}
        for ifindex, hosts in self._ports.items():
            if ifindex not in taken:
                for mac, host in hosts.items():
                    by_mac.setdefault(mac, []).append(host)
        for guest in base.guests:
            if guest.name in at:
                yield (host for ifindex in at[guest.name] for host in self._ports.get(ifindex, {}).values())
            else:
                yield (host for mac in guest.macs for host in by_mac.get(mac, ()))

    @staticmethod
    def _owners(guests: tuple[Guest, ...], hosts: list[list[_Host]]) -> dict[tuple[str, str], str]:
        """Who has each address of a switch: who claimed it first, unless others alone do lately."""
        found: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
        for guest, its in zip(guests, hosts, strict=True):
            for host in its:
                for ip, (first, last) in host.ips.items():
                    found.setdefault((guest.switch, ip), []).append((first, last, guest.name))
        owners = {}
        for address, seen in found.items():
            newest = max(last for _, last, _ in seen)
            owners[address] = min(one for one in seen if one[1] >= newest - STALE_NS)[2]
        return owners


def _ips(hosts: list[_Host]) -> Iterator[str]:
    """IPv4 first: that is what people look for."""
    return iter(sorted({ip for host in hosts for ip in host.ips}, key=lambda ip: (":" in ip, ip)))


def _may_have(
    guest: Guest, ip: str, certain: dict[tuple[str, str], str], owners: dict[tuple[str, str], str]
) -> bool:
    address = guest.switch, ip
    return certain.get(address, guest.name) == guest.name and owners.get(address) == guest.name


def _with_facts(guest: Guest, hosts: list[_Host], ips: list[str]) -> Guest:
    """Names and addresses of a router are those of many."""
    if "router" in guest.tags:
        return guest
    names = {name: source for host in hosts for name, source in host.names.items() if name != guest.name}
    told = list(names.items())[:NAMES_A_HOST]
    if not guest.certain:
        told += [(kind, CARD) for kind in dict.fromkeys(map(hypervisor_of, guest.macs)) if kind]
    more = [ip for ip in ips if ip not in guest.ips][: max(IPS_A_HOST - len(guest.ips), 0)]
    if not told and not more:
        return guest
    return replace(guest, ips=(*guest.ips, *more), learned=tuple(told))

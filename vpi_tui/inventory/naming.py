"""Which guest is behind a port, by all that the sources say of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from vpi_tui.inventory.conflicts import FILE, Conflicts
from vpi_tui.inventory.picture import Picture, SeenGuest, SeenPort
from vpi_tui.inventory.static import StaticGuest, StaticInventory
from vpi_tui.model.topology import Guest


class Naming:
    """Finds a port's guest: by the port's name, else by a MAC or an address behind it.

    MACs and addresses name a guest; they never move one to another port whose guest is known by the port.
    """

    def __init__(self, static: StaticInventory, seen: Picture, conflicts: Conflicts) -> None:
        self._static, self._conflicts = static, conflicts
        here = {port.name for port in seen.ports if not port.far}
        self._entries = _Entries(static)
        self._managed = _Managed(seen.guests, here, conflicts)
        self._names = {entry.name for entry in static.guests}
        self._seen = seen
        self._told = _shown_names(seen.guests)
        self._copies = {(mirror.switch, mirror.output) for mirror in seen.mirrors}
        self._placed: set[int] = set()
        self._named: dict[int, StaticGuest] = {}
        """Entry of the file about a guest of a manager, by id() of the guest."""
        self._about: dict[str, SeenGuest] = {}
        """The other way round, by name of the entry."""
        for guest in seen.guests:
            if (entry := self._entries.of(guest)) is not None:
                self._named[id(guest)] = entry
                self._about.setdefault(entry.name, guest)
        conflicts.claims(self._claims())

    def uplink(self, port: SeenPort) -> bool:
        return port.uplink or port.name in self._static.uplinks(port.switch)

    def guest_of(self, port: SeenPort) -> Guest | None:
        """The guest behind a port; None where there is none, as behind one that gets a mirror's copies: a
        sensor. One that nobody knows is named after its network namespace, if that has a name, or after the
        port."""
        if not port.guests:
            return None
        uplink = self.uplink(port)
        managed = None if uplink else self._managed.at(port)
        entry = self._entry(port, uplink, managed)
        if managed is not None and entry is not None and entry.port != port.name:
            # Several guests are behind the port, and the file names another one than the manager.
            managed = managed if self._named.get(id(managed)) is entry else None
        if managed is not None:
            self._placed.add(id(managed))
        if entry is not None:
            self._compare(port, entry, managed)
            return _from_file(entry, port, managed)
        if uplink:
            return None
        if managed is not None:
            return _from_manager(self._shown(managed), port, managed)
        if (port.switch, port.name) in self._copies:
            return None
        name = port.namespace if port.namespace not in self._names else ""
        kind = "namespace" if name else ""
        return Guest(name or port.name, port.switch, port.macs, port.ips, kind=kind)

    def without_port(self, present: Collection[str]) -> Iterator[Guest]:
        """Guests that the file or a manager knows and of which no port is here."""
        known = set(present)
        for entry in self._static.guests:
            if entry.name not in known:
                known.add(entry.name)
                yield _from_file(entry, None, self._about.get(entry.name))
        for managed in self._seen.guests:
            if id(managed) in self._placed or id(managed) in self._named:
                continue
            name = self._shown(managed)
            if name not in known:
                known.add(name)
                yield _from_manager(name, None, managed)

    def _entry(self, port: SeenPort, uplink: bool, managed: SeenGuest | None) -> StaticGuest | None:
        entry = self._entries.by_port.get(port.name)
        if entry is None and not uplink:
            entry = (self._named.get(id(managed)) if managed else None) or self._entries.at(port)
        if entry is not None and entry.switch not in ("", port.switch, _own_name(port)):
            self._conflicts.elsewhere(port, entry)
            return None
        return entry

    def _compare(self, port: SeenPort, entry: StaticGuest, managed: SeenGuest | None) -> None:
        """A MAC in the file that fits makes another name a new name; a port alone may have changed hands."""
        if managed is not None and entry.port and managed.name != entry.name and not entry.fits(managed):
            self._conflicts.other_guest(port, entry, managed)

    def _shown(self, managed: SeenGuest) -> str:
        """The name of a guest that no entry of the file is about; never that of another guest."""
        name = self._told[id(managed)]
        if name not in self._names:
            return name
        shown = f"{name} ({managed.origin})"
        self._conflicts.name_is_taken(name, managed, shown)
        return shown

    def _claims(self) -> Iterator[tuple[int, str, str]]:
        for entry in self._static.guests:
            yield from ((mac, entry.name, FILE) for mac in entry.macs)
        for managed in self._seen.guests:
            named = self._named.get(id(managed))
            name = named.name if named else self._told[id(managed)]
            yield from ((mac, name, managed.origin) for mac in managed.macs)


def _own_name(port: SeenPort) -> str:
    """The switch of a port as the host calls it where it is."""
    return port.switch.removesuffix(f"@{port.far}") if port.far else port.switch


def _shown_names(guests: Iterable[SeenGuest]) -> dict[int, str]:
    """By id() of the guest: its name, with its manager's where another manager has one of that name."""
    taken: dict[str, SeenGuest] = {}
    names: dict[int, str] = {}
    for guest in guests:
        first = taken.setdefault(guest.name, guest)
        same = first is guest or same_guest(first, guest)
        names[id(guest)] = guest.name if same else f"{guest.name} ({guest.origin})"
    return names


def same_guest(one: SeenGuest, other: SeenGuest) -> bool:
    """Whether two managers speak of one guest (qemu's command line and libvirt do)."""
    if one.uuid and other.uuid:
        return one.uuid.lower() == other.uuid.lower()
    return bool(set(one.ports).intersection(other.ports) or set(one.macs).intersection(other.macs))


class _Entries:
    """Entries of the file by what tells them."""

    def __init__(self, static: StaticInventory) -> None:
        self.by_port = {entry.port: entry for entry in static.guests if entry.port}
        self._by_mac = {mac: entry for entry in static.guests if not entry.port for mac in entry.macs}
        self._by_ip = {
            ip: entry for entry in static.guests if not (entry.port or entry.macs) for ip in entry.ips
        }
        self._by_name = {entry.name: entry for entry in static.guests}

    def at(self, port: SeenPort) -> StaticGuest | None:
        found = [self._by_mac.get(mac) for mac in port.macs] + [self._by_ip.get(ip) for ip in port.ips]
        return next((one for one in found if one is not None), None)

    def of(self, managed: SeenGuest) -> StaticGuest | None:
        """The entry that is about a guest of a manager."""
        found = [self.by_port.get(port) for port in managed.ports]
        found += [self._by_mac.get(mac) for mac in managed.macs]
        found.append(self._by_name.get(managed.name))
        return next((one for one in found if one is not None and one.fits(managed)), None)


class _Managed:
    """Guests of the managers by port, else by MAC."""

    def __init__(self, guests: Iterable[SeenGuest], here: Collection[str], conflicts: Conflicts) -> None:
        self._by_port: dict[str, list[SeenGuest]] = {}
        self._by_mac: dict[int, SeenGuest] = {}
        self._conflicts = conflicts
        for guest in guests:
            for name in guest.ports:
                self._by_port.setdefault(name, []).append(guest)
            # One whose port is here is known by that: whoever else uses its MAC does not become it.
            if not any(name in here for name in guest.ports):
                for mac in guest.macs:
                    self._by_mac.setdefault(mac, guest)

    def at(self, port: SeenPort) -> SeenGuest | None:
        known = [] if port.far else self._by_port.get(port.name)
        if not known:
            return next((self._by_mac[mac] for mac in port.macs if mac in self._by_mac), None)
        for other in known[1:]:
            if other.name != known[0].name:
                self._conflicts.two_names(port, known[0], other)
        return known[0]


def _from_file(entry: StaticGuest, port: SeenPort | None, managed: SeenGuest | None) -> Guest:
    known = [(entry.macs, entry.ips)]
    known += [(port.macs, port.ips)] if port else []
    known += [(managed.macs, managed.ips)] if managed else []
    return Guest(
        entry.name,
        port.switch if port else entry.switch or _first(managed.networks if managed else ()),
        tuple(dict.fromkeys(mac for macs, _ in known for mac in macs)),
        tuple(dict.fromkeys(ip for _, ips in known for ip in ips)),
        entry.tags,
        "static",
        entry.kind or (managed.kind if managed else ""),
        managed.state if managed else "",
        managed.uuid if managed else "",
        entry.owner,
        entry.criticality,
        tuple(dict.fromkeys((*entry.macs, *(managed.macs if managed else ())))),
    )


def _from_manager(name: str, port: SeenPort | None, managed: SeenGuest) -> Guest:
    macs, ips = (port.macs, port.ips) if port else ((), ())
    return Guest(
        name,
        port.switch if port else _first(managed.networks),
        tuple(dict.fromkeys((*managed.macs, *macs))),
        tuple(dict.fromkeys((*managed.ips, *ips))),
        kind=managed.kind,
        state=managed.state,
        uuid=managed.uuid,
        own_macs=managed.macs,
    )


def _first(networks: tuple[str, ...]) -> str:
    """As one with several ports does, a guest without a port belongs to the first of its switches."""
    return networks[0] if networks else ""

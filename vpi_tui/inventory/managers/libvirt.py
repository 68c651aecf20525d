"""The domains of libvirt: whose tap is whose, also of those that do not run."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from vpi_tui.inventory.kind import ProbeKind, Setup
from vpi_tui.inventory.managers.libvirt_client import Client, Domain, open_client
from vpi_tui.inventory.managers.libvirt_far import Apart, apart, host_of, true_counts
from vpi_tui.inventory.managers.libvirt_xml import bridge_of, guest_of
from vpi_tui.inventory.managers.pace import Pace
from vpi_tui.inventory.managers.together import Together
from vpi_tui.inventory.picture import Picture, SeenGuest
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import VpiError

DEFAULT_URI = "qemu:///system"
URI_VARIABLE = "LIBVIRT_DEFAULT_URI"
_SOCKETS = tuple(
    Path("/run/libvirt") / name
    for name in ("libvirt-sock-ro", "virtqemud-sock-ro", "libvirt-sock", "virtqemud-sock")
)
"""Where a daemon listens, the monolithic and the modular one (libvirt.org/daemons.html)."""
COUNT_EVERY = 1.0
"""Seconds between two countings of interfaces that are not here."""
COUNT_SHARE = 4.0
"""A counting that takes long is followed by a pause so many times as long."""


def addresses(named: Sequence[str] = ()) -> tuple[str, ...]:
    """Connections to ask: those named, else that of the environment, else the system's where it runs."""
    if named:
        return tuple(dict.fromkeys(named))
    if uri := os.environ.get(URI_VARIABLE, "").strip():
        return (uri,)
    return (DEFAULT_URI,) if any(socket.exists() for socket in _SOCKETS) else ()


class LibvirtProbe:
    """One connection. It is opened with the first reading. Guests that are not here are also counted."""

    def __init__(self, uri: str, client: Client | None = None) -> None:
        self.name = f"libvirt {uri}"
        self._uri = uri
        self._client = client
        self._pace = Pace()
        self._host = host_of(uri)
        self._found = Apart()
        self._counts: tuple[TrueCount, ...] = ()
        self._count_at = float("-inf")
        self._uncounted = ""
        """Why the last counting failed."""

    def changed(self, now: float) -> bool:
        """Counts, too, when it is time for that."""
        before = self._uncounted
        if self._found.asked and now >= self._count_at:
            self._count(now)
        return self._pace.due(now) or self._uncounted != before

    def _count(self, now: float) -> None:
        asked_ns, began = time.time_ns(), time.monotonic()
        try:
            counts = self._opened().counts(self._found.asked)
            why = "" if counts else f"{self._uri} tells the figures of none of them."
        except VpiError as error:
            counts, why = [], str(error)
        self._uncounted = f"libvirt: the interfaces of guests are not counted. {why}" if why else ""
        self._counts = true_counts(self._found, counts, asked_ns, time.time_ns())
        took = time.monotonic() - began
        self._count_at = now + took + max(COUNT_EVERY, COUNT_SHARE * took)

    def counts(self) -> tuple[TrueCount, ...]:
        return self._counts

    def read(self) -> Picture:
        client = self._opened()
        domains = client.domains()
        bridges, problems = _bridges(client)
        guests: list[SeenGuest] = []
        for domain in domains:
            try:
                guests.append(_identified(guest_of(domain.xml, domain.state, bridges), domain))
            except VpiError as error:
                problems.append(f"libvirt: the domain {domain.uuid} of {self._uri} is left out. {error}")
        found = self._found = apart(guests, self._host, _interfaces_here())
        if not found.asked:
            self._uncounted = ""
        problems += [self._uncounted] if self._uncounted else []
        return Picture(found.switches, found.ports, guests=found.guests, notices=tuple(problems[-3:]))

    def close(self) -> None:
        self._pace.close()
        if self._client is not None:
            self._client.close()

    def _opened(self) -> Client:
        if self._client is None:
            self._client = open_client(self._uri)
        return self._client


def _interfaces_here() -> frozenset[str]:
    return frozenset(name for _, name in socket.if_nameindex())


def _bridges(client: Client) -> tuple[dict[str, str], list[str]]:
    """Bridge of each network, and what could not be read. A hypervisor without networks has none."""
    found: dict[str, str] = {}
    problems: list[str] = []
    try:
        described: Iterable[str] = client.networks()
    except VpiError:
        return found, problems
    for xml in described:
        try:
            name, bridge = bridge_of(xml)
        except VpiError as error:
            problems.append(f"libvirt: a network is left out. {error}")
            continue
        found[name] = bridge
    return found, problems


def _identified(guest: SeenGuest, domain: Domain) -> SeenGuest:
    """A domain without a name cannot be listed. Raises VpiError."""
    if not guest.name:
        raise VpiError(f"It has no name (uuid {domain.uuid}).")
    return guest


def _make(setup: Setup) -> Together:
    named = setup.option_list("libvirt", "uri")
    return Together(
        "libvirt",
        lambda: {uri: partial(LibvirtProbe, uri) for uri in addresses(named)},
        f"no daemon's socket below {_SOCKETS[0].parent}, no {URI_VARIABLE}, no probes.libvirt.uri",
    )


KIND = ProbeKind("libvirt", "libvirt", _make, aside=True)

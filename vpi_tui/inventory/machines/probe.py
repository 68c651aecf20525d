"""The probe: guests of the machines that run here, when links come or go. It runs aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vpi_tui.inventory import netlink
from vpi_tui.inventory.links import Link, read_links
from vpi_tui.inventory.machines.processes import Machine, Processes
from vpi_tui.inventory.picture import Picture, SeenGuest
from vpi_tui.model.errors import VpiError

REREAD = 30.0
"""Seconds after which all is looked through again though no link changed."""
REST = 1.0
"""Seconds between two walks, however often links change."""
TAPS = frozenset(["tap", "macvtap"])


class MachinesProbe:
    """Guests by name, UUID and MAC from command lines, and by the taps that their processes hold open.

    Who holds a tap is seen as root alone: what was seen before root was given up is kept, and machines that
    start later are known by their MAC.
    """

    name = "Machine processes"

    def __init__(self) -> None:
        self._processes = Processes()
        self._stale = True
        self._walk_after = self._reread_at = float("-inf")
        self._now = 0.0
        try:
            self._notices = netlink.LinkNotices()
            self._requests = netlink.Requests()
        except OSError as error:
            raise VpiError(f"Interfaces cannot be listed by netlink: {error.strerror or error}.") from error

    def changed(self, now: float) -> bool:
        self._now = now
        links, _ = self._notices.take()
        self._stale |= links or now >= self._reread_at
        return self._stale and now >= self._walk_after

    def read(self) -> Picture:
        self._stale = False
        self._walk_after, self._reread_at = self._now + REST, self._now + REREAD
        try:
            links = read_links(self._requests)
        except OSError as error:
            raise VpiError(f"Interfaces cannot be listed by netlink: {error.strerror or error}.") from error
        if not any(link.kind in TAPS for link in links):
            return Picture(absent="no tap and no macvtap")
        return picture_of(self._processes.machines(), links)

    def close(self) -> None:
        self._notices.close()
        self._requests.close()


def picture_of(machines: Sequence[Machine], links: Sequence[Link]) -> Picture:
    """Machines as guests. Two of one name are told apart by their process ids."""
    here = {link.name: link for link in links}
    by_index = {link.ifindex: link.name for link in links if link.kind == "macvtap"}
    names = [machine.command.name or machine.command.program for machine in machines]
    guests = tuple(
        _guest(machine, name if names.count(name) == 1 else f"{name} {machine.pid}", here, by_index)
        for machine, name in zip(machines, names, strict=True)
    )
    return Picture(guests=guests, absent="" if guests else "no process that runs a machine")


def _guest(machine: Machine, name: str, here: Mapping[str, Link], by_index: Mapping[int, str]) -> SeenGuest:
    command, held = machine.command, machine.held
    taps = [tap for tap in (*held.taps, *command.taps) if tap in here]
    taps += [by_index[ifindex] for ifindex in held.macvtaps if ifindex in by_index]
    return SeenGuest(
        name,
        "vm",
        command.program,
        tuple(dict.fromkeys(taps)),
        command.macs,
        uuid=command.uuid,
        state="running",
    )

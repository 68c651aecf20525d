"""What two sources say differently, as sentences that say which one holds."""

from __future__ import annotations

from collections.abc import Iterable

from vpi_tui.inventory.picture import SeenGuest, SeenPort, mac_text
from vpi_tui.inventory.static import StaticGuest

MOST = 20
"""Sentences that are told; a wrong file can be wrong in everything."""
FILE = "inventory.yaml"


class Conflicts:
    """Gathers them during one merge."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def sentences(self) -> tuple[str, ...]:
        told = tuple(self._found)[:MOST]
        more = len(self._found) - len(told)
        return (*told, f"{more} more contradictions between sources are not listed.") if more else told

    def _tell(self, sentence: str) -> None:
        self._found[sentence] = None

    def two_names(self, port: SeenPort, first: SeenGuest, second: SeenGuest) -> None:
        """Two managers claim one port for guests of different names."""
        self._tell(
            f"{first.origin} says that {port.name} on {port.switch} is a port of {first.name},"
            f" {second.origin} says of {second.name}; {first.name} is taken."
            f" Name it in {FILE} to decide."
        )

    def other_guest(self, port: SeenPort, entry: StaticGuest, guest: SeenGuest) -> None:
        """The file names a port whose guest its manager calls by another name: ports change hands."""
        self._tell(
            f"{FILE} says that {port.name} on {port.switch} is a port of {entry.name}, {guest.origin} says of"
            f" {guest.name}; {entry.name} is taken. If the port has changed hands, give the guest's mac"
            " instead of its port."
        )

    def name_is_taken(self, name: str, guest: SeenGuest, shown: str) -> None:
        """A manager calls a guest as the file calls another one."""
        self._tell(
            f"{FILE} and {guest.origin} both know a guest {name}, but not the same one:"
            f" that of {guest.origin} is shown as {shown}. Give its mac in {FILE} if they are one."
        )

    def elsewhere(self, port: SeenPort, entry: StaticGuest) -> None:
        """The port of an entry is on another switch than the entry says."""
        self._tell(
            f"{FILE} says that {entry.name} is on {entry.switch}, but {port.name}, which would be its port,"
            f" is on {port.switch}; the entry is not used for it. Correct `switch:` or leave it out."
        )

    def claims(self, claims: Iterable[tuple[int, str, str]]) -> None:
        """MAC addresses as (MAC, guest, who says so), of which two guests may have the same."""
        first: dict[int, tuple[str, str]] = {}
        for mac, name, origin in claims:
            known = first.setdefault(mac, (name, origin))
            if known[0] != name:
                self._tell(
                    f"The MAC address {mac_text(mac)} is said to be of {known[0]} (by {known[1]}) and of"
                    f" {name} (by {origin}); where no port tells, its traffic counts for {known[0]}."
                )

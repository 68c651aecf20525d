"""What is here and nobody looks at: switches and guests that coverage alone knows, as `-i` left them out.

They stand in the tree as well: an operator who does not see them there would take their silence for peace.
"""

from __future__ import annotations

from collections.abc import Iterable

from vpi_tui.model.coverage import PortCoverage, Verdict
from vpi_tui.model.snapshot import Counters, GuestStat, Snapshot, SwitchStat

STATE = "unwatched"
_GRAVEST_FIRST = (Verdict.BLIND, Verdict.ONE_WAY, Verdict.PARTIAL, Verdict.SEEN, Verdict.UNKNOWN)
"""A port that is not judged does not speak for its switch where another one is."""


def switches(snapshot: Snapshot) -> list[SwitchStat]:
    """Those that no packet came from, with the gravest verdict of their ports."""
    known = {"", *(switch.name for switch in snapshot.switches)}
    ports: dict[str, list[PortCoverage]] = {}
    for port in snapshot.coverage:
        if port.switch not in known:
            ports.setdefault(port.switch, []).append(port)
    return [
        SwitchStat(name, STATE, len(of_it), Counters(), (0, 0, 0), _gravest(of_it))
        for name, of_it in ports.items()
    ]


def guests(snapshot: Snapshot) -> list[GuestStat]:
    """Those behind ports that are not watched, also of a switch that is watched in part."""
    known = {"", *(guest.name for guest in snapshot.guests)}
    found = {port.guest: port for port in snapshot.coverage if port.switch and port.guest not in known}
    return [
        GuestStat(
            name, port.switch, port.port, (), (), (), "", False, Counters(), (0, 0, 0),
            coverage=str(port.verdict), state=STATE,
        )
        for name, port in found.items()
    ]  # fmt: skip


def _gravest(ports: Iterable[PortCoverage]) -> str:
    return str(min((port.verdict for port in ports), key=_GRAVEST_FIRST.index))

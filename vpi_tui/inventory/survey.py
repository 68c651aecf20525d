"""One look at everything, for whoever wants to know what each probe finds (`vpi-tui doctor`)."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.picture import Picture
from vpi_tui.inventory.registry import open_probes
from vpi_tui.inventory.static import StaticInventory
from vpi_tui.inventory.watch import Inventory
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Topology

WAIT = 5.0
"""Seconds that daemons have to answer."""


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """trouble: why it could not look, and what to do; "" = it could."""

    name: str
    found: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    probes: tuple[ProbeLine, ...]
    topology: Topology


def survey(options: Mapping[str, str], static: StaticInventory | None = None) -> Survey:
    """options: as Setup. static: inventory.yaml. Never raises for what a probe raises."""
    try:
        inventory = Inventory(open_probes(Setup(options)), static)
    except VpiError as error:
        return Survey((ProbeLine("interfaces", "not listed", str(error)),), Topology())
    try:
        topology = inventory.first_look(time.monotonic(), WAIT)
        away = inventory.away()
        lines = tuple(_line(name, picture, away) for name, picture in inventory.pictures().items())
    finally:
        inventory.close()
    return Survey(lines, topology)


def _line(name: str, picture: Picture, away: Collection[str]) -> ProbeLine:
    counts = (
        (len(picture.switches), "switch", "switches"),
        (len(picture.ports), "port", "ports"),
        (len(picture.mirrors), "mirror", "mirrors"),
        (len(picture.guests), "guest", "guests"),
    )
    found = ", ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in counts if number)
    if elsewhere := [switch.name for switch in picture.switches if switch.name in away]:
        found += f"; in another network namespace: {', '.join(elsewhere)}"
    trouble = " ".join(notice.removeprefix(f"{name}: ") for notice in picture.notices)
    return ProbeLine(name, found or picture.absent or "nothing", trouble)

"""The probes. A new one is a module with a ProbeKind, and its line in PROBES.

Those that find nothing stay silent; those that fail raise VpiError, which becomes a notice. A probe that
raises anything at all is contained: what it saw last stays, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vpi_tui.inventory import bridge, machines, openvswitch
from vpi_tui.inventory.aside import Aside
from vpi_tui.inventory.kind import ProbeKind, Setup
from vpi_tui.inventory.managers import docker, libvirt, vmware
from vpi_tui.inventory.picture import Probe

PROBES: Final[tuple[ProbeKind, ...]] = (
    bridge.KIND,
    openvswitch.KIND,
    libvirt.KIND,
    docker.KIND,
    vmware.KIND,
    machines.KIND,
)


def open_probes(setup: Setup, at_start: Callable[[], None] = lambda: None) -> list[Probe]:
    """All probes that are not switched off, started. at_start: what a thread of theirs does first.

    Raises VpiError when one that the engine cannot do without cannot be made.
    """
    return [_opened(kind, setup, at_start) for kind in PROBES if setup.wants(kind)]


def _opened(kind: ProbeKind, setup: Setup, at_start: Callable[[], None]) -> Probe:
    if kind.aside:
        return Aside(kind.name, lambda: kind.make(setup), at_start)
    return kind.make(setup)

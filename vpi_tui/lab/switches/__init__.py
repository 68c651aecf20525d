"""The kinds of switch that a lab can have. A new one is a module with a KIND and a line here."""

from __future__ import annotations

from typing import Final

from vpi_tui.lab.plan import SwitchKind
from vpi_tui.lab.switches import bridge, ovs
from vpi_tui.lab.switches.kind import Kind

KINDS: Final[dict[SwitchKind, Kind]] = {"bridge": bridge.KIND, "ovs": ovs.KIND}

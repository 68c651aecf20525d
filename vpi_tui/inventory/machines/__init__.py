"""Virtual machines by their processes: which program holds which tap, and what its command line says."""

from vpi_tui.inventory.kind import ProbeKind
from vpi_tui.inventory.machines.probe import MachinesProbe

KIND = ProbeKind("Machine processes", "machines", lambda _: MachinesProbe(), aside=True)

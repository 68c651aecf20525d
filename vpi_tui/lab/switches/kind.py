"""What a kind of switch must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vpi_tui.lab.commands import Shell
from vpi_tui.lab.names import Names
from vpi_tui.lab.plan import LabSwitch


@dataclass(frozen=True, slots=True)
class Kind:
    """make: the switch with the ports of all its guests, whose cables are there already, and a span port;
    False when there is none, because this kernel cannot copy. remove: all that such a switch of this lab may
    have left."""

    title: str
    missing: Callable[[], str]
    """Why there can be none on this machine, and what to do; "" = there can."""
    make: Callable[[Shell, Names, LabSwitch], bool]
    remove: Callable[[Shell, Names], None]

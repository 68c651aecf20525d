"""What an attack is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vpi_tui.lab.plan import LabSwitch


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that the attack should raise, as rules and behaviours number it."""

    sid: int
    msg: str
    gid: int = 1
    times: int = 1


@dataclass(frozen=True, slots=True)
class Attack:
    """attacker, target: roles; "" = no guest in particular. run: does it, and says in a sentence what."""

    name: str
    summary: str
    technique: str
    """Of MITRE ATT&CK."""
    attacker: str
    target: str
    alerts: tuple[Expected, ...]
    run: Callable[[LabSwitch], str]

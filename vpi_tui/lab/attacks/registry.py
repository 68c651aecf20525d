"""The attacks, in the order of the list. A new one is a module with an ATTACK and a line here."""

from __future__ import annotations

from typing import Final

from vpi_tui.lab.attacks import arpspoof, dnstunnel, lateral, macspoof, mgmt, scan, sqli, ssh, sweep
from vpi_tui.lab.attacks.attack import Attack

ATTACKS: Final[tuple[Attack, ...]] = (
    scan.ATTACK,
    sweep.ATTACK,
    sqli.ATTACK,
    ssh.ATTACK,
    arpspoof.ATTACK,
    macspoof.ATTACK,
    dnstunnel.ATTACK,
    lateral.ATTACK,
    mgmt.ATTACK,
)
BY_NAME: Final = {attack.name: attack for attack in ATTACKS}

"""What the operator has set of what rules see."""

from __future__ import annotations

from dataclasses import dataclass

from vpi_tui.detect.match.most_alerts import MOST_OF_A_PACKET


@dataclass(frozen=True, slots=True)
class InspectionOptions:
    passes_midstream: bool = False
    """No rule looks at TCP connections whose start was not seen."""
    midstream: bool = False
    """TCP connections whose start was not seen are followed."""
    inline: bool = False
    """A stream is inspected around each of its packets, when that comes."""
    drops_invalid: bool = False
    """What segments say that belong to no connection is not inspected."""
    most_alerts: int = MOST_OF_A_PACKET
    """So many alerts may a packet raise."""

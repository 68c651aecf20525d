"""What was learned of guests from the wire, in words that say that it is not certain."""

from __future__ import annotations

from vpi_tui.model.snapshot import GuestStat
from vpi_tui.view.escape import safe

CARD = "MAC"
"""How the kind of a network card is known; all else are names."""


def shown_name(guest: GuestStat, limit: int) -> str:
    """The guest's name; behind that of one that nobody names, what it calls itself: `vnet3 (web-1?)`."""
    nameless = guest.source == "learned" or guest.name == guest.port
    learned = next((name for name, source in guest.learned if source != CARD), "")
    if not nameless or not learned:
        return safe(guest.name, limit)
    return f"{safe(guest.name, limit)} ({safe(learned, 32)}?)"


def learned_words(guest: GuestStat) -> str:
    """All that was learned, each with how: "web-1 (DHCP), KVM (MAC)"; "" when nothing was."""
    return ", ".join(f"{safe(name, 64)} ({safe(source, 8)})" for name, source in guest.learned)

"""How far pass rules reach.

Source: signature_properties in the source of Suricata 8; "Action scopes" in its manual.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from vpi_tui.detect.match.ordering import is_about_addresses, is_about_flow
from vpi_tui.model.signature import Action, Signature


class Passes(IntEnum):
    """What a rule lets through when it holds."""

    NOTHING = 0
    PACKET = 1
    STATEFUL = 2
    """The packet; the flow when it was found in a stream or a transaction."""
    FLOW = 3
    """The packet and all that follows in its flow."""
    TRANSACTION = 4
    """The packet and all else of its transaction."""


_SCOPES: Final = {
    "packet": Passes.PACKET,
    "hook": Passes.PACKET,
    "flow": Passes.FLOW,
    "tx": Passes.TRANSACTION,
}


def what_passes(signature: Signature) -> Passes:
    """As the rule says (`pass:flow`), or by what it looks at: addresses or the application are the flow's."""
    if signature.action is not Action.PASS:
        return Passes.NOTHING
    if signature.action_scope != "auto":
        return _SCOPES[signature.action_scope]
    whole = is_about_addresses(signature) or is_about_flow(signature)
    return Passes.FLOW if whole else Passes.STATEFUL

"""snmp: version, who asks, and which variables are asked for."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer import ber
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.snmp import Message
from vpi_tui.detect.applayer.words import SNMP_TYPES

_PDU_TYPES: Final = {number: word for word, number in SNMP_TYPES.items()}
_TRAPS: Final = (
    "ColdStart", "WarmStart", "LinkDown", "LinkUp", "AuthenticationFailure", "EgpNeighborLoss",
    "EnterpriseSpecific",
)  # fmt: skip
"""RFC 1157, 4.1.6."""


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message = transaction.message
    if message.encrypted:
        return {"snmp": {"version": message.version, "pdu_type": "encrypted"}}
    kind, trap = message.pdu_type, message.trap_type
    return {
        "snmp": filled(
            version=message.version,
            pdu_type=_PDU_TYPES.get(kind, "") if kind is not None else "",
            trap_type=_trap(trap) if trap is not None else "",
            trap_oid=ber.object_identifier(message.trap_oid),
            trap_address=".".join(map(str, message.trap_address[:4])),
            vars=[ber.object_identifier(name) for name in message.variables[:MOST_LISTED]],
            community=message.community,
            usm=message.user,
        )
    }


def _trap(number: int) -> str:
    return _TRAPS[number] if 0 <= number < len(_TRAPS) else str(number)

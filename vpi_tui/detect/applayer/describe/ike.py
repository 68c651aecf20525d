"""ike: one message: header, payloads, and what the sides offer and choose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from vpi_tui.detect.applayer.describe.ike_names import (
    ATTRIBUTES,
    EXCHANGES1,
    NOTIFICATIONS,
    PAYLOADS1,
    PAYLOADS2,
    value_name,
)  # fmt: skip
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled
from vpi_tui.detect.applayer.ike.message import Message, Proposal
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.model.batch import Direction

_EVENT_VERSION: Final = 2
_ENCRYPTED, _INITIATOR = 1, 8
"""Bits of the flags, of IKEv1 and of IKEv2."""


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message | None = transaction.message
    if message is None:
        return {}
    to_server = bool(transaction.stage[Direction.TO_SERVER])
    payloads = PAYLOADS1 if message.version == 1 else PAYLOADS2
    own = _version1(message, to_server) if message.version == 1 else _version2(message)
    chosen = message.proposals[:1] if not to_server else []
    return {
        "ike": {
            "_v": _EVENT_VERSION,
            "version_major": message.version,
            "version_minor": message.minor,
            "init_spi": message.init_spi.hex(),
            "resp_spi": message.resp_spi.hex(),
            "message_id": message.number,
            "exchange_type": message.exchange,
            **filled(
                exchange_type_verbose=EXCHANGES1.get(message.exchange, "") if message.version == 1 else "",
                payload=[payloads[one] for one in message.payloads[:MOST_LISTED] if one in payloads],
                attributes=[one for proposal in chosen for one in _attributes(message.version, proposal)],
            ),
            **own,
        }
    }


def _version1(message: Message, to_server: bool) -> dict[str, Any]:
    side: dict[str, Any] = filled(
        key_exchange_payload=message.key_exchange.hex(),
        key_exchange_payload_length=len(message.key_exchange) or None,
        nonce_payload=message.nonce.hex(),
        nonce_payload_length=len(message.nonce) or None,
    )
    if to_server:
        offered = [one for proposal in message.proposals[:MOST_LISTED] for one in _attributes(1, proposal)]
        side |= filled(proposals=offered)
    return {
        "ikev1": {
            **filled(doi=message.domain),
            "encrypted_payloads": bool(message.flags & _ENCRYPTED),
            **filled(
                **{"client" if to_server else "server": side},
                vendor_ids=[one.hex() for one in message.vendors[:MOST_LISTED]],
            ),
        }
    }


def _version2(message: Message) -> dict[str, Any]:
    notified = [NOTIFICATIONS.get(one, f"Unknown({one})") for one in message.notifications[:MOST_LISTED]]
    return {
        "role": "initiator" if message.flags & _INITIATOR else "responder",
        "ikev2": {"errors": message.errors, **filled(notify=notified)},
    }


def _attributes(version: int, proposal: Proposal) -> Iterator[dict[str, Any]]:
    for word, number in proposal.attributes(version).items():
        if word in ATTRIBUTES:
            yield {"key": word, "value": value_name(version, word, number), "raw": number}

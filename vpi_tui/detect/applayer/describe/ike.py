"""ike: one message: header, payloads, and what the sides offer and choose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
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
from vpi_tui.detect.applayer.ike.message import (
    ATTRIBUTES1,
    TRANSFORMS2,
    Message,
    Secrets,
    Transform,
)
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.model.batch import Direction

_EVENT_VERSION: Final = 2
_INITIATOR: Final = 8
"""A flag of IKEv2."""
MOST_ATTRIBUTES: Final = 512
"""Attributes of all proposals that are written."""


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message | None = transaction.message
    if message is None:
        return {}
    to_server = bool(transaction.stage[Direction.TO_SERVER])
    payloads = PAYLOADS1 if message.version == 1 else PAYLOADS2
    own = _version1(message, to_server) if message.version == 1 else _version2(message)
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
                attributes=list(_attributes(message.version, _chosen(message, to_server))),
            ),
            **own,
        }
    }


def _chosen(message: Message, to_server: bool) -> Iterable[Transform]:
    """What the server has chosen: in IKEv1 in this message or before it."""
    if message.version == 1:
        return message.said.chosen
    return message.proposals[0].transforms if message.proposals and not to_server else ()


def _version1(message: Message, to_server: bool) -> dict[str, Any]:
    """Of messages that are not encrypted also what both sides have said before."""
    own: dict[str, Any] = filled(doi=message.said.domain)
    own["encrypted_payloads"] = message.encrypted
    if not message.encrypted:
        own["client"] = _secrets(message.said.client)
        if to_server:
            listed = (one for proposal in message.proposals for one in _attributes(1, proposal.transforms))
            own["client"] |= filled(proposals=list(islice(listed, MOST_ATTRIBUTES)))
        own |= filled(
            server=_secrets(message.said.server),
            vendor_ids=[one.hex() for one in message.vendors[:MOST_LISTED]],
        )
    return {"ikev1": own}


def _secrets(secrets: Secrets) -> dict[str, Any]:
    return filled(
        key_exchange_payload=secrets.key_exchange.hex(),
        key_exchange_payload_length=len(secrets.key_exchange) or None,
        nonce_payload=secrets.nonce.hex(),
        nonce_payload_length=len(secrets.nonce) or None,
    )


def _version2(message: Message) -> dict[str, Any]:
    notified = [NOTIFICATIONS.get(one, f"Unknown({one})") for one in message.notifications[:MOST_LISTED]]
    return {
        "role": "initiator" if message.flags & _INITIATOR else "responder",
        "ikev2": {"errors": message.errors, **filled(notify=notified)},
    }


def _attributes(version: int, transforms: Iterable[Transform]) -> Iterator[dict[str, Any]]:
    words = ATTRIBUTES1 if version == 1 else TRANSFORMS2
    for kind, number, raw in transforms:
        word = words.get(kind, "")
        if word in ATTRIBUTES:
            value = value_name(version, word, None if raw else number)
            yield {"key": word, "value": value, "raw": raw.hex() if raw else number}

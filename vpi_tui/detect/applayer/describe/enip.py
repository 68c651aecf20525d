"""enip: a request and its response, and the CIP services in them."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.enip_names import CLASSES, SERVICES, STATUSES
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.enip.cip import Cip
from vpi_tui.detect.applayer.enip.message import REGISTER_SESSION, Identity, Message, Offer
from vpi_tui.detect.applayer.enip.parser import EnipTransaction
from vpi_tui.detect.applayer.words import ENIP_COMMANDS, ENIP_STATUSES

_COMMANDS: Final = {
    number: "".join(part.capitalize() for part in word.split("_"))
    for word, number in reversed(ENIP_COMMANDS.items())
} | {0x6F: "SendRRData"}
_STATUSES: Final = {
    number: "".join(part.capitalize() for part in word.split("_")) for word, number in ENIP_STATUSES.items()
}


def describe(transaction: EnipTransaction) -> dict[str, Any]:
    request, response = transaction.request, transaction.response
    return {
        "enip": filled(
            request={**_head(request), **_asked(request)} if request is not None else {},
            response={**_head(response), **_answered(response)} if response is not None else {},
        )
    }


def _head(message: Message) -> dict[str, Any]:
    session = {}
    if message.command == REGISTER_SESSION and message.versions:
        session = {"protocol_version": message.versions[0], "options": message.options}
    return {
        "command": _COMMANDS.get(message.command, f"unknown-{message.command}"),
        "status": _STATUSES.get(message.status, f"unknown-{message.status}"),
        **filled(register_session=session),
    }


def _asked(message: Message) -> dict[str, Any]:
    if not message.cips:
        return {}
    first = message.cips[0]
    inner = [_request(one) for one in first.inner]
    return {"cip": {**_request(first), **filled(multiple=inner)}}


def _request(cip: Cip) -> dict[str, Any]:
    kinds = (("class", cip.classes), ("instance", cip.instances), ("attribute", cip.attributes))
    path = [
        {"segment_type": kind, "value": value} for kind, values in kinds for value in values[:MOST_LISTED]
    ]
    name = CLASSES.get(cip.classes[0], "") if cip.classes else ""
    return {"service": _service(cip), **filled(path=path, class_name=name)}


def _answered(message: Message) -> dict[str, Any]:
    cip = {}
    if message.cips:
        first = message.cips[0]
        cip = {**_response(first), **filled(multiple=[_response(one) for one in first.inner])}
    identity = _identity(message.identities[0]) if message.identities else {}
    services = _offer(message.offers[0]) if message.offers else {}
    return filled(cip=cip, identity=identity, list_services=services)


def _response(cip: Cip) -> dict[str, Any]:
    extended = cip.extended_status[0] if cip.extended_status else None
    return {
        "service": _service(cip),
        "status": STATUSES.get(cip.status, f"unknown-{cip.status}"),
        **filled(status_extended="" if extended is None else f"{extended:04x}"),
    }


def _service(cip: Cip) -> str:
    return SERVICES.get(cip.service, f"unknown-{cip.service}")


def _identity(one: Identity) -> dict[str, Any]:
    return {
        "protocol_version": one.version,
        "revision": f"{one.revision >> 8}.{one.revision & 0xFF}",
        "vendor_id": f"unknown-{one.vendor}",
        "device_type": f"unknown-{one.device_type}",
        "product_code": one.product,
        "status": one.status,
        "serial": one.serial,
        "product_name": text(one.name),
        "state": one.state,
    }


def _offer(one: Offer) -> dict[str, Any]:
    return {
        "protocol_version": one.version,
        "capabilities": one.capabilities,
        "service_name": text(one.name),
    }

"""enip: EtherNet/IP over TCP and UDP, and the CIP services in it (CIP Networks Library, volumes 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.base import BOTH, TO_CLIENT, TO_SERVER, Application, Buffer, Stage, application
from vpi_tui.detect.applayer.enip.cip import Cip, service_keys
from vpi_tui.detect.applayer.enip.message import Identity, Message
from vpi_tui.detect.applayer.enip.parser import EnipParser, EnipTransaction


def _bytes(name: str, directions: int, get: Callable[[Message], Iterable[bytes]]) -> Buffer:
    def instances(transaction: EnipTransaction, direction: int) -> Sequence[bytes]:
        message = transaction.of(direction)
        return list(get(message)) if message is not None else ()

    return Buffer(name, directions, Stage.DONE, instances)


def _numbers(name: str, directions: int, get: Callable[[Message], Iterable[int]]) -> Buffer:
    return _bytes(name, directions, lambda m: (value.to_bytes(4, "big") for value in get(m)))


def _identity(name: str, get: Callable[[Identity], int]) -> Buffer:
    return _numbers(name, TO_CLIENT, lambda m: (get(one) for one in m.identities[:1]))


def _cip(name: str, directions: int, get: Callable[[Cip], Iterable[int]]) -> Buffer:
    return _numbers(name, directions, lambda m: (value for cip in m.services() for value in get(cip)))


ENIP: Final[Application] = application(
    "enip",
    EnipParser,
    (
        _numbers("enip_command", BOTH, lambda m: (m.command,)),
        _numbers("enip.status", BOTH, lambda m: (m.status,)),
        _numbers("enip.protocol_version", BOTH, lambda m: m.versions),
        _numbers("enip.capabilities", TO_CLIENT, lambda m: (one.capabilities for one in m.offers[:1])),
        _bytes("enip.service_name", TO_CLIENT, lambda m: (one.name for one in m.offers[:1])),
        _bytes("enip.product_name", TO_CLIENT, lambda m: (one.name for one in m.identities[:1])),
        _identity("enip.vendor_id", lambda one: one.vendor),
        _identity("enip.device_type", lambda one: one.device_type),
        _identity("enip.product_code", lambda one: one.product),
        _identity("enip.revision", lambda one: one.revision),
        _identity("enip.identity_status", lambda one: one.status),
        _identity("enip.serial", lambda one: one.serial),
        _identity("enip.state", lambda one: one.state),
        _bytes("cip_service", BOTH, lambda m: (key for cip in m.services() for key in service_keys(cip))),
        _cip("enip.cip_class", TO_SERVER, lambda cip: cip.classes),
        _cip("enip.cip_instance", TO_SERVER, lambda cip: cip.instances),
        _cip("enip.cip_attribute", TO_SERVER, lambda cip: cip.attributes),
        _cip("enip.cip_status", TO_CLIENT, lambda cip: (cip.status,) if cip.is_response else ()),
        _cip("enip.cip_extendedstatus", TO_CLIENT, lambda cip: cip.extended_status),
    ),
    transports=("tcp", "udp"),
)

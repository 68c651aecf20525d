"""enip: EtherNet/IP over TCP and UDP, and the CIP services in it (CIP Networks Library, volumes 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, Application, Buffer, application
from vpi_tui.detect.applayer.enip.cip import Cip, service_keys
from vpi_tui.detect.applayer.enip.message import Identity, Message
from vpi_tui.detect.applayer.enip.parser import EnipParser, EnipTransaction
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def _of_either(name: str, get: Callable[[Message], Iterable[bytes]]) -> Buffer:
    """Of the message that goes the way that a rule is about."""

    def instances(transaction: EnipTransaction, direction: int) -> Sequence[bytes]:
        message = transaction.of(direction)
        return list(get(message)) if message is not None else ()

    return Buffer(name, BOTH, Stage.DONE, instances)


def _of_one(name: str, side: Direction, get: Callable[[Message], Iterable[bytes]]) -> Buffer:
    """Of the request or of the response alone, which rules about either way see, as in Suricata."""

    def instances(transaction: EnipTransaction, _direction: int) -> Sequence[bytes]:
        message = transaction.of(side)
        return list(get(message)) if message is not None else ()

    return Buffer(name, BOTH, Stage.DONE, instances)


def _as_bytes(get: Callable[[Message], Iterable[int]]) -> Callable[[Message], Iterable[bytes]]:
    return lambda message: (value.to_bytes(4, "big") for value in get(message))


def _identity(name: str, get: Callable[[Identity], int]) -> Buffer:
    return _of_one(name, CLIENT, _as_bytes(lambda m: (get(one) for one in m.identities[:1])))


def _cip(name: str, side: Direction, get: Callable[[Cip], Iterable[int]]) -> Buffer:
    return _of_one(name, side, _as_bytes(lambda m: (value for cip in m.services() for value in get(cip))))


ENIP: Final[Application] = application(
    "enip",
    EnipParser,
    (
        _of_either("enip_command", _as_bytes(lambda m: (m.command,))),
        _of_either("enip.status", _as_bytes(lambda m: (m.status,))),
        _of_either("enip.protocol_version", _as_bytes(lambda m: m.versions)),
        _of_one("enip.capabilities", CLIENT, _as_bytes(lambda m: (one.capabilities for one in m.offers[:1]))),
        _of_one("enip.service_name", CLIENT, lambda m: (one.name for one in m.offers[:1])),
        _of_one("enip.product_name", CLIENT, lambda m: (one.name for one in m.identities[:1])),
        _identity("enip.vendor_id", lambda one: one.vendor),
        _identity("enip.device_type", lambda one: one.device_type),
        _identity("enip.product_code", lambda one: one.product),
        _identity("enip.revision", lambda one: one.revision),
        _identity("enip.identity_status", lambda one: one.status),
        _identity("enip.serial", lambda one: one.serial),
        _identity("enip.state", lambda one: one.state),
        _of_either("cip_service", lambda m: service_keys(m.services())),
        _cip("enip.cip_class", SERVER, lambda cip: cip.classes),
        _cip("enip.cip_instance", SERVER, lambda cip: cip.instances),
        _cip("enip.cip_attribute", SERVER, lambda cip: cip.attributes),
        _cip("enip.cip_status", CLIENT, lambda cip: (cip.status,) if cip.is_response else ()),
        _cip("enip.cip_extendedstatus", CLIENT, lambda cip: cip.extended_status),
    ),
    transports=("tcp", "udp"),
)

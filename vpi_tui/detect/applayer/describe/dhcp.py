"""dhcp: one message: whose, which addresses, and the options that tell most."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.dhcp import CLIENT_ID, LEASE_TIME, REBINDING_TIME, RENEWAL_TIME, Message
from vpi_tui.detect.applayer.messages import MessageTransaction

_REQUEST, _REPLY = 1, 2
_SUBNET_MASK, _ROUTERS, _DNS_SERVERS, _HOST_NAME = 1, 3, 6, 12
_REQUESTED_IP, _TYPE, _PARAMETERS, _VENDOR_CLASS = 50, 53, 55, 60
_OPERATIONS: Final = {_REQUEST: "request", _REPLY: "reply"}
_TYPES: Final = {
    1: "discover", 2: "offer", 3: "request", 4: "decline", 5: "ack", 6: "nak", 7: "release", 8: "inform",
}  # fmt: skip
"""RFC 2132, 9.6."""
_ASKED: Final = {
    1: "subnet_mask", 3: "router", 6: "dns_server", 15: "domain", 35: "arp_timeout", 42: "ntp_server",
    66: "tftp_server_name", 150: "tftp_server_ip",
}  # fmt: skip
"""Options that a client asks for, as far as EVE names them."""


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message = transaction.message
    options = message.options
    from_server = {"relay_ip": _ip(message.relay), "next_server_ip": _ip(message.next_server)}
    return {
        "dhcp": filled(
            type=_OPERATIONS.get(message.operation, "<unknown>"),
            id=message.transaction,
            client_mac=message.hardware.hex(":"),
            assigned_ip=_ip(message.assigned),
            client_ip=_ip(message.client),
            **(from_server if message.operation == _REPLY else {}),
            dhcp_type=_kind(options.get(_TYPE, b"")),
            client_id=options.get(CLIENT_ID, b"")[1:].hex(":"),
            lease_time=_number(options.get(LEASE_TIME)),
            renewal_time=_number(options.get(RENEWAL_TIME)),
            rebinding_time=_number(options.get(REBINDING_TIME)),
            subnet_mask=_ip(options.get(_SUBNET_MASK, b"")),
            requested_ip=_ip(options.get(_REQUESTED_IP, b"")),
            hostname=text(options.get(_HOST_NAME, b"")),
            vendor_class_identifier=text(options.get(_VENDOR_CLASS, b"")),
            params=[_ASKED[one] for one in options.get(_PARAMETERS, b"") if one in _ASKED],
            dns_servers=_ips(options.get(_DNS_SERVERS, b"")),
            routers=_ips(options.get(_ROUTERS, b"")),
        )
    }


def _kind(option: bytes) -> str:
    return _TYPES.get(option[0], "unknown") if option else ""


def _number(option: bytes | None) -> int | None:
    return None if option is None else int.from_bytes(option)


def _ip(data: bytes) -> str:
    return str(IPv4Address(data)) if len(data) == 4 else ""


def _ips(data: bytes) -> list[str]:
    return [_ip(data[at : at + 4]) for at in range(0, len(data) - 3, 4)][:MOST_LISTED]

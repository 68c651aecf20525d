"""bittorrent_dht: one message; identifiers in hexadecimal, nodes and peers with their addresses."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

from vpi_tui.detect.applayer.bittorrent_dht import Message
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.messages import MessageTransaction

_ID: Final = 20
_IPV4, _IPV6 = 4, 16


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message | None = transaction.message
    if message is None:
        return {}
    makers: dict[bytes, Callable[[Any], dict[str, Any]]] = {b"q": _request, b"r": _response, b"e": _error}
    return {
        "bittorrent_dht": filled(
            transaction_id=message.transaction.hex(),
            client_version=message.client_version.hex(),
            request_type=message.request_type,
            **makers[message.kind](message.body),
        )
    }


def _request(body: dict[bytes, Any]) -> dict[str, Any]:
    words = {name: _hex(body, name.encode()) for name in ("id", "target", "info_hash", "token")}
    numbers = {name: _number(body.get(name.encode())) for name in ("implied_port", "port")}
    return {"request": filled(**words, **numbers)}


def _response(body: dict[bytes, Any]) -> dict[str, Any]:
    peers = body.get(b"values")
    listed = peers[:MOST_LISTED] if isinstance(peers, list) else []
    return {
        "response": {
            "id": _hex(body, b"id"),
            **filled(
                nodes=_nodes(body.get(b"nodes"), _IPV4),
                nodes6=_nodes(body.get(b"nodes6"), _IPV6),
                values=[_place(one) for one in listed if isinstance(one, bytes) and len(one) in (6, 18)],
                token=_hex(body, b"token"),
            ),
        }
    }


def _error(body: list[Any]) -> dict[str, Any]:
    """A number and a text, in whatever order."""
    number = next((one for one in body if isinstance(one, int)), None)
    message = next((one for one in body if isinstance(one, bytes)), b"")
    return {"error": filled(num=number, msg=text(message))}


def _nodes(found: Any, address: int) -> list[dict[str, Any]]:
    """Nodes side by side: identifier, address, port."""
    size = _ID + address + 2
    data = found[: MOST_LISTED * size] if isinstance(found, bytes) else b""
    places = range(0, len(data) - size + 1, size)
    return [{"id": data[at : at + _ID].hex(), **_place(data[at + _ID : at + size])} for at in places]


def _place(data: bytes) -> dict[str, Any]:
    """Of addresses of version 6 all digits are written, as in Suricata."""
    address = data[:-2]
    shown = address.hex(":", 2) if len(address) == _IPV6 else str(ip_address(address))
    return {"ip": shown, "port": int.from_bytes(data[-2:])}


def _hex(body: dict[bytes, Any], key: bytes) -> str:
    value = body.get(key)
    return value.hex() if isinstance(value, bytes) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None

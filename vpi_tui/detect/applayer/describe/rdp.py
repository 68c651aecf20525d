"""rdp: one message of how a connection is set up."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.rdp_names import KEYBOARD_LAYOUTS, KEYBOARD_TYPES, system
from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.rdp import Client, Message

_UNKNOWN: Final = "unknown"
_VERSIONS: Final = {
    0x00080001: "v4", 0x00080004: "v5", **{0x00080005 + minor: f"v10.{minor}" for minor in range(9)},
}  # fmt: skip
"""[MS-RDPBCGR], 2.2.1.3.2. 0x00080005 is version 10.0."""
_COLORS: Final = {0xCA00: 4, 0xCA01: 8, 0xCA02: 15, 0xCA03: 16, 0xCA04: 24}
_CAPABILITIES: Final = {
    0x0001: "support_errinfo_pdf", 0x0002: "want_32bpp_session", 0x0004: "support_statusinfo_pdu",
    0x0008: "strong_asymmetric_keys", 0x0020: "valid_connection_type",
    0x0040: "support_monitor_layout_pdu", 0x0080: "support_netchar_autodetect",
    0x0100: "support_dynvc_gfx_protocol", 0x0200: "support_dynamic_time_zone",
    0x0400: "support_heartbeat_pdu",
}  # fmt: skip


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message = transaction.message
    return {
        "rdp": filled(
            tx_id=max(0, transaction.number),
            event_type=message.kind,
            cookie=message.cookie,
            client=_client(message.client) if message.client is not None else {},
            channels=[text(name) for name in message.channels],
        )
    }


def _client(client: Client) -> dict[str, Any]:
    return filled(
        version=_VERSIONS.get(client.version, _UNKNOWN),
        desktop_width=client.width,
        desktop_height=client.height,
        color_depth=_COLORS.get(client.color_depth),
        keyboard_layout=KEYBOARD_LAYOUTS.get(client.keyboard_layout, _UNKNOWN),
        build=system(client.build) or _UNKNOWN,
        client_name=client.name,
        keyboard_type=KEYBOARD_TYPES.get(client.keyboard_type, ""),
        function_keys=client.function_keys or None,
        product_id=client.product,
        capabilities=[word for bit, word in _CAPABILITIES.items() if client.capabilities & bit],
        id=client.identifier,
    )

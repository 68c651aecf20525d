"""rfb: versions, how the client proves who it is, and the screen that it gets."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.rfb import RfbTransaction

_RESULTS: Final = {0: "OK", 1: "FAIL", 2: "TOOMANY"}


def describe(transaction: RfbTransaction) -> dict[str, Any]:
    result = transaction.result
    return {
        "rfb": filled(
            server_protocol_version=_version(transaction.server_version),
            client_protocol_version=_version(transaction.client_version),
            authentication=filled(
                security_type=transaction.security,
                vnc=filled(challenge=transaction.challenge.hex(), response=transaction.response.hex()),
                security_result="" if result is None else _RESULTS.get(result, f"UNKNOWN ({result})"),
            ),
            server_security_failure_reason=transaction.reason,
            screen_shared=transaction.shared,
            framebuffer=_screen(transaction) if transaction.init else {},
        )
    }


def _version(sent: bytes) -> dict[str, str]:
    major, _, minor = text(sent).partition(".")
    return {"major": major, "minor": minor} if sent else {}


def _screen(transaction: RfbTransaction) -> dict[str, Any]:
    """Width, height and pixel format (RFC 6143, 7.3.2 and 7.4)."""
    init = transaction.init
    red_max, green_max, blue_max = (int.from_bytes(init[at : at + 2]) for at in (8, 10, 12))
    return {
        "width": int.from_bytes(init[:2]),
        "height": int.from_bytes(init[2:4]),
        "name": text(transaction.name),
        "pixel_format": {
            "bits_per_pixel": init[4],
            "depth": init[5],
            "big_endian": init[6] != 0,
            "true_color": init[7] != 0,
            "red_max": red_max,
            "green_max": green_max,
            "blue_max": blue_max,
            "red_shift": init[14],
            "green_shift": init[15],
            "blue_shift": init[16],
        },
    }

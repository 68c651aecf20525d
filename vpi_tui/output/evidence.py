"""What an event shows of the wire: bytes in base64, as text, and whole frames."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from vpi_tui.output.protocols import LINK_TYPES

_SHOWN: Final = frozenset((*range(32, 127), *b"\r\n\t"))
_PRINTABLE: Final = bytes(byte if byte in _SHOWN else ord(".") for byte in range(256))
"""What stands for each byte."""


def printable(data: bytes) -> str:
    """What is no printable ASCII, nor an end of line, becomes a dot."""
    return data.translate(_PRINTABLE).decode("ascii")


def alert_context(
    evidence_payload: bytes, frame: bytes, link_type: int, *, payload: bool, packet: bool
) -> dict[str, Any]:
    """What an alert was raised on, as far as it is asked for."""
    context = _shown(evidence_payload) if payload and evidence_payload else {}
    if packet and frame:
        context |= frame_of(frame, link_type)
    return context


def protocol_frame(name: str, data: bytes, *, to_server: bool, whole: bool, payload: bool) -> dict[str, Any]:
    """A piece of a protocol's bytes that a rule with `frame` was raised on. whole: data is all of it."""
    fields: dict[str, Any] = {
        "type": name,
        "direction": "toserver" if to_server else "toclient",
        "complete": whole,
    }
    if whole:
        fields["length"] = len(data)
    return fields | (_shown(data) if payload else {})


def _shown(data: bytes) -> dict[str, Any]:
    return {"payload": b64encode(data).decode(), "payload_printable": printable(data)}


def frame_of(frame: bytes, link_type: int) -> dict[str, Any]:
    """A frame as it was on the wire, in base64, and what it is of."""
    name = LINK_TYPES.get(link_type, "n/a")
    return {
        "packet": b64encode(frame).decode(),
        "packet_info": {"linktype": link_type, "linktype_name": name},
    }

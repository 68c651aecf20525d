"""Names of frames by protocol: the pieces of a protocol's own bytes that rules look at (`frame:NAME`).

Kept apart from the parsers, so that reading rules imports none of them. A parser whose protocol stands
here emits them (base.FrameLog). Source: the frames that Suricata 8 lists by `--list-rule-protos` and
its chapter on frames.
"""

from __future__ import annotations

from typing import Final

STREAM: Final = "stream"
"""Every protocol has it: all bytes of one direction from its start on."""

FRAMES: Final[dict[str, tuple[str, ...]]] = {
    "dcerpc": ("hdr", "data", "pdu"),
    "dns": ("pdu",),
    "ftp": ("command_line", "response_line"),
    "http1": ("request", "response"),
    "doh2": ("hdr", "data", "pdu"),
    "http2": ("hdr", "data", "pdu"),
    "enip": ("hdr", "data", "pdu", "enip_item", "cip"),
    "ldap": ("pdu",),
    "websocket": ("header", "data", "pdu"),
    "mqtt": ("pdu", "header", "data"),
    "mdns": ("pdu",),
    "rfb": ("pdu",),
    "telnet": ("pdu", "ctl", "data"),
    "nfs": (
        "rpc.pdu", "rpc.hdr", "rpc.data", "rpc.creds", "nfs.pdu", "nfs.status",
        "nfs4.pdu", "nfs4.hdr", "nfs4.ops", "nfs4.status",
    ),
    "sip": (
        "pdu", "request.line", "request.headers", "request.body",
        "response.line", "response.headers", "response.body",
    ),
    "smb": (
        "nbss.pdu", "nbss.hdr", "nbss.data", "smb1.pdu", "smb1.hdr", "smb1.data",
        "smb2.pdu", "smb2.hdr", "smb2.data", "smb3.pdu", "smb3.hdr", "smb3.data",
    ),
    "smtp": ("command_line", "data", "response_line"),
    "ssh": ("record.hdr", "record.data", "record.pdu"),
    "tls": ("pdu", "hdr", "data", "alert", "heartbeat", "ssl2.hdr", "ssl2.pdu"),
}  # fmt: skip
"""Protocol -> names beside STREAM."""

PREFIX: Final = "frame:"
PROTOCOLS: Final = {"http": "http1", "ssl": "tls", "ikev2": "ike"}
"""Words of rules for protocols whose frames stand under another name."""


def frame_buffer(protocol: str, name: str) -> str:
    """The name of the buffer that such frames are looked at by."""
    return f"{PREFIX}{protocol}.{name}"


def frames_of(protocol: str) -> tuple[str, ...]:
    """All names of frames of a protocol."""
    return (*FRAMES.get(protocol, ()), STREAM)

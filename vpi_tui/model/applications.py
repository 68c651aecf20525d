"""Applications by name: what the flow table tells apart, and which of them a rule's protocol means."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.model.batch import U8

APP_PROTOS: Final = (
    "",
    "sip",
    "http",
    "http2",
    "tls",
    "ssh",
    "smb",
    "dcerpc",
    "rdp",
    "rfb",
    "imap",
    "pop3",
    "smtp",
    "ftp",
    "redis",
    "mysql",
    "postgresql",
    "mssql",
    "mqtt",
    "ldap",
    "krb5",
    "bittorrent",
    "rtsp",
    "irc",
    "vmware-auth",
    "iscsi",
    "rpc",
    "telnet",
    "modbus",
    "dnp3",
    "dns",
    "quic",
    "dhcp",
    "mdns",
    "llmnr",
    "nbns",
    "ssdp",
    "snmp",
    "ntp",
    "radius",
    "syslog",
    "tftp",
    "wireguard",
    "ikev2",
    "ikev1",
    "vxlan",
    "bittorrent-dht",
    "nfs",
    "doh2",
    "websocket",
    "enip",
    "ftp-data",
)
"""Number -> name; 0 = not known. Fits uint8."""

APP_FAILED: Final = 0xFF
"""In batches: enough was seen to say that it is none of them."""

RULE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "http": ("http", "http2", "doh2"),
    "http1": ("http",),
    "http2": ("http2", "doh2"),
    "dns": ("dns", "doh2"),
    "ssl": ("tls",),
    "ike": ("ikev1", "ikev2"),
    "ikev2": ("ikev1", "ikev2"),
    "nfs": ("nfs",),
    "dcerpc": ("dcerpc", "smb"),
    "pgsql": ("postgresql",),
    **{
        name: (name,)
        for name in (
            "bittorrent-dht", "dhcp", "dnp3", "doh2", "enip", "ftp", "ftp-data", "imap", "irc", "krb5",
            "ldap", "mdns", "modbus", "mqtt", "ntp", "pop3", "quic", "rdp", "rfb", "sip", "smb", "smtp",
            "snmp", "ssh", "telnet", "tftp", "tls", "websocket",
        )
    },
}  # fmt: skip
"""Protocol words of rules -> names in APP_PROTOS."""

UDP_ONLY: Final = frozenset({"bittorrent-dht", "dhcp", "mdns", "ntp", "quic", "tftp", "ike", "ikev2"})
BOTH_TRANSPORTS: Final = frozenset({"dns", "enip", "krb5", "ldap", "nfs", "sip", "snmp", "dcerpc"})
"""Words whose flows are (also) UDP; all others are TCP."""


def app_numbers(word: str) -> tuple[int, ...]:
    """Numbers in APP_PROTOS that a protocol word of a rule means; empty when it means none."""
    return tuple(sorted(APP_PROTOS.index(name) for name in RULE_WORDS.get(word, ())))


_UNDIVIDED: Final = (
    "", "imap", "redis", "mysql", "mssql", "rtsp", "irc", "vmware-auth", "iscsi", "rpc", "smb",
)  # fmt: skip
"""Applications of which no parser of Suricata's tells the inspection of streams where a message ends: there
is none, or it does not, as that of SMB. "" = none is known."""


def _undivided() -> U8:
    made = np.zeros(256, np.uint8)
    made[[APP_FAILED, *(APP_PROTOS.index(name) for name in _UNDIVIDED)]] = 1
    return made


UNDIVIDED: Final[U8] = _undivided()
"""uint8[256], by number: 1 = streams of the application are inspected in windows, of whatever messages."""

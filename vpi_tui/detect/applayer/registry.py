"""The protocols that are followed. A new one adds its line here and its words in names.py."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.bittorrent_dht import BITTORRENT_DHT
from vpi_tui.detect.applayer.dcerpc import DCERPC
from vpi_tui.detect.applayer.dhcp import DHCP
from vpi_tui.detect.applayer.dnp3 import DNP3
from vpi_tui.detect.applayer.dns import DNS
from vpi_tui.detect.applayer.enip import ENIP
from vpi_tui.detect.applayer.ftp import FTP
from vpi_tui.detect.applayer.ftp.data import FTP_DATA
from vpi_tui.detect.applayer.http import HTTP1
from vpi_tui.detect.applayer.http2 import DOH2, HTTP2
from vpi_tui.detect.applayer.ike import IKE
from vpi_tui.detect.applayer.krb5 import KRB5
from vpi_tui.detect.applayer.ldap import LDAP
from vpi_tui.detect.applayer.mdns import MDNS
from vpi_tui.detect.applayer.modbus import MODBUS
from vpi_tui.detect.applayer.mqtt import MQTT
from vpi_tui.detect.applayer.nfs import NFS
from vpi_tui.detect.applayer.ntp import NTP
from vpi_tui.detect.applayer.pgsql import PGSQL
from vpi_tui.detect.applayer.pop3 import POP3
from vpi_tui.detect.applayer.quic import QUIC
from vpi_tui.detect.applayer.rdp import RDP
from vpi_tui.detect.applayer.rfb import RFB
from vpi_tui.detect.applayer.sip import SIP
from vpi_tui.detect.applayer.smb import SMB
from vpi_tui.detect.applayer.smtp import SMTP
from vpi_tui.detect.applayer.snmp import SNMP
from vpi_tui.detect.applayer.ssh import SSH
from vpi_tui.detect.applayer.telnet import TELNET
from vpi_tui.detect.applayer.tftp import TFTP
from vpi_tui.detect.applayer.tls import TLS
from vpi_tui.detect.applayer.websocket import WEBSOCKET

APPLICATIONS: Final[tuple[Application, ...]] = (
    DNP3,
    DCERPC,
    BITTORRENT_DHT,
    DHCP,
    DNS,
    MDNS,
    NFS,
    NTP,
    SNMP,
    TFTP,
    DOH2,
    ENIP,
    FTP,
    FTP_DATA,
    HTTP1,
    HTTP2,
    IKE,
    KRB5,
    LDAP,
    MODBUS,
    MQTT,
    QUIC,
    PGSQL,
    POP3,
    RDP,
    RFB,
    SIP,
    SMB,
    SMTP,
    SSH,
    TELNET,
    TLS,
    WEBSOCKET,
)

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "dcerpc": ("dcerpc", "smb"),
    "http": ("http1", "http2", "doh2"),
    "http2": ("http2", "doh2"),
    "dns": ("dns", "doh2"),
    "ssl": ("tls",),
    "ikev2": ("ike",),
}
"""Words of rule headers that mean other protocols than the one of their name."""
FOUND_IN: Final[dict[str, tuple[str, ...]]] = {"http2": ("doh2",)}
"""Protocols whose transactions the parser of another one finds."""
FILES_JOINED: Final = frozenset({"http1", "http2"})
"""Protocols whose files are put together of what several flows bring (ranges.py)."""


@cache
def by_name() -> dict[str, Application]:
    return {found.name: found for found in APPLICATIONS}


def meant_by(word: str) -> tuple[str, ...]:
    """Names of the protocols that a rule header's word means; empty when there is none."""
    names = WORDS.get(word, (word,))
    return tuple(name for name in names if name in by_name())


@cache
def with_buffer(name: str) -> frozenset[str]:
    """Names of the protocols that have a buffer."""
    return frozenset(found.name for found in APPLICATIONS if name in found.buffers)


def with_predecessors(names: Iterable[str]) -> set[str]:
    """These protocols, and those that flows of them may have begun as."""
    found = set(names)
    for name in tuple(found):
        found.update(by_name()[name].after)
    return found

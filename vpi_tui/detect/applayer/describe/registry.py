"""Which protocols the log knows to describe. A new one adds its line."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from vpi_tui.detect.applayer.describe import (
    bittorrent_dht,
    dcerpc,
    dhcp,
    dnp3,
    dns,
    enip,
    ftp,
    ftp_data,
    http,
    http2,
    ike,
    krb5,
    ldap,
    mdns,
    modbus,
    mqtt,
    nfs,
    ntp,
    pgsql,
    pop3,
    quic,
    rdp,
    rfb,
    sip,
    smb,
    smtp,
    snmp,
    ssh,
    tftp,
    tls,
    websocket,
)
from vpi_tui.detect.applayer.transaction import DONE, Transaction
from vpi_tui.model.batch import Direction


class Ends(Enum):
    """What says that nothing more will come of a transaction, beside its parser."""

    MESSAGE = 1
    """One direction is done: it has no other."""
    BOTH = 2
    """Both directions are done."""
    ANSWER = 3
    """The server's is done: what it answers may not have been seen."""


# Bound once: until Python 3.12 a member is looked up in its enum by a call.
_SERVER, _CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
_MESSAGE, _ANSWER = Ends.MESSAGE, Ends.ANSWER


class Description(NamedTuple):
    """event_type: how the log calls the protocol. `describe` gives {} of what was no message.

    by_sender: its source is who has sent the message; otherwise it is always the client. is_told: does the
    log have an event of the transaction, or only its alerts? None = it has.
    """

    event_type: str
    describe: Callable[[Any], dict[str, Any]]
    ends: Ends = Ends.BOTH
    by_sender: bool = False
    is_told: Callable[[Any], bool] | None = None


DESCRIPTIONS: Final[dict[str, Description]] = {
    "bittorrent-dht": Description("bittorrent_dht", bittorrent_dht.describe, Ends.MESSAGE, by_sender=True),
    "dcerpc": Description("dcerpc", dcerpc.describe, Ends.ANSWER),
    "dhcp": Description("dhcp", dhcp.describe, Ends.MESSAGE, by_sender=True),
    "dnp3": Description("dnp3", dnp3.describe, Ends.MESSAGE),
    "dns": Description("dns", dns.describe, Ends.MESSAGE),
    "doh2": Description("dns", http2.describe),
    "enip": Description("enip", enip.describe, Ends.ANSWER),
    "ftp": Description("ftp", ftp.describe, Ends.ANSWER),
    "ftp-data": Description("ftp_data", ftp_data.describe),
    "http1": Description("http", http.describe),
    "http2": Description("http", http2.describe),
    "ike": Description("ike", ike.describe, Ends.MESSAGE, by_sender=True),
    "krb5": Description("krb5", krb5.describe, Ends.MESSAGE, by_sender=True),
    "ldap": Description("ldap", ldap.describe, Ends.ANSWER),
    "mdns": Description("mdns", mdns.describe, Ends.MESSAGE),
    "modbus": Description("modbus", modbus.describe, Ends.ANSWER),
    "mqtt": Description("mqtt", mqtt.describe, Ends.MESSAGE, by_sender=True),
    "nfs": Description("nfs", nfs.describe, Ends.ANSWER),
    "ntp": Description("ntp", ntp.describe, Ends.MESSAGE, by_sender=True),
    "pgsql": Description("pgsql", pgsql.describe, Ends.ANSWER),
    "pop3": Description("pop3", pop3.describe, Ends.ANSWER),
    "quic": Description("quic", quic.describe, Ends.MESSAGE, by_sender=True),
    "rdp": Description("rdp", rdp.describe, Ends.MESSAGE, by_sender=True),
    "rfb": Description("rfb", rfb.describe),
    "sip": Description("sip", sip.describe, Ends.MESSAGE, by_sender=True),
    "smb": Description("smb", smb.describe, Ends.ANSWER),
    "smtp": Description("smtp", smtp.describe),
    "snmp": Description("snmp", snmp.describe, Ends.MESSAGE, by_sender=True),
    "ssh": Description("ssh", ssh.describe),
    "tftp": Description("tftp", tftp.describe, Ends.MESSAGE, by_sender=True),
    "tls": Description("tls", tls.describe, is_told=tls.is_told),
    "websocket": Description("websocket", websocket.describe, Ends.MESSAGE, by_sender=True),
}
"""By the name of the Application."""


def is_complete(description: Description, transaction: Transaction) -> bool:
    """Nothing more will come of it."""
    if transaction.over:
        return True
    asked, told = transaction.stage[_SERVER] is DONE, transaction.stage[_CLIENT] is DONE
    ends = description.ends
    if ends is _MESSAGE:
        return asked or told
    return told and (asked or ends is _ANSWER)


class Describer:
    """Describes transactions. A flaw in a description is counted, and no more is said of the transaction."""

    def __init__(self) -> None:
        self.errors = 0

    def __call__(self, application: str, transaction: Transaction) -> dict[str, Any]:
        """The objects of the event by name; {} when there is nothing to say."""
        description = DESCRIPTIONS.get(application)
        try:
            return description.describe(transaction) if description is not None else {}
        except (ValueError, IndexError, KeyError, AttributeError, TypeError, OverflowError):
            self.errors += 1
            return {}

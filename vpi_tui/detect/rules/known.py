"""Words of Suricata's rule language that are not supported here yet: refused by name, not as a typo.

Source: the keyword chapters of the Suricata user guide (8.0), older spellings included.
"""

from __future__ import annotations

_BY_FAMILY = {
    "transforms": "domain luaxform tld",
    "bytes": "asn1 replace",
    "state": "bypass config datarep",
    "flow": "flow.elephant stream-event",
    "address": "l3_proto",
    "headers": "ether.hdr icmpv6.mtu igmp.hdr igmp.type tcp.wscale vxlan_vni",
    "engine": "engine-event lua luajit",
    "files": "file.mime_type",
    "http": "http.server_body",
    "mail": "email.body_md5 email.command",
    "ftp": "ftpbounce ftpdata_command",
    "others": "pop3.command template",
}

KNOWN_KEYWORDS: frozenset[str] = frozenset(" ".join(_BY_FAMILY.values()).split())

KNOWN_PROTOCOLS: frozenset[str] = frozenset(
    [
        "arp",
        "ether",
        "ftp-data",
        "jabber",
        "msn",
        "vxlan",
    ]
)

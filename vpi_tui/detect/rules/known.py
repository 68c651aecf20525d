"""Words of Suricata's rule language that are not supported here: refused by name, not as a typo.

Source: the keyword chapters of the Suricata user guide (8.0), older spellings included.
"""

from __future__ import annotations

from collections.abc import Mapping

_BY_FAMILY = {
    "files": "file.mime_type",
    "http": "http.server_body",
    "mail": "email.command",
    "others": "pop3.command",
}

_SCRIPT = "a rule set must not bring programs onto the sensor"
NEVER: Mapping[str, str] = {
    "lua": _SCRIPT,
    "luajit": _SCRIPT,
    "luaxform": _SCRIPT,
    "flow.elephant": "flows are not told apart by their rate",
    "detect-event": "it is about the limits of Suricata's own engine",
    "ndpi-protocol": "it needs the nDPI plugin of Suricata",
    "ndpi-risk": "it needs the nDPI plugin of Suricata",
    "ssh.protoversion": "Suricata takes it no more; write ssh.proto; content with startswith",
    "ssh.softwareversion": "Suricata takes it no more; write ssh.software; content",
    "template": "it belongs to an example in the sources of Suricata",
}
"""Keywords that will not be supported, and why."""

KNOWN_KEYWORDS: frozenset[str] = frozenset((*" ".join(_BY_FAMILY.values()).split(), *NEVER))

KNOWN_PROTOCOLS: frozenset[str] = frozenset(
    [
        "jabber",
        "msn",
        "vxlan",
    ]
)

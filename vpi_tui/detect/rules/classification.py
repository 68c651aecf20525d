"""Classtypes and their priorities, and `classification.config` files."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BY_PRIORITY = {
    1: """
        attempted-admin attempted-user command-and-control credential-theft domain-c2 exploit-kit
        inappropriate-content policy-violation shellcode-detect successful-admin successful-user
        targeted-activity trojan-activity unsuccessful-user web-application-attack""",
    2: """
        attempted-dos attempted-recon bad-unknown coin-mining default-login-attempt
        denial-of-service external-ip-check misc-attack non-standard-protocol pup-activity
        rpc-portmap-decode social-engineering successful-dos successful-recon-largescale
        successful-recon-limited suspicious-filename-detect suspicious-login system-call-detect
        unusual-client-port-connection web-application-activity""",
    3: """
        icmp-event misc-activity network-scan not-suspicious protocol-command-decode string-detect
        unknown""",
    4: "tcp-connection",
}

DEFAULT_CLASSES: Mapping[str, int] = {
    name: priority for priority, names in _BY_PRIORITY.items() for name in names.split()
}
"""Classtype -> priority, 1 = high: the classes that Suricata ships."""

_LINE = re.compile(r"\s*config\s+classification\s*:\s*([^,\s]+)\s*,[^,]*,\s*(\d{1,3})\s*", re.A | re.I)


def read_classification(text: str) -> dict[str, int]:
    """`config classification: name,description,priority` lines; other lines are comments to us."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match[1].lower(): int(match[2]) for match in found if match and int(match[2]) > 0}

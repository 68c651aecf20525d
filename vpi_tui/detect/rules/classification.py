"""Classtypes, their priorities and what they are called, and `classification.config` files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

FILE_NAME: Final = "classification.config"


class ClassType(NamedTuple):
    """priority: 1 = high. description: what EVE calls the category."""

    priority: int
    description: str


_SHIPPED: Final = """
1 attempted-admin: Attempted Administrator Privilege Gain
1 attempted-user: Attempted User Privilege Gain
1 command-and-control: Malware Command and Control Activity Detected
1 credential-theft: Successful Credential Theft Detected
1 domain-c2: Domain Observed Used for C2 Detected
1 exploit-kit: Exploit Kit Activity Detected
1 inappropriate-content: Inappropriate Content was Detected
1 policy-violation: Potential Corporate Privacy Violation
1 shellcode-detect: Executable code was detected
1 successful-admin: Successful Administrator Privilege Gain
1 successful-user: Successful User Privilege Gain
1 targeted-activity: Targeted Malicious Activity was Detected
1 trojan-activity: A Network Trojan was detected
1 unsuccessful-user: Unsuccessful User Privilege Gain
1 web-application-attack: Web Application Attack
2 attempted-dos: Attempted Denial of Service
2 attempted-recon: Attempted Information Leak
2 bad-unknown: Potentially Bad Traffic
2 coin-mining: Crypto Currency Mining Activity Detected
2 default-login-attempt: Attempt to login by a default username and password
2 denial-of-service: Detection of a Denial of Service Attack
2 external-ip-check: Device Retrieving External IP Address Detected
2 misc-attack: Misc Attack
2 non-standard-protocol: Detection of a non-standard protocol or event
2 pup-activity: Possibly Unwanted Program Detected
2 rpc-portmap-decode: Decode of an RPC Query
2 social-engineering: Possible Social Engineering Attempted
2 successful-dos: Denial of Service
2 successful-recon-largescale: Large Scale Information Leak
2 successful-recon-limited: Information Leak
2 suspicious-filename-detect: A suspicious filename was detected
2 suspicious-login: An attempted login using a suspicious username was detected
2 system-call-detect: A system call was detected
2 unusual-client-port-connection: A client was using an unusual port
2 web-application-activity: access to a potentially vulnerable web application
3 icmp-event: Generic ICMP event
3 misc-activity: Misc activity
3 network-scan: Detection of a Network Scan
3 not-suspicious: Not Suspicious Traffic
3 protocol-command-decode: Generic Protocol Command Decode
3 string-detect: A suspicious string was detected
3 unknown: Unknown Traffic
4 tcp-connection: A TCP connection was detected
"""
_SHIPPED_LINE: Final = re.compile(r"(\d) (\S+): (.+)")

SHIPPED: Final[Mapping[str, ClassType]] = {
    found[2]: ClassType(int(found[1]), found[3])
    for found in map(_SHIPPED_LINE.fullmatch, _SHIPPED.split("\n"))
    if found
}
"""The classes that Suricata ships."""
DEFAULT_CLASSES: Final[Mapping[str, int]] = {name: one.priority for name, one in SHIPPED.items()}
"""Classtype -> priority."""

_LINE: Final = re.compile(
    r"\s*config\s+classification\s*:\s*([^,\s]+)\s*,([^,]*),\s*(\d{1,3})\s*", re.A | re.I
)


def read_classes(text: str) -> dict[str, ClassType]:
    """`config classification: name,description,priority` lines; other lines are comments to us."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {
        match[1].lower(): ClassType(int(match[3]), match[2].strip())
        for match in found
        if match and int(match[3]) > 0
    }


def read_classification(text: str) -> dict[str, int]:
    """Classtype -> priority of such lines."""
    return {name: one.priority for name, one in read_classes(text).items()}


def categories(rule_files: Iterable[Path]) -> dict[str, str]:
    """Classtype -> description: the shipped ones, and those of each file beside rules. What cannot be read is
    left out."""
    found = {name: one.description for name, one in SHIPPED.items()}
    for directory in dict.fromkeys(path if path.is_dir() else path.parent for path in rule_files):
        try:
            text = (directory / FILE_NAME).read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        found |= {name: one.description for name, one in read_classes(text).items() if one.description}
    return found

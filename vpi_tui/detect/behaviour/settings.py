"""Settings of the behaviours, `behaviour.NAME`, from text."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from vpi_tui.model.errors import ConfigError

LEARNING_TIME = "behaviour.learning-time"
DEFAULT_LEARNING = 300.0
MANAGEMENT_PORTS = "behaviour.management-ports"
DEFAULT_MANAGEMENT_PORTS = "443,902,16509,16514,5900-5999,2375,2376,3260,2049,623"
"""vSphere, libvirt, VNC and SPICE, Docker, iSCSI, NFS, BMC (IPMI)."""
MANAGEMENT_ADDRESSES = "behaviour.management-addresses"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def learning_ns(options: Mapping[str, str]) -> int:
    """Raises ConfigError."""
    text = options.get(LEARNING_TIME, "")
    try:
        return int(float(text or DEFAULT_LEARNING) * 1e9)
    except (ValueError, OverflowError):
        raise ConfigError(f"{LEARNING_TIME} is {text!r}.", hint="Write seconds, such as 300.") from None


def management_ports(options: Mapping[str, str]) -> list[tuple[int, int]]:
    """First and last port of each range. Raises ConfigError."""
    text = options.get(MANAGEMENT_PORTS, DEFAULT_MANAGEMENT_PORTS)
    ranges = []
    for word in _words(text):
        first, _, last = word.partition("-")
        try:
            low, high = int(first), int(last or first)
        except ValueError:
            low, high = 1, 0
        if not 0 <= low <= high <= 0xFFFF:
            raise ConfigError(
                f"{MANAGEMENT_PORTS}: {word[:40]!r} is no port.",
                hint="Write a list such as [443, 5900-5999].",
            )
        ranges.append((low, high))
    return ranges


def management_networks(options: Mapping[str, str]) -> list[Network]:
    """Raises ConfigError."""
    networks = []
    for word in _words(options.get(MANAGEMENT_ADDRESSES, "")):
        try:
            networks.append(ipaddress.ip_network(word, strict=False))
        except ValueError:
            raise ConfigError(
                f"{MANAGEMENT_ADDRESSES}: {word[:60]!r} is no address.",
                hint="Write addresses or networks, such as [10.0.0.1, 10.9.0.0/24].",
            ) from None
    return networks


def _words(text: str) -> Iterator[str]:
    words = text.strip().removeprefix("[").removesuffix("]").split(",")
    return (word.strip().strip("\"'") for word in words if word.strip())

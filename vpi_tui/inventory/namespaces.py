"""Names of network namespaces, for the guests that are containers: what `ip netns` calls them.

Source: ip-netns(8), linux/net_namespace.h. Needs no capability.
Namespaces that only /proc knows stay nameless.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from vpi_tui.inventory import netlink

NAMED = Path("/run/netns")
NETNSA_NSID, NETNSA_FD = 1, 3
MAX_NAMESPACES = 2_000


def names_by_id(requests: netlink.Requests) -> dict[int, str]:
    """Name of each named namespace by the id that IFLA_LINK_NETNSID uses. Empty where there are none."""
    try:
        paths = sorted(NAMED.iterdir())[:MAX_NAMESPACES]
    except OSError:
        return {}
    names: dict[int, str] = {}
    for path in paths:
        number = _id_of(requests, path)
        if number is not None and number >= 0:
            names.setdefault(number, path.name)
    return names


def _id_of(requests: netlink.Requests, path: Path) -> int | None:
    """None when it has gone, may not be opened, or has no id here."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        question = b"\0" * 4 + netlink.attribute(NETNSA_FD, struct.pack("=I", fd))
        answer = requests.ask(netlink.RTM_GETNSID, question)
    except OSError:
        return None
    finally:
        os.close(fd)
    return netlink.number(netlink.attributes(answer, 4).get(NETNSA_NSID))

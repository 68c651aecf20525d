"""Guests' namespaces, and the virtual cables (veth pairs) between them and the switch."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from vpi_tui.lab.commands import Shell
from vpi_tui.lab.namespaces import inside
from vpi_tui.lab.plan import Guest, LabSwitch, Plan
from vpi_tui.model.errors import VpiError

SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
"""linux/sockios.h, linux/ethtool.h"""
MTU: Final = 1500
_QUIET: Final = {
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv4/ip_forward": "0",
    "ipv4/ping_group_range": "0 0",
}
"""Settings below /proc/sys/net of a guest: nothing speaks but what the lab lets speak."""


_APART: Final = {
    "ipv6/conf/{}/disable_ipv6": "1",
    "ipv4/conf/{}/arp_ignore": "8",
    "ipv4/conf/{}/forwarding": "0",
}
"""The same for an interface of the host. Source: Documentation/networking/ip-sysctl.rst of the kernel."""


def make(shell: Shell, plan: Plan) -> None:
    """Namespaces with their interfaces, addresses and routes. Nothing is plugged into a switch yet."""
    shell.ip(f"netns add {guest.namespace}" for guest in plan.guests)
    for guest in plan.guests:
        inside(guest.namespace, partial(_set, _QUIET))
    shell.ip(line for switch in plan.switches for line in _cables(switch))
    raise_links(shell, [port for switch in plan.switches for port in switch.ports])
    for guest in plan.guests:
        shell.ip(_settings(guest), guest.namespace)
        inside(guest.namespace, _checksums_in_software)


def _cables(switch: LabSwitch) -> Iterator[str]:
    for guest in switch.guests:
        yield (
            f"link add {guest.namespace} mtu {MTU} type veth"
            f" peer name eth0 netns {guest.namespace} address {guest.mac}"
        )


def raise_links(shell: Shell, links: Sequence[str]) -> None:
    """Make interfaces of the host ready: it says nothing there, answers nothing and forwards nothing from
    there, also where it is a router."""
    for link in links:
        _set(_APART, link)
    shell.ip(f"link set {link} up" for link in links)


def _settings(guest: Guest) -> tuple[str, ...]:
    return ("link set lo up", f"addr add {guest.ip}/24 dev eth0", "link set eth0 up")


def _set(settings: dict[str, str], link: str = "") -> None:
    for name, value in settings.items():
        with suppress(OSError):  # a kernel without IPv6 has no such file
            Path("/proc/sys/net", name.format(link)).write_text(value)


def _checksums_in_software() -> None:
    """A veth pair leaves checksums to hardware that is not there, and a switch in userspace sends frames on
    as it got them: receivers would drop them."""
    value = ctypes.create_string_buffer(struct.pack("=II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP16x", b"eth0", ctypes.addressof(value))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, SIOCETHTOOL, request)
    except OSError as error:
        raise VpiError(f"Offload of checksums cannot be switched off for eth0: {error.strerror}.") from error

"""Whose network card a MAC address tells: prefixes that hypervisors give their guests.

Sources: the IEEE's registry of OUIs; for locally administered ones the manuals of QEMU/libvirt (52:54:00) and
Docker (02:42). A guest can choose any address: this is a hint, never a proof.
"""

from __future__ import annotations

from typing import Final

_PREFIXES: Final = {
    "00:50:56": "VMware",
    "00:0c:29": "VMware",
    "00:05:69": "VMware",
    "00:1c:14": "VMware",
    "52:54:00": "KVM",
    "00:16:3e": "Xen",
    "00:15:5d": "Hyper-V",
    "08:00:27": "VirtualBox",
    "0a:00:27": "VirtualBox",
    "bc:24:11": "Proxmox",
    "02:42": "Docker",
    "00:1c:42": "Parallels",
}
_BITS: Final = {
    (int(text.replace(":", ""), 16), 4 * len(text.replace(":", ""))): name for text, name in _PREFIXES.items()
}


def hypervisor_of(mac: int) -> str:
    """Name of the hypervisor that gives such addresses; "" for any other."""
    for (prefix, bits), name in _BITS.items():
        if mac >> (48 - bits) == prefix:
            return name
    return ""

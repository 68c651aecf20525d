"""What this machine is itself: a sensor that is a guest sees of its switch only what its hypervisor shows it.

Source: the DMI strings that hypervisors give their guests (/sys/class/dmi/id), readable by anybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DMI: Final = Path("/sys/class/dmi/id")
MAX_BYTES: Final = 256
_MARKS: Final = (
    ("vmware", "VMware"),
    ("innotek", "VirtualBox"),
    ("virtualbox", "VirtualBox"),
    ("microsoft corporation virtual machine", "Hyper-V"),
    ("xen", "Xen"),
    ("qemu", "KVM"),
    ("kvm", "KVM"),
)
_MENDS: Final = {
    "VMware": "its port group accepts promiscuous mode (Security: Promiscuous mode = Accept; VLAN 4095 to see"
    " all VLANs). Then it sees the guests of that port group on this host, and no other host's",
    "VirtualBox": "it may be promiscuous: VBoxManage controlvm NAME nicpromisc1 allow-all",
    "Hyper-V": "ports are mirrored to it: Set-VMNetworkAdapter -VMName GUEST -PortMirroring Source, and"
    " Destination for this machine",
}
_OTHERS: Final = "its host copies the traffic to it, by a mirror of Open vSwitch or by tc mirred"


def hypervisor_here(dmi: Path = DMI) -> str:
    """Whose guest this machine is; "" when it is none, or does not know it."""
    words = " ".join(_text(dmi / name) for name in ("sys_vendor", "product_name")).lower()
    return next((name for mark, name in _MARKS if mark in words), "")


def limited_view(hypervisor: str, interface: str) -> str:
    """What the operator of a sensor inside a guest must know."""
    mend = _MENDS.get(hypervisor, _OTHERS)
    return (
        f"This sensor is itself a guest of {hypervisor}: {interface} sees its own traffic and broadcasts"
        f" alone until {mend}."
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""

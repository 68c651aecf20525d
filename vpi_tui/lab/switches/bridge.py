"""A Linux bridge without an uplink and without an address."""

from __future__ import annotations

from vpi_tui.lab.cables import raise_links
from vpi_tui.lab.commands import Shell
from vpi_tui.lab.names import Names
from vpi_tui.lab.plan import LabSwitch
from vpi_tui.lab.switches.kind import Kind
from vpi_tui.model.errors import VpiError


def _missing() -> str:
    return ""


def _make(shell: Shell, _: Names, switch: LabSwitch) -> bool:
    # No queries for listeners: in the switch there is only its guests' traffic. The host's firewall has no
    # say in what passes a bridge, unless its global switch says so.
    shell.ip(
        [
            f"link add {switch.name} type bridge mcast_snooping 0 nf_call_iptables 0 nf_call_ip6tables 0",
            *(f"link set {port} master {switch.name}" for port in switch.ports),
        ]
    )
    raise_links(shell, [switch.name])
    return _copy(shell, switch)


def _copy(shell: Shell, switch: LabSwitch) -> bool:
    """Let the kernel copy what enters at the ports to the span port (tc-mirred(8)). False when it cannot."""
    shell.ip([f"link add {switch.span} type veth peer name {switch.copies}"])
    raise_links(shell, [switch.span, switch.copies])
    lines = [
        line
        for port in switch.copied_ports
        for line in (
            f"qdisc add dev {port} clsact",
            f"filter add dev {port} ingress protocol all u32 match u32 0 0"
            f" action mirred egress mirror dev {switch.copies}",
        )
    ]
    try:
        shell.run("tc", "-batch", "-", text="\n".join([*lines, ""]))
    except VpiError:
        shell.ip([f"link del {switch.span}"])
        return False
    return True


def _remove(shell: Shell, names: Names) -> None:
    if shell.attempt("ip", "link", "show", "dev", names.bridge):
        shell.attempt("ip", "link", "del", names.bridge)


KIND = Kind("Linux bridge", _missing, _make, _remove)

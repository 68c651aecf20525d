"""A Linux bridge without an uplink and without an address."""

from __future__ import annotations

from vpi_tui.lab.commands import Shell
from vpi_tui.lab.names import Names
from vpi_tui.lab.plan import LabSwitch
from vpi_tui.lab.switches.kind import Kind


def _missing() -> str:
    return ""


def _make(shell: Shell, _: Names, switch: LabSwitch) -> bool:
    # No link-local address of the host and no queries for listeners: in the switch there is only its guests'
    # traffic. The host's firewall has no say in what passes a bridge, unless its global switch says so.
    shell.ip(
        [
            f"link add {switch.name} type bridge mcast_snooping 0 nf_call_iptables 0 nf_call_ip6tables 0",
            f"link set {switch.name} addrgenmode none",
            f"link set {switch.name} up",
            *(f"link set {port} master {switch.name}" for port in switch.ports),
        ]
    )
    return False


def _remove(shell: Shell, names: Names) -> None:
    if shell.attempt("ip", "link", "show", "dev", names.bridge):
        shell.attempt("ip", "link", "del", names.bridge)


KIND = Kind("Linux bridge", _missing, _make, _remove)

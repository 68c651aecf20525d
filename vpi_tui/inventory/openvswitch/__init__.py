"""Open vSwitch: bridges, ports, bonds, mirrors and counters, as its database (OVSDB, RFC 7047) tells them."""

from vpi_tui.inventory.kind import ProbeKind
from vpi_tui.inventory.openvswitch.probe import OpenVSwitchProbe

KIND = ProbeKind("Open vSwitch", "ovs", OpenVSwitchProbe, aside=True)

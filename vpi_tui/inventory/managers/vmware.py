"""VMware as one probe: its files below the directories of the settings, and vCenter where one is named."""

from __future__ import annotations

from functools import partial

from vpi_tui.inventory.kind import ProbeKind, Setup
from vpi_tui.inventory.managers.together import Found, Together
from vpi_tui.inventory.managers.vcenter import VcenterProbe, account_of
from vpi_tui.inventory.managers.vmx import VmxProbe
from vpi_tui.inventory.picture import Probe


def _vcenter(setup: Setup, url: str) -> Probe:
    files = setup.option("vmware", "password-file"), setup.option("vmware", "ca-file")
    return VcenterProbe(account_of(url, *files))


def _make(setup: Setup) -> Together:
    directories, url = setup.option_list("vmware", "vmx"), setup.option("vmware", "vcenter")
    found: Found = {directory: partial(VmxProbe, (directory,)) for directory in directories}
    if url:
        found = {**found, url: partial(_vcenter, setup, url)}
    return Together("VMware", lambda: found, "no probes.vmware.vmx, no probes.vmware.vcenter")


KIND = ProbeKind("VMware", "vmware", _make, aside=True)

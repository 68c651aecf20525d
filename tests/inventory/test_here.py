"""Whose guest this machine is, by what its firmware says."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.inventory.here import hypervisor_here, limited_view


@pytest.mark.parametrize(
    ("vendor", "product", "name"),
    [
        ("VMware, Inc.", "VMware20,1", "VMware"),
        ("innotek GmbH", "VirtualBox", "VirtualBox"),
        ("Microsoft Corporation", "Virtual Machine", "Hyper-V"),
        ("Microsoft Corporation", "Surface Pro", ""),
        ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "KVM"),
        ("Red Hat", "KVM", "KVM"),
        ("Xen", "HVM domU", "Xen"),
        ("LENOVO", "20XW", ""),
    ],
)
def test_by_vendor_and_product(tmp_path: Path, vendor: str, product: str, name: str) -> None:
    (tmp_path / "sys_vendor").write_text(f"{vendor}\n")
    (tmp_path / "product_name").write_text(f"{product}\n")
    assert hypervisor_here(tmp_path) == name


def test_without_firmware_it_is_not_known(tmp_path: Path) -> None:
    assert hypervisor_here(tmp_path / "nothing") == ""


def test_the_operator_is_told_what_to_switch() -> None:
    told = limited_view("VMware", "ens192")
    assert told.startswith("This sensor is itself a guest of VMware: ens192 sees its own traffic")
    assert "promiscuous mode" in told
    assert "mirror" in limited_view("KVM", "ens3")

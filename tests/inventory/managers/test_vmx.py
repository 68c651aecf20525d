"""Files of VMware, as ESXi and as a hosted VMware write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vpi_tui.inventory.managers.vmx import MAX_DEPTH, VmxProbe, guest_of
from vpi_tui.model.errors import VpiError

ESXI = """.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "21"
displayName = "web 01"
guestOS = "debian12-64"
uuid.bios = "56 4d 9c 7b 12 34 56 78-9a bc de f0 11 22 33 44"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "vpx"
ethernet0.generatedAddress = "00:50:56:9a:00:01"
ethernet0.present = "TRUE"
ethernet1.networkName = "Back End"
ethernet1.addressType = "static"
ethernet1.address = "00:50:56:00:00:02"
ethernet1.generatedAddress = "00:0c:29:00:00:99"
ethernet1.present = "TRUE"
ethernet2.present = "FALSE"
ethernet2.generatedAddress = "00:0c:29:00:00:03"
"""
HOSTED = """displayName="lab-kali"
ethernet0.present = "TRUE"
ethernet0.connectionType = "nat"
ethernet0.addressType = "generated"
ethernet0.generatedAddress = "00:0C:29:AB:CD:EF"
ethernet3.present = "TRUE"
ethernet3.connectionType = "custom"
ethernet3.vnet = "/dev/vmnet3"
ethernet3.address = "00:0c:29:ab:cd:f0"
"""


def read(*directories: Path) -> tuple[list[str], tuple[str, ...]]:
    probe = VmxProbe([str(one) for one in directories])
    picture = probe.read()
    return [guest.name for guest in picture.guests], picture.notices


def test_esxi() -> None:
    guest = guest_of(ESXI)
    assert guest is not None
    assert (guest.name, guest.kind, guest.origin, guest.state) == ("web 01", "vm", "VMware", "")
    assert guest.uuid == "564d9c7b-1234-5678-9abc-def011223344"
    assert guest.macs == (0x0050569A0001, 0x005056000002)
    assert guest.networks == ("VM Network", "Back End")


def test_hosted() -> None:
    guest = guest_of(HOSTED)
    assert guest is not None
    assert guest.macs == (0x000C29ABCDEF, 0x000C29ABCDF0)
    assert guest.networks == ("vmnet8", "vmnet3")


@pytest.mark.parametrize(
    "text", ["", "\0" * 1000, 'displayName = ""', "<xml/>", "displayName = web", "=" * 10_000]
)
def test_what_is_no_guest(text: str) -> None:
    assert guest_of(text) is None


def test_a_tree_of_directories_is_searched_within_bounds(tmp_path: Path) -> None:
    deep = tmp_path
    for level in range(MAX_DEPTH + 2):
        (deep / f"{level}.vmx").write_text(f'displayName = "depth {level}"\n')
        deep /= "d"
        deep.mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "other.vmdk").write_text(HOSTED)
    os.mkfifo(tmp_path / "pipe.vmx")
    names, notices = read(tmp_path)
    assert sorted(names) == [f"depth {level}" for level in range(MAX_DEPTH + 1)]
    assert notices == ()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(VpiError, match=r"cannot be listed: No such file .*probes\.vmware\.vmx"):
        read(tmp_path / "nowhere")


def test_files_that_may_not_be_read_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.vmx").write_text(HOSTED)
    (tmp_path / "gone.vmx").symlink_to(tmp_path / "nowhere")
    names, notices = read(tmp_path)
    assert names == ["lab-kali"]
    assert len(notices) == 1
    assert notices[0].startswith(f"VMware: 1 .vmx files below {tmp_path} may not be read")

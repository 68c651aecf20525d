"""vCenter: pyvmomi on both sides of a real connection, one of them in the place of vCenter."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.inventory.managers.vcenter_server import PASSWORD, Vcenter, content, serving
from vpi_tui.inventory.managers import vcenter as module
from vpi_tui.inventory.managers.vcenter import VcenterProbe, account_of
from vpi_tui.inventory.managers.vcenter_objects import guest_of
from vpi_tui.model.errors import ConfigError, VpiError

Card = vim.vm.device.VirtualEthernetCard


def vmxnet3(mac: str, network: str) -> Any:
    card = vim.vm.device.VirtualVmxnet3(key=4000, macAddress=mac)
    card.backing = Card.NetworkBackingInfo(deviceName=network)
    return card


def e1000_on(mac: str, portgroup: str) -> Any:
    card = vim.vm.device.VirtualE1000(key=4001, macAddress=mac)
    port = vim.dvs.PortConnection(switchUuid="50 1", portgroupKey=portgroup)
    card.backing = Card.DistributedVirtualPortBackingInfo(port=port)
    return card


def machine(number: int, name: str, devices: list[Any], state: str = "poweredOn", **more: Any) -> Any:
    devices = [
        vim.vm.device.VirtualLsiLogicController(key=1000, busNumber=0, sharedBus="noSharing"),
        *devices,
    ]
    return content(
        vim.VirtualMachine(f"vm-{number}"),
        name=name,
        config_uuid=f"564d9c7b-0000-0000-0000-{number:012}",
        config_hardware_device=vim.vm.device.VirtualDevice.Array(devices),
        runtime_powerState=vim.VirtualMachine.PowerState(state),
        **more,
    )


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return path


def probe_of(served: Vcenter, password: Path) -> VcenterProbe:
    return VcenterProbe(account_of(f"http://sensor%40vsphere.local@127.0.0.1:{served.port}", str(password)))


def lab() -> Vcenter:
    nets = vim.vm.GuestInfo.NicInfo.Array(
        [
            vim.vm.GuestInfo.NicInfo(
                ipAddress=["10.0.0.5", "fe80::1", "2001:db8::5", "no"], connected=True, deviceConfigId=4000
            )
        ]
    )
    machines = [
        machine(1, "web-1", [vmxnet3("00:50:56:9a:00:01", "VM Network")], guest_net=nets),
        machine(2, "db-1", [e1000_on("00:50:56:9a:00:02", "dvportgroup-7")], "suspended"),
        machine(3, "golden", [], "poweredOff", config_template=True),
        machine(4, "spare", [e1000_on("00:50:56:9a:00:04", "dvportgroup-9")], "poweredOff"),
    ]
    group = vim.dvs.DistributedVirtualPortgroup("dvportgroup-7")
    return Vcenter(machines, [content(group, name="Back End", key="dvportgroup-7")])


def test_guests_with_their_port_groups_and_addresses(password: Path) -> None:
    with serving(lab()) as served:
        probe = probe_of(served, password)
        guests = {guest.name: guest for guest in probe.read().guests}
        probe.read()
    assert served.asked.count("Login") == 1
    assert served.asked.count("DestroyView") == served.asked.count("CreateContainerView") == 4
    assert sorted(guests) == ["db-1", "spare", "web-1"]
    web = guests["web-1"]
    assert (web.kind, web.origin, web.state, web.macs) == ("vm", "vCenter", "running", (0x0050569A0001,))
    assert (web.ips, web.networks) == (("10.0.0.5", "2001:db8::5"), ("VM Network",))
    assert (guests["db-1"].networks, guests["db-1"].state) == (("Back End",), "suspended")
    assert (guests["spare"].networks, guests["spare"].state) == (("dvportgroup-9",), "shut off")


def test_many_guests_come_in_pages_and_are_bounded(password: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [machine(n, f"vm-{n}", []) for n in range(25)]
    with serving(Vcenter(many, [], page=10)) as served:
        assert len(probe_of(served, password).read().guests) == 25
        monkeypatch.setattr(module, "MAX_GUESTS", 15)
        assert len(probe_of(served, password).read().guests) == 15
    assert "CancelRetrievePropertiesEx" in served.asked


def test_a_session_that_has_ended_is_begun_anew(password: Path) -> None:
    with serving(lab()) as served:
        probe = probe_of(served, password)
        probe.read()
        served.logged_in = False
        assert len(probe.read().guests) == 3
    assert served.asked.count("Login") == 2


def test_a_wrong_password(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    with serving(lab()) as served, pytest.raises(VpiError, match=r"refuses the user sensor@vsphere\.local"):
        probe_of(served, wrong).read()


def test_nobody_there_and_no_password(password: Path, tmp_path: Path) -> None:
    served = lab()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served.port = taken.getsockname()[1]
    with pytest.raises(VpiError, match=r"127\.0\.0\.1 does not answer as it should: Connection refused"):
        probe_of(served, password).read()
    with pytest.raises(VpiError, match=r"password's file .*nowhere cannot be read: No such file"):
        probe_of(served, tmp_path / "nowhere").read()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("vcenter.example", "Write https://USER@HOST"),
        ("https://a@b:port", "Write https://USER@HOST"),
        ("https://sensor:secret@vcenter.example", "holds a password"),
        ("http://sensor@vcenter.example", "without TLS"),
        ("ftp://sensor@vcenter.example", "Write https://USER@HOST"),
    ],
)
def test_an_address_that_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        account_of(url, "/password")


def test_what_is_not_told_stays_empty() -> None:
    assert guest_of({}, {}) is None
    guest = guest_of({"name": "a\x1bb", "config.hardware.device": [Card(macAddress="nonsense")]}, {})
    assert guest is not None
    assert (guest.name, guest.macs, guest.ips, guest.networks, guest.state) == ("a�b", (), (), (), "")

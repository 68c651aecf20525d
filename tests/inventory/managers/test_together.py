"""Managers as the registry makes them of the settings: silent where nothing is, and each for itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.inventory.managers.docker_answers import engine
from tests.inventory.managers.unix_server import daemon
from vpi_tui.inventory.kind import ProbeKind, Setup
from vpi_tui.inventory.managers import docker, libvirt, vmware
from vpi_tui.inventory.managers.together import LOOK_EVERY
from vpi_tui.inventory.registry import PROBES, open_probes
from vpi_tui.inventory.survey import survey
from vpi_tui.inventory.watch import Inventory

KINDS = (libvirt.KIND, docker.KIND, vmware.KIND)


@pytest.fixture
def bare_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No manager is here; that of Docker would have its socket at the path that is returned."""
    for variable in (libvirt.URI_VARIABLE, docker.HOST_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(libvirt, "_SOCKETS", (tmp_path / "libvirt-sock",))
    monkeypatch.setattr(docker, "SOCKETS", (str(tmp_path / "docker.sock"),))
    return tmp_path / "docker.sock"


def test_all_are_registered_and_run_aside() -> None:
    assert set(KINDS) <= set(PROBES)
    assert all(kind.aside for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_where_no_manager_is_nothing_is_said(bare_host: Path, kind: ProbeKind) -> None:
    probe = kind.make(Setup())
    assert probe.changed(0.0)
    picture = probe.read()
    assert (picture.guests, picture.notices) == ((), ())
    assert picture.absent
    assert not probe.changed(1.0)
    probe.close()


def test_a_daemon_that_starts_later_is_found_and_one_that_ends_is_told(bare_host: Path) -> None:
    probe = docker.KIND.make(Setup())
    probe.changed(0.0)
    probe.read()
    with daemon(bare_host, engine()):
        assert not probe.changed(1.0)
        assert probe.changed(LOOK_EVERY)
        assert len(probe.read().guests) == 3
    assert probe.changed(LOOK_EVERY + docker.Pace()._every)
    picture = probe.read()
    assert len(picture.guests) == 3
    (notice,) = picture.notices
    assert notice.startswith(f"Docker and Podman: Nobody listens at {bare_host}. Start the daemon")
    probe.close()


def test_one_that_fails_leaves_the_others(bare_host: Path, tmp_path: Path) -> None:
    (tmp_path / "web.vmx").write_text('displayName = "web"\n')
    nowhere = tmp_path / "nowhere"
    options = {
        "probes.vmware.vmx": f"{nowhere},{tmp_path}",
        "probes.vmware.vcenter": "https://vcenter.example",
    }
    probe = vmware.KIND.make(Setup(options))
    assert probe.changed(0.0)
    picture = probe.read()
    assert [guest.name for guest in picture.guests] == ["web"]
    assert len(picture.notices) == 2
    assert "Write https://USER@HOST" in picture.notices[0]
    assert f"The directory {nowhere} cannot be listed" in picture.notices[1]


def test_the_whole_inventory_goes_on(bare_host: Path, tmp_path: Path) -> None:
    """Every manager fails, in threads of their own: each is told once, and the host is there."""
    options = {
        "probes.libvirt.uri": "qemu+unix:///system?socket=/nonexistent/libvirt-sock",
        "probes.docker.socket": str(tmp_path / "nobody.sock"),
        "probes.vmware.vmx": str(tmp_path / "nowhere"),
    }
    inventory = Inventory(open_probes(Setup(options)))
    topology = inventory.first_look(time.monotonic(), 20.0)
    inventory.close()
    assert topology.host_ips
    for beginning in ("libvirt: ", "Docker and Podman: Nobody listens", "VMware: The directory"):
        assert sum(notice.startswith(beginning) for notice in topology.notices) == 1


def test_the_doctor_is_told_what_was_looked_for(bare_host: Path) -> None:
    lines = {line.name: line for line in survey({"probes.vmware.enabled": "no"}).probes}
    assert "VMware" not in lines
    assert lines["libvirt"].found.startswith("no daemon's socket below")
    assert lines["Docker and Podman"].trouble == ""

"""What libvirt says, and what it must never be able to do: hostile or broken documents and programs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from vpi_tui.inventory.managers import command
from vpi_tui.inventory.managers.libvirt import DEFAULT_URI, URI_VARIABLE, LibvirtProbe, addresses
from vpi_tui.inventory.managers.libvirt_client import VirshClient
from vpi_tui.inventory.managers.libvirt_xml import MAX_XML, bridge_of, guest_of
from vpi_tui.inventory.managers.words import MAX_INTERFACES, MAX_NAME
from vpi_tui.model.errors import VpiError

BILLION_LAUGHS = (
    '<!DOCTYPE domain [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><domain><name>&b;</name></domain>'
)


def interface(number: int) -> str:
    return f'<interface><mac address="52:54:00:00:00:{number:02x}"/><target dev="vnet{number}"/></interface>'


def domain(name: str, devices: str = "") -> str:
    return f"<domain type='kvm'><name>{name}</name><devices>{devices}</devices></domain>"


def virsh(tmp_path: Path, script: str) -> VirshClient:
    """A program in the place of virsh that does what the script says."""
    program = tmp_path / "virsh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return VirshClient("qemu:///system", str(program))


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (BILLION_LAUGHS, "declares a document type"),
        (f"<domain><name>{'x' * MAX_XML}</name></domain>", "the bound is"),
        ("<domain><name>web-1</domain>", "no XML"),
        ("", "no XML"),
        ("<network/>", "expected"),
    ],
)
def test_a_document_that_is_refused(xml: str, reason: str) -> None:
    with pytest.raises(VpiError, match=reason):
        guest_of(xml, "running", {})


def test_names_are_short_and_printable() -> None:
    guest = guest_of(domain("a\u202eb\nc" + "d" * 1000), "running", {})
    assert guest.name.startswith("a�b�cdd")
    assert len(guest.name) == MAX_NAME


def test_what_is_no_address_is_left_out_and_interfaces_are_bounded() -> None:
    texts = ("nonsense", "ff:ff:ff:ff:ff:ff")
    odd = "".join(f'<interface><mac address="{text}"/></interface>' for text in texts)
    guest = guest_of(domain("web-1", odd + interface(1) * 200 + interface(2)), "running", {})
    assert guest.macs == (0x525400000001,)
    assert guest.ports == ("vnet1",)
    assert (
        len(guest_of(domain("x", "".join(map(interface, range(200)))), "running", {}).ports) == MAX_INTERFACES
    )


def test_lxc_is_a_container_and_a_network_without_bridge_has_none() -> None:
    assert guest_of("<domain type='lxc'><name>c</name></domain>", "running", {}).kind == "container"
    assert bridge_of("<network><name>direct</name><forward mode='passthrough'/></network>") == ("direct", "")


def test_a_domain_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    first, second = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
    script = f"""
for last; do :; done
case $last in
  'list --all --uuid') echo {first}; echo {second};;
  dumpxml*) mark=$(echo "$last" | sed -n 's/.*; *echo *\\([0-9a-f]*\\)$/\\1/p')
    for xml in "<domain" "{domain("web-2")}"; do echo "$xml"; echo $mark; echo running; echo $mark; done;;
esac"""
    probe = LibvirtProbe("qemu:///system", virsh(tmp_path, script))
    picture = probe.read()
    probe.close()
    assert [guest.name for guest in picture.guests] == ["web-2"]
    assert len(picture.notices) == 1
    assert first in picture.notices[0]


def test_figures_that_do_not_come_are_told_until_they_come_or_nobody_asks(tmp_path: Path) -> None:
    uuid = "11111111-1111-4111-8111-111111111111"
    tap = interface(1).replace("<target", "<source bridge='br0'/><target")
    (tmp_path / "xml").write_text(domain("web-1", tap))
    script = f"""
for last; do :; done
mark=$(echo "$last" | sed -n 's/.*; *echo *\\([0-9a-f]*\\)$/\\1/p')
case $last in
  'list --all --uuid') test -e {tmp_path}/gone || echo {uuid};;
  dumpxml*) cat {tmp_path}/xml; echo $mark; echo running; echo $mark;;
  domifstat*) test -e {tmp_path}/counts && echo "vnet1 rx_bytes 5"; echo $mark;;
esac"""
    probe = LibvirtProbe("qemu+ssh://hv1.example/system", virsh(tmp_path, script))
    assert not probe.read().notices
    probe.changed(0.0)
    assert not probe.counts()
    (notice,) = probe.read().notices
    assert "hv1.example/system tells the figures of none" in notice
    (tmp_path / "counts").touch()
    assert probe.changed(1e6)
    assert [count.out_bytes for count in probe.counts()] == [5]
    assert not probe.read().notices
    (tmp_path / "counts").unlink()
    probe.changed(2e6)
    assert probe.read().notices
    (tmp_path / "gone").touch()
    picture = probe.read()
    assert (picture.ports, picture.notices) == ((), ())
    probe.close()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'error: authentication unavailable' >&2; exit 1", "usermod -aG libvirt"),
        ("echo 'error: Failed to connect socket: No such file or directory' >&2; exit 1", "systemctl start"),
        ("kill -9 $$", "status -9"),
        (r"printf '\033[2J' >&2; exit 3", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_why_virsh_failed_is_told(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(VpiError) as caught:
        virsh(tmp_path, script).domains()
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_program_that_hangs_or_floods_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with pytest.raises(VpiError, match="has not answered within"):
        command.run(("sh", "-c", "exec >&- 2>&-; exec sleep 60"), 0.2)
    with pytest.raises(VpiError, match="has not answered within"):
        command.run(("sh", "-c", "exec sleep 60"), 0.2)
    monkeypatch.setattr(command, "MAX_OUTPUT", 1 << 20)
    with pytest.raises(VpiError, match="printed more than 1 MB"):
        command.run(("yes",), 30)
    with pytest.raises(VpiError, match="cannot be started"):
        command.run(("/nonexistent/virsh",), 1)
    assert time.monotonic() - began < 30


def test_where_to_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    monkeypatch.setattr("vpi_tui.inventory.managers.libvirt._SOCKETS", (tmp_path / "socket",))
    assert addresses() == ()
    (tmp_path / "socket").touch()
    assert addresses() == (DEFAULT_URI,)
    monkeypatch.setenv(URI_VARIABLE, "xen:///system")
    assert addresses() == ("xen:///system",)
    assert addresses(("test:///default", "test:///default")) == ("test:///default",)

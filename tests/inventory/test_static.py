"""inventory.yaml: what is read, and how each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpi_tui.inventory.static import StaticGuest, StaticSwitch, load_static, read_inventory
from vpi_tui.model.errors import ConfigError

GOOD = """\
switches:
  - name: br-prod
    uplinks: [eno1]
guests:
  - name: web-1
    switch: br-prod
    port: vnet3
    tags: [production, web]
  - name: db-1
    mac: "52:54:00:12:34:56"
    ip: [10.0.0.5, "2001:DB8::5"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "inventory.yaml"
    path.write_text(text)
    return path


def test_all_that_can_be_said(tmp_path: Path) -> None:
    known = read_inventory(written(tmp_path, GOOD))
    assert known.switches == (StaticSwitch("br-prod", "", ("eno1",)),)
    assert known.guests == (
        StaticGuest("web-1", "br-prod", "vnet3", (), (), ("production", "web")),
        StaticGuest("db-1", macs=(0x525400123456,), ips=("10.0.0.5", "2001:db8::5")),
    )
    assert known.uplinks("br-prod") == {"eno1"}
    assert not known.uplinks("br-test")


def test_whose_it_is_and_how_much_it_matters(tmp_path: Path) -> None:
    text = "guests:\n  - {name: db, owner: shop team, criticality: high, kind: vm}\n"
    path = written(tmp_path, text)
    assert read_inventory(path).guests == (
        StaticGuest("db", owner="shop team", criticality="high", kind="vm"),
    )
    (guest,) = load_static(path).guests
    assert (guest.owner, guest.criticality, guest.kind) == ("shop team", "high", "vm")


def test_alone_it_is_a_topology_for_capture_files(tmp_path: Path) -> None:
    topology = load_static(written(tmp_path, GOOD))
    assert [switch.name for switch in topology.switches] == ["br-prod"]
    assert [(guest.name, guest.switch, guest.source) for guest in topology.guests] == [
        ("web-1", "br-prod", "static"),
        ("db-1", "", "static"),
    ]
    assert not topology.ports


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "guests:\n"])
def test_an_empty_file_knows_nobody(tmp_path: Path, text: str) -> None:
    assert not read_inventory(written(tmp_path, text)).guests


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("guest:\n  - name: a\n", 1, "Did you mean 'guests'?"),
        ("guests:\n  - name: a\n    prot: tap0\n", 3, "Did you mean 'port'?"),
        ("switches:\n  - name: br0\n    uplink: [eth0]\n", 3, "Did you mean 'uplinks'?"),
        ("guests:\n  - port: tap0\n", 2, "a guest without a name"),
        ("guests:\n  - name: a\n    criticality: huge\n", 3, "low, medium or high"),
        ("guests:\n  - {name: a, mac: 52:54:00}\n", 2, "no MAC address"),
        ("guests:\n  - {name: a, ip: 10.0.0.300}\n", 2, "no IP address"),
        ('guests:\n  - {name: "a\\e[31m", port: tap0}\n', 2, "printable"),
        ("guests:\n  - {name: a, port: t0}\n  - {name: b, port: t0}\n", 3, "the same port as a"),
        ("guests:\n  - {name: a, port: t0}\n  - {name: a, port: t1}\n", 3, "the same name as a"),
        ("guests: web-1\n", 1, "must be a mapping"),
        ("guests: [\n", 2, ""),
    ],
)
def test_mistakes_name_file_line_and_the_nearest_right_word(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_inventory(path)
    assert f"{path}:{line}:" in str(caught.value)
    assert words in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        read_inventory(tmp_path / "nowhere.yaml")

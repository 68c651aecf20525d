"""Open vSwitch without Open vSwitch: what rows mean, and servers that are not what they should be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace as Row
from typing import Any

import pytest

from vpi_tui.inventory.kind import Setup
from vpi_tui.inventory.links import MACS_A_PORT
from vpi_tui.inventory.openvswitch import rpc
from vpi_tui.inventory.openvswitch.forwarding import parse
from vpi_tui.inventory.openvswitch.probe import OpenVSwitchProbe
from vpi_tui.inventory.openvswitch.rows import counts_of, picture_of
from vpi_tui.inventory.picture import Picture
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Mirror, Switch


def interface(name: str, kind: str = "", **more: Any) -> Row:
    return Row(name=name, type=kind, ifindex=[], **more)


def port(name: str, *interfaces: Row, **more: Any) -> Row:
    return Row(
        name=name, interfaces=list(interfaces or [interface(name)]), **{"tag": [], "trunks": [], **more}
    )


def bridge(*ports: Row, mirrors: tuple[Row, ...] = (), name: str = "br-int") -> Row:
    return Row(name=name, ports=list(ports), mirrors=list(mirrors))


def seen(*ports: Row) -> dict[str, Any]:
    return {one.name: one for one in picture_of([bridge(*ports)]).ports}


def test_the_port_of_the_bridge_itself_is_its_device() -> None:
    picture = picture_of([bridge(port("br-int", interface("br-int", "internal"), tag=[7]))])
    assert picture.switches == (Switch("br-int", "ovs", pvid=7),)
    assert not picture.ports


@pytest.mark.parametrize(
    ("settings", "pvid", "trunks"),
    [
        ({}, 0, ()),
        ({"tag": [5]}, 5, ()),
        ({"trunks": [30, 20]}, 0, (20, 30)),
        ({"tag": [5], "trunks": [20], "vlan_mode": ["native-untagged"]}, 5, (20,)),
        ({"tag": [5], "vlan_mode": ["trunk"]}, 0, ()),
        ({"tag": [5], "trunks": [20], "vlan_mode": ["access"]}, 5, ()),
    ],
)
def test_vlans(settings: dict[str, Any], pvid: int, trunks: tuple[int, ...]) -> None:
    found = seen(port("vnet0", **settings))["vnet0"]
    assert (found.pvid, found.trunks) == (pvid, trunks)


def test_kinds_of_port() -> None:
    found = seen(
        port("tap0"),
        port("in0", interface("in0", "internal")),
        port("patch0", interface("patch0", "patch")),
        port("vx0", interface("vx0", "vxlan")),
        port("phy0", interface("phy0", "dpdk")),
        port("vhu0", interface("vhu0", "dpdkvhostuserclient")),
        port("bond0", interface("eth0"), interface("eth1")),
        port("new0", interface("new0", "a-type-of-tomorrow")),
    )
    said = {name: (one.kind, one.bypass, one.uplink, one.inner) for name, one in found.items()}
    assert said == {
        "tap0": ("", "", False, False),
        "in0": ("internal", "", False, True),
        "patch0": ("patch", "", True, False),
        "vx0": ("vxlan", "", True, False),
        "phy0": ("dpdk", "DPDK", True, False),
        "vhu0": ("vhost-user", "vhost-user", False, False),
        "eth0": ("bond", "", True, False),
        "eth1": ("bond", "", True, False),
        "new0": ("a-type-of-tomorrow", "", True, False),
    }


def test_addresses_and_states() -> None:
    found = seen(
        port("a", interface("a", external_ids={"attached-mac": "52:54:00:00:00:01"}, admin_state=["down"])),
        port("b", interface("b", external_ids={"attached-mac": "?"}, link_state=["down"])),
        port("c", status={"stp_state": "blocking"}),
        port("d", rstp_status={"rstp_port_state": "Forwarding"}),
    )
    assert (found["a"].macs, found["b"].macs) == ((0x525400000001,), ())
    assert [found[name].state for name in "abcd"] == ["down", "no-carrier", "blocking", "forwarding"]


def test_mirrors_and_what_they_copied() -> None:
    a, b, out = port("a"), port("b"), port("out")
    good = Row(
        name="m1", select_all=False, select_src_port=[b, a], select_dst_port=[a], select_vlan=[9, 3],
        output_port=[out], output_vlan=[], statistics={"tx_bytes": 900, "tx_packets": 3},
    )  # fmt: skip
    to_vlan = Row(
        name="m2", select_all=True, select_src_port=[], select_dst_port=[], select_vlan=[],
        output_port=[], output_vlan=[99],
    )  # fmt: skip
    whole = bridge(a, b, out, mirrors=(good, to_vlan))
    picture = picture_of([whole])
    assert picture.mirrors == (
        Mirror("m1", "br-int", "out", ("a", "b"), ("a",), vlans=(3, 9)),
        Mirror("m2", "br-int", "", all_ports=True, output_vlan=99),
    )
    assert not picture.notices
    (count,) = counts_of([whole], 5)
    assert (count.port, count.out_bytes, count.out_packets, count.in_bytes, count.at_ns) == (
        "m1",
        900,
        3,
        0,
        5,
    )


def test_what_the_switch_itself_reports_is_told() -> None:
    broken = [port(f"p{n}", interface(f"p{n}", error=["no such device"])) for n in range(7)]
    settings = Row(other_config={"hw-offload": "true"})
    told = picture_of([bridge(*broken)], [settings]).notices
    assert "cannot use p0 of br-int: no such device" in told[0]
    assert "2 more interfaces" in told[5]
    assert "other_config:hw-offload=false" in told[6]


FDB = """ port  VLAN  MAC                Age
    3    20  8e:6b:c4:49:fd:45    1
    3     0  8e:6b:c4:49:fd:46    1
LOCAL     0  8e:6b:c4:49:fd:47    1
    9     0  8e:6b:c4:49:fd:48    1
    3     0  nonsense             1
    3
"""


def test_learned_addresses() -> None:
    known = bridge(
        port("vnet0", interface("vnet0", ofport=[3])), port("vnet1", interface("vnet1", ofport=[]))
    )
    learned = parse(FDB, known, {})
    assert learned == {("br-int", "vnet0"): (0x8E6BC449FD45, 0x8E6BC449FD46)}
    assert picture_of([known], learned=learned).ports[0].macs == (0x8E6BC449FD45, 0x8E6BC449FD46)


def test_a_guest_that_floods_the_table_changes_nothing() -> None:
    known = bridge(port("vnet0", interface("vnet0", ofport=[3])))
    lines = [f"    3     0  02:00:00:00:{n >> 8:02x}:{n & 0xFF:02x}    1" for n in range(6_000)]
    key = ("br-int", "vnet0")
    first = parse("\n".join(["head", *lines]), known, {})
    assert len(first[key]) == MACS_A_PORT
    assert parse("\n".join(["head", *reversed(lines)]), known, first) == first


# Servers ------------------------------------------------------------------------------------------


@contextmanager
def served(path: Path, answer: bytes | None) -> Iterator[OpenVSwitchProbe]:
    """A server that gives one answer to each connection and closes it; None: it says nothing and waits."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    done = threading.Event()

    def serve() -> None:
        held = []
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if answer is None:
                held.append(connection)
                continue
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    probe = OpenVSwitchProbe(Setup({"probes.ovs.socket": str(path)}))
    try:
        yield probe
    finally:
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        probe.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "it closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no ovsdb-server"),
        (b"\xff\xfe\xff", "is no ovsdb-server"),
        (b'{"id": 0, "method": "echo"', "it closed the connection"),
        (b"[" * 4000, "is no ovsdb-server"),
    ],
)
def test_a_server_that_speaks_something_else(tmp_path: Path, answer: bytes, words: str) -> None:
    with served(tmp_path / "db", answer) as probe:
        assert probe.changed(0.0)
        with pytest.raises(VpiError, match=words):
            probe.read()
        assert not probe.changed(0.1), "it rests before it tries again"
        assert probe.changed(5.0)


def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "db", None) as probe, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rpc, "DEADLINE", 0.2)
        with pytest.raises(VpiError, match="has not answered within"):
            probe.read()


def test_nothing_there_is_silent_unless_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVS_RUNDIR", str(tmp_path))
    probe = OpenVSwitchProbe(Setup())
    assert probe.read() == Picture(absent=f"no socket at {tmp_path}/db.sock")
    named = OpenVSwitchProbe(Setup({"probes.ovs.socket": str(tmp_path / "other")}))
    with pytest.raises(VpiError, match="no socket at"):
        named.read()


def test_a_socket_that_nobody_listens_at(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(VpiError, match="ovsdb-server does not run"):
        OpenVSwitchProbe(Setup({"probes.ovs.socket": str(path)})).read()

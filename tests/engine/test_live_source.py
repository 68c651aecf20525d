"""The parts of the live source that need no kernel: which ports are watched, and VLANs of access ports."""

from __future__ import annotations

import numpy as np

from vpi_tui.capture.columns import allocate, as_batch
from vpi_tui.engine.sources.live import VLAN_PRESENT, _PortVlans, watched
from vpi_tui.model.topology import Port, Switch, Topology

BR0, BR1 = Switch("br0", "bridge", ifindex=2), Switch("br1", "bridge", ifindex=3)
PATCHED = (Port(10, "a", "br0"), Port(11, "patch0", "br0", peer=21), Port(20, "b", "br1"))


def test_all_ports_receive_and_whole_switches_send() -> None:
    partly = Switch("br9", "bridge")
    topology = Topology(switches=(BR0, partly), ports=(Port(10, "a", "br0"), Port(90, "z", "br9")))
    assert watched(topology) == ({10, 90}, {2})


def test_between_two_whole_switches_a_patch_is_not_watched() -> None:
    ports = (*PATCHED, Port(21, "patch1", "br1", peer=11))
    assert watched(Topology(switches=(BR0, BR1), ports=ports)) == ({10, 20}, {2, 3})


def test_the_patch_of_a_switch_that_is_not_watched_brings_its_traffic() -> None:
    assert watched(Topology(switches=(BR0,), ports=PATCHED[:2])) == ({10, 11}, {2})
    ports = (*PATCHED, Port(21, "patch1", "br1", peer=11))
    partly = Switch("br1", "bridge")
    assert watched(Topology(switches=(BR0, partly), ports=ports)) == ({10, 11, 20}, {2})


def test_untagged_frames_get_the_vlan_of_their_port() -> None:
    topology = Topology(
        switches=(Switch("br0", "bridge", ifindex=2, pvid=1),),
        ports=(Port(10, "a", "br0", pvid=30), Port(11, "trunk", "br0")),
    )
    tagged, priority = VLAN_PRESENT | 40, VLAN_PRESENT | 5 << 13
    frames = [(10, 0), (10, tagged), (10, priority), (11, 0), (11, tagged), (2, 0), (99, 0)]
    batch = as_batch(np.zeros(0, np.uint8), allocate(len(frames)), len(frames))
    batch.ifindex[:] = [ifindex for ifindex, _ in frames]
    batch.vlan_tci[:] = [tag for _, tag in frames]
    _PortVlans(topology).put_on(batch)
    assert batch.vlan_tci.tolist() == [
        VLAN_PRESENT | 30,
        tagged,
        priority | 30,
        0,
        tagged,
        VLAN_PRESENT | 1,
        0,
    ]

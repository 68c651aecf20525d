"""Frames, switches and guests for tests of coverage."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np

from vpi_tui.model.batch import LinkType, PacketBatch
from vpi_tui.model.topology import Guest, Port, Switch, Topology

BROADCAST = 0xFFFF_FFFF_FFFF
Frame = tuple[int, int, int, int]
"""ifindex where it was taken, source MAC, destination MAC, bytes."""


def mac(number: int) -> int:
    return 0x0277_0000_0000 | number


def batch(frames: Iterable[Frame], at_ns: Sequence[int] = (), *, vlan: int = 0) -> PacketBatch:
    """The frames, one each microsecond unless times are given."""
    listed = list(frames)
    data = bytearray()
    offsets = []
    for number, (_, source, dest, _) in enumerate(listed):
        offsets.append(len(data))
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, number % 65535 + 1, 0, 64, 17, 0, 1, 2)
        data += dest.to_bytes(6, "big") + source.to_bytes(6, "big") + b"\x08\0" + ip + bytes(26)
    count = len(listed)
    return PacketBatch(
        buf=np.frombuffer(data, np.uint8).copy(),
        offset=np.array(offsets, np.int64),
        caplen=np.full(count, 60, np.int32),
        length=np.array([size for *_, size in listed], np.int32),
        ts_ns=np.array(at_ns or range(1000, 1000 * (count + 1), 1000), np.int64),
        link_type=np.full(count, LinkType.ETHERNET, np.uint16),
        ifindex=np.array([ifindex for ifindex, *_ in listed], np.int32),
        vlan_tci=np.full(count, 0x10000 | vlan if vlan else 0, np.uint32),
        flags=np.zeros(count, np.uint8),
        kernel_packets=0,
        kernel_drops=0,
    )


def port(number: int, switch: str = "br0", **more: object) -> Port:
    return Port(number, f"vnet{number}", switch, f"guest{number}", **more)  # type: ignore[arg-type]


def topology(
    *ports: Port, kinds: dict[str, str] | None = None, own: dict[str, int] | None = None
) -> Topology:
    """kinds: of switches, bridge unless said. own: ifindexes of switches' own devices."""
    names = list(dict.fromkeys(one.switch for one in ports))
    switches = [
        Switch(name, (kinds or {}).get(name, "bridge"), ifindex=(own or {}).get(name, 0)) for name in names
    ]
    guests = [Guest(one.guest, one.switch) for one in ports if one.guest]
    return Topology(switches=tuple(switches), ports=tuple(ports), guests=tuple(guests))

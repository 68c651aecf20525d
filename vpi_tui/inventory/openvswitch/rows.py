"""Rows of Open vSwitch's database as a picture. Pure; a row is anything with its columns as attributes.

Source: ovs-vswitchd.conf.db(5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vpi_tui.inventory.picture import Picture, SeenPort, mac_number
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.topology import Mirror, Switch

SOURCE = "Open vSwitch"
BYPASS = {
    "dpdk": "DPDK",
    "dpdkr": "DPDK",
    "dpdkvhostuser": "vhost-user",
    "dpdkvhostuserclient": "vhost-user",
    "afxdp": "AF_XDP",
    "afxdp-nonpmd": "AF_XDP",
}
"""Types of interface whose frames the switch takes past the kernel."""
VHOST_USER = "vhost-user"
Learned = Mapping[tuple[str, str], tuple[int, ...]]
"""Addresses by bridge and interface."""
_INNER = frozenset(["internal", "tap"])
"""The switch itself holds the far end: what the device sends enters the switch."""
_GUESTS = frozenset(["", "system", *_INNER, "dpdkvhostuser", "dpdkvhostuserclient", "afxdp", "afxdp-nonpmd"])
"""Types behind which guests can be; all others lead to another switch or host."""
_UNTAGGED = frozenset(["access", "native-untagged", "native-tagged", "dot1q-tunnel"])
MOST_PORTS = 8_192
NAMES_IN_A_NOTICE = 5


def picture_of(
    bridges: Iterable[Any], settings: Iterable[Any] = (), learned: Learned | None = None
) -> Picture:
    """bridges, settings: rows of the tables Bridge and Open_vSwitch."""
    addresses = learned or {}
    switches: list[Switch] = []
    ports: list[SeenPort] = []
    mirrors: list[Mirror] = []
    broken: list[tuple[str, Any]] = []
    for bridge in sorted(bridges, key=lambda row: str(row.name)):
        own = next((port for port in bridge.ports if port.name == bridge.name), None)
        switches.append(_switch(bridge.name, own))
        for port in sorted(bridge.ports, key=lambda row: str(row.name)):
            if port.name != bridge.name:
                ports += _ports(bridge.name, port, addresses)
            broken += [(bridge.name, row) for row in port.interfaces if _one(row, "error", "")]
        mirrors += [_mirror(bridge.name, row) for row in getattr(bridge, "mirrors", ())]
    notices = [*_errors(broken), *_broken_mirrors(mirrors), *_offload(settings)]
    return Picture(
        tuple(switches),
        tuple(ports[:MOST_PORTS]),
        notices=tuple(notices),
        mirrors=tuple(mirrors),
        absent="" if switches else "no bridge",
    )


def _switch(name: str, own: Any) -> Switch:
    """own: the port of the bridge's own device, None when it has none."""
    if own is None:
        return Switch(name, "ovs")
    ifindex = next((_one(row, "ifindex", 0) for row in own.interfaces if row.name == name), 0)
    return Switch(name, "ovs", ifindex=ifindex, pvid=_pvid(own))


def counts_of(bridges: Iterable[Any], at_ns: int) -> tuple[TrueCount, ...]:
    """What the switch counted at its interfaces, and how much its mirrors copied (as what leaves)."""
    return tuple(count for bridge in bridges for count in _counts(bridge, at_ns))


def _counts(bridge: Any, at_ns: int) -> Iterator[TrueCount]:
    for port in bridge.ports:
        for row in port.interfaces:
            seen = dict(getattr(row, "statistics", {}))
            if "rx_bytes" in seen:
                # Read from the wire by a driver of its own, where the kernel does not count.
                wire = row.type in BYPASS
                yield _count(bridge.name, row.name, seen, at_ns, wire=wire, ifindex=_one(row, "ifindex", 0))
    for mirror in getattr(bridge, "mirrors", ()):
        seen = dict(getattr(mirror, "statistics", {}))
        if "tx_bytes" in seen:
            yield _count(bridge.name, mirror.name, seen, at_ns)


def _count(
    switch: str, port: str, seen: dict[str, int], at_ns: int, *, wire: bool = False, ifindex: int = 0
) -> TrueCount:
    received, sent = ((seen.get(f"{way}_bytes", 0), seen.get(f"{way}_packets", 0)) for way in ("rx", "tx"))
    return TrueCount(switch, port, received[0], sent[0], received[1], sent[1], SOURCE, wire, ifindex, at_ns)


def _ports(switch: str, port: Any, learned: Learned) -> Iterator[SeenPort]:
    """A port has one interface, or several when it is a bond: these are where frames enter."""
    bond = len(port.interfaces) > 1
    for row in sorted(port.interfaces, key=lambda row: str(row.name)):
        bypass = BYPASS.get(row.type, "")
        known = "" if row.type == "system" else row.type
        yield SeenPort(
            _one(row, "ifindex", 0),
            row.name,
            switch,
            uplink=bond or row.type not in _GUESTS,
            macs=tuple(dict.fromkeys((*_macs(row), *learned.get((switch, row.name), ())))),
            pvid=_pvid(port),
            kind="bond" if bond else bypass if bypass == VHOST_USER else known,
            state=_state(port, row),
            trunks=_trunks(port),
            bypass=bypass,
            inner=row.type in _INNER,
        )


def _one(row: Any, column: str, default: Any) -> Any:
    """A column that has one value or none."""
    value = getattr(row, column, None)
    if isinstance(value, list):
        return value[0] if value else default
    return default if value is None else value


def _mode(port: Any) -> str:
    """A tag without a mode makes an access port, none a trunk."""
    return _one(port, "vlan_mode", "") or ("access" if _one(port, "tag", None) is not None else "trunk")


def _pvid(port: Any) -> int:
    return int(_one(port, "tag", 0)) if _mode(port) in _UNTAGGED else 0


def _trunks(port: Any) -> tuple[int, ...]:
    """None named: all, of which no list is made."""
    return () if _mode(port) == "access" else tuple(sorted(getattr(port, "trunks", None) or ()))


def _macs(row: Any) -> tuple[int, ...]:
    """The address that whoever plugged a guest in (libvirt, Neutron, Xen) has noted at the interface."""
    try:
        return (mac_number(getattr(row, "external_ids", {})["attached-mac"]),)
    except (KeyError, ValueError):
        return ()


def _state(port: Any, row: Any) -> str:
    if _one(row, "admin_state", "up") == "down":
        return "down"
    if _one(row, "link_state", "up") == "down":
        return "no-carrier"
    spanning = getattr(port, "rstp_status", {}).get("rstp_port_state") or getattr(port, "status", {}).get(
        "stp_state", ""
    )
    return str(spanning).lower()


def _mirror(switch: str, row: Any) -> Mirror:
    output = _one(row, "output_port", None)
    return Mirror(
        row.name,
        switch,
        output.name if output is not None else "",
        tuple(sorted(port.name for port in row.select_src_port)),
        tuple(sorted(port.name for port in row.select_dst_port)),
        bool(row.select_all),
        tuple(sorted(row.select_vlan)),
        int(_one(row, "output_vlan", 0)),
    )


def _errors(broken: list[tuple[str, Any]]) -> Iterator[str]:
    for switch, row in broken[:NAMES_IN_A_NOTICE]:
        yield (
            f"Open vSwitch cannot use {row.name} of {switch}: {_one(row, 'error', '')}."
            f" When it is not needed any more: ovs-vsctl del-port {switch} {row.name}"
        )
    if len(broken) > NAMES_IN_A_NOTICE:
        yield f"Open vSwitch cannot use {len(broken) - NAMES_IN_A_NOTICE} more interfaces: ovs-vsctl show"


def _broken_mirrors(mirrors: Iterable[Mirror]) -> Iterator[str]:
    for mirror in mirrors:
        if not mirror.output and not mirror.output_vlan:
            yield (
                f"The mirror {mirror.name} of {mirror.switch} copies to nowhere: its output port is gone."
                f" Set it again: ovs-vsctl -- --id=@p get port PORT"
                f" -- set mirror {mirror.name} output-port=@p"
            )


def _offload(settings: Iterable[Any]) -> Iterator[str]:
    if any(getattr(row, "other_config", {}).get("hw-offload") == "true" for row in settings):
        yield (
            "Open vSwitch gives flows to the network card (hw-offload): of these only the first packets are"
            " seen. To see all: ovs-vsctl set Open_vSwitch . other_config:hw-offload=false"
        )

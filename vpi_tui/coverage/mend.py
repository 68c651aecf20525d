"""The commands that mend a blind spot, ready to be run by a shell.

Sources: ovs-vsctl(8), the Mirror table of ovs-vswitchd.conf.db(5), tc-mirred(8), tc-u32(8), ip-link(8).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from vpi_tui.model.topology import Mirror

MIRROR_NAME = "vpi"
PORT_GROUP = (
    "VMware: set the port group to accept promiscuous mode (Security > Promiscuous mode: Accept). "
    "Linux bridge: ip link set BRIDGE type bridge ageing_time 0. Open vSwitch: mirror to the sensor's port."
)


def copy_there(host: str, switch: str) -> str:
    """What to do on another host, whose switch leads to the sensor's virtual machine."""
    return (
        f"On {host}, with SENSOR_PORT the sensor's port of {switch}. Linux bridge: {flood(switch)}."
        f" Open vSwitch: {make_mirror(switch, 'SENSOR_PORT')}"
    )


def watch(names: Iterable[str]) -> str:
    """Start the program on these interfaces."""
    return " ".join(["vpi-tui", *(f"-i {shlex.quote(name)}" for name in dict.fromkeys(names))])


def make_mirror(switch: str, output: str, like: Mirror | None = None) -> str:
    """Let Open vSwitch copy to a port what it carries, or what a mirror that is gone has copied.

    The whole of the switch, unless `like` names ports.
    """
    chosen = like is not None and not like.all_ports and (like.ports_in or like.ports_out)
    names = dict.fromkeys((*like.ports_in, *like.ports_out)) if like is not None and chosen else {}
    handles = {name: f"@p{number}" for number, name in enumerate(names)}
    parts = ["ovs-vsctl", f"-- --id=@out get Port {shlex.quote(output)}"]
    parts += [f"-- --id={handle} get Port {shlex.quote(name)}" for name, handle in handles.items()]
    create = ["-- --id=@m create Mirror", f"name={shlex.quote((like and like.name) or MIRROR_NAME)}"]
    if like is not None and chosen:
        for column, ports in (("select-src-port", like.ports_in), ("select-dst-port", like.ports_out)):
            if ports:
                create.append(f"{column}={','.join(handles[name] for name in ports)}")
    else:
        create.append("select-all=true")
    if like is not None and like.vlans:
        create.append(f"select-vlan={','.join(map(str, like.vlans))}")
    create += ["output-port=@out", f"-- add Bridge {shlex.quote(switch)} mirrors @m"]
    return " ".join(parts + create)


def add_to_mirror(mirror: Mirror, port: str, *, into: bool, out: bool) -> str:
    """Let a mirror copy this port too. into, out: which of its directions is missing."""
    words = f"ovs-vsctl -- --id=@p get Port {shlex.quote(port)}"
    columns = ["select_src_port"] * into + ["select_dst_port"] * out
    return " ".join([words, *(f"-- add Mirror {shlex.quote(mirror.name)} {column} @p" for column in columns)])


def send_mirror_to(mirror: Mirror, output: str) -> str:
    """Give a mirror the port that gets its copies."""
    name, port = shlex.quote(mirror.name), shlex.quote(output)
    return f"ovs-vsctl -- --id=@out get Port {port} -- set Mirror {name} output-port=@out"


def all_vlans(mirror: Mirror) -> str:
    return f"ovs-vsctl clear Mirror {shlex.quote(mirror.name)} select_vlan"


def copy_port(port: str, device: str) -> str:
    """Let the kernel copy both directions of a port to a device."""
    name, to = shlex.quote(port), shlex.quote(device)
    ways = (
        f"tc filter add dev {name} {way} protocol all u32 match u32 0 0 action mirred egress mirror dev {to}"
        for way in ("ingress", "egress")
    )
    return " && ".join([f"tc qdisc replace dev {name} clsact", *ways])


def flood(bridge: str) -> str:
    """Let a Linux bridge hand every frame to every port."""
    return f"ip link set {shlex.quote(bridge)} type bridge ageing_time 0"


def promiscuous(interface: str) -> str:
    return f"ip link set {shlex.quote(interface)} promisc on"


def link_up(interface: str) -> str:
    return f"ip link set {shlex.quote(interface)} up"


def more_ring(now: int) -> str:
    """Four times the memory for the ring, in the unit that the setting is written in."""
    return f"vpi-tui --set memory.ring={min(max(4 * now >> 20, 256), 4096)}mb"

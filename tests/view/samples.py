"""Snapshots, alerts and flows for the tests of views, and strings that a hostile wire may carry."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Counters, FlowColumns, GuestStat, Snapshot, SwitchStat
from vpi_tui.model.topology import End

NS = 1_000_000_000
START = 1_790_000_000 * NS

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "[bold red]not red[/] [link=http://x]y[/link]",
    "safe\u202ednammoc\u2066",
    "a\u200bb\u00adc\ufeffd\u2028e\x85f",
    "e" + "\u0301" * 50,
    "\r\n\t\x00\x7f\x9b31m",
    "x" * 65_536,
)
_NASTY = st.sampled_from(
    "\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\x9d\u00ad\u061c\u200b\u200e\u200f\u2028\u202a\u202e\u2066\u2069\ufe0f\ufeff"
    "\u0301\u0489\u3164\ud800\udc80\U000e0001\U000e0100[]\\"
)
texts = st.text(
    alphabet=st.one_of(_NASTY, st.characters(), st.sampled_from("abc\\xuU0\u20ac\u4e2d")), max_size=80
)
raw_bytes = st.one_of(st.binary(max_size=80), texts.map(lambda t: t.encode("utf-8", "surrogatepass")))


def counters(**values: int) -> Counters:
    return Counters(**values)


def switch(name: str = "br0", **values: Any) -> SwitchStat:
    return SwitchStat(
        **{"kind": "bridge", "ports": 2, "counters": Counters(), "alerts": (0, 0, 0), **values}, name=name
    )


def guest(name: str, on: str = "br0", **values: Any) -> GuestStat:
    base: dict[str, Any] = {
        "switch": on,
        "port": f"tap-{name}"[:15],
        "ips": ("10.0.0.1",),
        "macs": ("02:00:00:00:00:01",),
        "tags": (),
        "source": "static",
        "present": True,
        "counters": Counters(),
        "alerts": (0, 0, 0),
    }
    return GuestStat(**(base | values), name=name)


def snapshot(**values: Any) -> Snapshot:
    base: dict[str, Any] = {
        "seq": 1,
        "taken_ns": START,
        "packet_ns": START,
        "mode": "live",
        "source": "br0",
        "state": "running",
        "state_text": "",
        "total": switch("all"),
    }
    return Snapshot(**(base | values))


def alert(number: int = 1, **values: Any) -> Alert:
    base: dict[str, Any] = {
        "ts_ns": START + number * NS,
        "gid": 1,
        "sid": 9000100,
        "rev": 1,
        "msg": "RECON port scan",
        "classtype": "network-scan",
        "priority": 2,
        "action": "alert",
        "technique": "T1046",
        "pack": "recon",
        "in_iface": "tap0",
        "switch": "br0",
        "src_guest": "web-1",
        "dest_guest": "db-1",
        "locality": "east-west",
        "src_ip": "10.0.0.1",
        "src_port": 40000,
        "dest_ip": "10.0.0.2",
        "dest_port": 443,
        "proto": 6,
        "app_proto": "tls",
        "vlan": (),
        "direction": "to_server",
        "community_id": "1:x",
        "flow_id": 7,
        "packet_number": number,
    }
    return Alert(**(base | values), number=number)


# Flows ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow in plain Python, from which columns are packed and which the naive twins look at."""

    flow_id: int
    src_ip: str
    dest_ip: str
    src_port: int = 0
    dest_port: int = 0
    proto: int = 6
    vlan: int = 0
    state: int = 1
    locality: int = 1
    alerted: int = 0
    switch: str = ""
    src_guest: str = ""
    dest_guest: str = ""
    src_end: int = 0
    dest_end: int = 0
    app_proto: str = ""
    start_ns: int = START
    end_ns: int = START
    pkts_toserver: int = 0
    pkts_toclient: int = 0
    bytes_toserver: int = 0
    bytes_toclient: int = 0


_NAMED = ("switch", "src_guest", "dest_guest", "app_proto")
_KINDS = {
    "flow_id": "<u8",
    "src_port": "<u2",
    "dest_port": "<u2",
    "proto": "u1",
    "vlan": "<u2",
    "state": "u1",
    "locality": "u1",
    "alerted": "u1",
    "src_end": "u1",
    "dest_end": "u1",
    "start_ns": "<i8",
    "end_ns": "<i8",
    "pkts_toserver": "<u8",
    "pkts_toclient": "<u8",
    "bytes_toserver": "<u8",
    "bytes_toclient": "<u8",
}


def packed_address(text: str) -> bytes:
    address = ipaddress.ip_address(text)
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed


def columns(flows: Sequence[Flow]) -> FlowColumns:
    """The flows as the engine would send them."""
    names = tuple(dict.fromkeys(["", *(getattr(f, n) for f in flows for n in _NAMED)]))
    packed: dict[str, Any] = {"count": len(flows), "total": len(flows), "names": names}
    packed["src_ip"] = b"".join(packed_address(f.src_ip) for f in flows)
    packed["dest_ip"] = b"".join(packed_address(f.dest_ip) for f in flows)
    for name, kind in _KINDS.items():
        packed[name] = np.array([getattr(f, name) for f in flows], kind).tobytes()
    for name in _NAMED:
        packed[name] = np.array([names.index(getattr(f, name)) for f in flows], "<u2").tobytes()
    assert set(packed) == {field.name for field in fields(FlowColumns)}
    return FlowColumns(**packed)


_addresses = st.one_of(
    st.sampled_from(["10.0.0.1", "10.0.0.255", "10.1.2.3", "192.168.10.10", "110.0.0.1", "255.255.255.255"]),
    st.ip_addresses(v=4).map(str),
    st.sampled_from(["fe80::1", "2001:db8::10", "::", "2001:db8:0:1::a00:1"]),
    st.ip_addresses(v=6).map(str),
)
_names = st.sampled_from(["", "web-1", "Web-2", "db", "backup", "10.0"])
_ends = st.integers(0, len(End))
_ports = st.one_of(st.sampled_from([0, 22, 80, 443, 8080, 65535]), st.integers(0, 65535))


def flows(most: int = 30) -> st.SearchStrategy[list[Flow]]:
    """Lists of flows with ids of their own."""
    one = st.builds(
        Flow,
        flow_id=st.integers(1, 2**64 - 1),
        src_ip=_addresses,
        dest_ip=_addresses,
        src_port=_ports,
        dest_port=_ports,
        proto=st.sampled_from([1, 6, 17, 58, 132, 200]),
        vlan=st.sampled_from([0, 1, 100, 4095]),
        state=st.integers(0, 2),
        locality=st.integers(0, 4),
        alerted=st.sampled_from([0, 0, 1, 255]),
        switch=st.sampled_from(["br0", "BR1", ""]),
        src_guest=_names,
        dest_guest=_names,
        src_end=_ends,
        dest_end=_ends,
        app_proto=st.sampled_from(["", "http", "tls", "dns"]),
        start_ns=st.integers(0, 2**62),
        end_ns=st.integers(0, 2**62),
        pkts_toserver=st.integers(0, 9),
        pkts_toclient=st.integers(0, 9),
        bytes_toserver=st.integers(0, 2**62),
        bytes_toclient=st.integers(0, 2**62),
    )
    return st.lists(one, max_size=most, unique_by=lambda flow: flow.flow_id)

"""The flow table against plain Python: filters row by row, orders by sorted()."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vpi_tui.model.snapshot import FlowColumns
from vpi_tui.model.topology import End
from vpi_tui.view import filters
from vpi_tui.view.escape import is_safe
from vpi_tui.view.flow_table import FIELDS, LOCALITY_NAMES, STATE_NAMES, FlowTable, address_text, proto_name
from vpi_tui.view.flows import GROUPS, SORTS, FlowRows, empty_text, flow_cells, group_rows, order

from .samples import HOSTILE, NS, START, Flow, columns, flows, packed_address

# Decoding -------------------------------------------------------------------------------------


@given(flows())
def test_columns_come_back_as_they_were_packed(given_flows):
    table = FlowTable(columns(given_flows))
    assert len(table) == table.total == len(given_flows)
    for at, flow in enumerate(given_flows):
        assert int(table["flow_id"][at]) == flow.flow_id
        assert int(table["bytes_toserver"][at]) == flow.bytes_toserver
        assert int(table["start_ns"][at]) == flow.start_ns
        assert table.names[table["src_guest"][at]] == flow.src_guest
        mapped = flow.src_ip.startswith("::ffff:")
        assert mapped or address_text(table.src[at].tobytes()) == flow.src_ip
        assert bool(table.v6(table.src)[at]) == (ipaddress.ip_address(flow.src_ip).version == 6) or mapped


@settings(max_examples=50)
@given(flows(8), st.integers(0, 60), st.integers(-5, 40), st.binary(max_size=40))
def test_a_broken_sender_cannot_break_the_view(given_flows, cut, count, noise):
    good = columns(given_flows)
    broken = replace(
        good,
        count=count,
        flow_id=good.flow_id[:cut],
        src_ip=noise,
        src_guest=noise,
        state=b"\xff" * cut,
        locality=b"\xff" * cut,
        names=good.names[: cut % 3],
    )
    table = FlowTable(broken)
    rows = FlowRows(table, filters.parse("!zzz", FIELDS))
    assert len(rows) == max(count, 0)
    for index in range(len(rows)):
        assert len(rows.row(index)) == 14


# Filters --------------------------------------------------------------------------------------


def fields_of(flow: Flow) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """What the row-by-row filter needs to know of a flow."""
    proto, state = proto_name(flow.proto), STATE_NAMES[flow.state]
    ports = (str(flow.src_port), str(flow.dest_port))
    named = {name: getattr(flow, name).lower() for name in ("src_guest", "dest_guest", "switch", "app_proto")}
    src, dest = (address_text(packed_address(ip)) for ip in (flow.src_ip, flow.dest_ip))
    keyed = {
        "src": (src, named["src_guest"]),
        "dst": (dest, named["dest_guest"]),
        "ip": (src, dest),
        "port": ports,
        "sport": ports[:1],
        "dport": ports[1:],
        "app": (named["app_proto"],),
        "proto": (proto,),
        "guest": (named["src_guest"], named["dest_guest"]),
        "switch": (named["switch"],),
        "state": (state,),
    }
    alerted = {"alerted"} if flow.alerted else set()
    ends = {
        "client-unnamed": flow.src_guest,
        "server-unnamed": flow.dest_guest,
        "app-unknown": flow.app_proto,
    }
    alerted |= {flag for flag, name in ends.items() if not name}
    for side, end in (("client", flow.src_end), ("server", flow.dest_end)):
        alerted |= {f"{side}-{End(-end).name.lower()}"} if end else set()
    return keyed, frozenset({state, LOCALITY_NAMES[flow.locality], *alerted})


TEXTS = [
    *(
        "web",
        "10.",
        "0.0.1",
        "0.1",
        "1.1",
        ".1",
        "25",
        "255.",
        "fe80",
        "::",
        "b8:",
        "tcp",
        "ip/200",
        "443",
        "closed",
    ),
    *(
        "src:10.0",
        "dst:192",
        "ip:fe80",
        "ip:.255",
        "port:443",
        "port:20-90",
        "sport:0",
        "dport:8080-",
        "app:http",
    ),
    *(
        "proto:icmp",
        "guest:web",
        "guest:10.0",
        "switch:br1",
        "state:est",
        "is:alerted",
        "is:east-west",
        "is:closed",
        "is:server-unnamed",
        "is:client-world",
        "is:server-broadcast",
    ),
    *("net:10.0.0.0/8", "net:10.0.0.0/30", "net:0.0.0.0/0", "net:fe80::/10", "net:2001:db8::/33", "net:::/0"),
]
one_term = st.tuples(st.sampled_from(["", "!"]), st.sampled_from(TEXTS)).map("".join)


def naive(wanted: filters.Filter, flow: Flow) -> bool:
    keyed, flags = fields_of(flow)
    if any(term.network for term in wanted.terms):
        return all(_naive_term(term, flow, keyed, flags) != term.negated for term in wanted.terms)
    return filters.matches(wanted, keyed, flags)


def _naive_term(term, flow, keyed, flags):
    if term.network is None:
        return filters.matches(filters.Filter((replace(term, negated=False),)), keyed, flags)
    ends = [ipaddress.ip_address(ip) for ip in (flow.src_ip, flow.dest_ip)]
    ends = [getattr(ip, "ipv4_mapped", None) or ip for ip in ends]
    if term.network.version == 6:
        whole = [ipaddress.IPv6Address(packed_address(str(ip))) for ip in ends]
        return any(ip in term.network for ip in whole)
    return any(ip.version == 4 and ip in term.network for ip in ends)


@settings(max_examples=200)
@given(flows(20), st.lists(one_term, min_size=1, max_size=3).map(" ".join))
@example([Flow(1, "10.0.0.1", "110.0.0.1")], "0.0.1")
@example([Flow(1, "::", "::1")], "net:0.0.0.0/0")
def test_filters(given_flows, text):
    wanted = filters.parse(text, FIELDS)
    rows = FlowRows(FlowTable(columns(given_flows)), wanted)
    found = {rows.key(index) for index in range(len(rows))}
    assert found == {flow.flow_id for flow in given_flows if naive(wanted, flow)}


@given(
    st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=20),
    st.text("0123456789.", min_size=1, max_size=6),
)
def test_pieces_of_addresses(addresses, word):
    table = FlowTable(columns([Flow(n, ip, "0.0.0.0") for n, ip in enumerate(addresses, 1)]))
    assert table.address_holds(table.src, word).tolist() == [word in ip for ip in addresses]


@pytest.mark.parametrize("key", sorted(FIELDS.keys))
def test_every_field_can_be_asked_for(key):
    value = {"net": "10.0.0.0/8"}.get(key, "1")
    wanted = filters.parse(f"{key}:{value}", FIELDS)
    assert FlowTable(columns([Flow(1, "10.0.0.1", "10.0.0.2")])).mask(wanted).shape == (1,)


@pytest.mark.parametrize("flag", sorted(FIELDS.flags))
def test_every_flag_finds_its_flows(flag):
    some = [
        Flow(
            1 + s * 10 + p, "::1", "::2", state=s, locality=p, alerted=s, src_guest="a" * s, app_proto="b" * p
        )
        for s in range(3)
        for p in range(5)
    ]
    rows = FlowRows(FlowTable(columns(some)), filters.parse(f"is:{flag}", FIELDS))
    assert {rows.key(i) for i in range(len(rows))} == {f.flow_id for f in some if flag in fields_of(f)[1]}


# Order ----------------------------------------------------------------------------------------

PLAIN: dict[str, Callable[[Flow], object]] = {
    "share": lambda f: float(f.bytes_toserver) / float(max(f.bytes_toserver + f.bytes_toclient, 1)),
    "bytes": lambda f: f.bytes_toserver + f.bytes_toclient,
    "pkts": lambda f: f.pkts_toserver + f.pkts_toclient,
    "last": lambda f: f.end_ns,
    "start": lambda f: f.start_ns,
    "age": lambda f: f.end_ns - f.start_ns,
    "alerts": lambda f: f.alerted,
    "state": lambda f: f.state,
    "app": lambda f: f.app_proto.lower(),
    "proto": lambda f: f.proto,
    "src": lambda f: packed_address(f.src_ip),
    "dst": lambda f: packed_address(f.dest_ip),
    "port": lambda f: f.dest_port,
    "guest": lambda f: f.src_guest.lower(),
    "switch": lambda f: f.switch.lower(),
    "vlan": lambda f: f.vlan,
    "path": lambda f: f.locality,
}


def test_every_order_has_a_twin():
    assert set(PLAIN) == set(SORTS)


@pytest.mark.parametrize("sort", sorted(SORTS))
@settings(max_examples=40)
@given(given_flows=flows(40), descending=st.booleans())
def test_orders(sort, given_flows, descending):
    """Equal keys keep the order of the table in both directions, so that rows stand still."""
    rows = FlowRows(FlowTable(columns(given_flows)), sort=sort, descending=descending)
    wanted = [flow.flow_id for flow in sorted(given_flows, key=PLAIN[sort], reverse=descending)]
    assert [rows.key(index) for index in range(len(rows))] == wanted
    assert [rows.find(key) for key in wanted] == list(range(len(wanted)))


@given(
    st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 3), max_size=60),
    st.integers(-1, 70),
    st.booleans(),
)
def test_the_best_rows(keys, last, descending):
    got = order(np.array(keys, np.int64), last, descending=descending).tolist()
    wanted = sorted(range(len(keys)), key=lambda i: (-keys[i] if descending else keys[i], i))
    assert got == wanted[: max(last, 0)]


@given(st.lists(st.integers(-4, 4), max_size=40), st.integers(-2, 42), st.integers(-2, 42), st.booleans())
def test_rows_from_one_place_to_another(keys, first, last, descending):
    got = order(np.array(keys, np.int64), last, descending=descending, first=first).tolist()
    wanted = sorted(range(len(keys)), key=lambda i: (-keys[i] if descending else keys[i], i))
    assert got == wanted[max(first, 0) : max(last, 0)]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.booleans())
def test_unsigned_keys(keys, descending):
    got = order(np.array(keys, np.uint64), len(keys), descending=descending).tolist()
    assert got == sorted(range(len(keys)), key=lambda i: (-keys[i] if descending else keys[i], i))


def test_pages_far_down_are_found():
    many = [Flow(n, "10.0.0.1", "10.0.0.2", bytes_toserver=(n * 7919) % 5000) for n in range(1, 5001)]
    rows = FlowRows(FlowTable(columns(many)))
    ranked = sorted(many, key=lambda f: -f.bytes_toserver)
    for index in (0, 255, 256, 4999, 2500):
        assert rows.key(index) == ranked[index].flow_id
    assert rows.find(12345678) is None
    assert rows.find("x") is None


# Rows and groups ------------------------------------------------------------------------------


def test_cells():
    flow = Flow(
        *(9, "10.0.0.1", "2001:db8::5", 40000, 443),
        **{"vlan": 12, "alerted": 255, "switch": "br0", "src_guest": "web-1", "app_proto": "tls"},
        **{"start_ns": START, "end_ns": START + 3 * NS, "pkts_toserver": 600, "pkts_toclient": 634},
        **{"bytes_toserver": 750, "bytes_toclient": 250},
    )
    cells = flow_cells(FlowTable(columns([flow])), 0, START + 63 * NS)
    assert [cell if isinstance(cell, str) else cell[0] for cell in cells] == [
        *("*", "!255+", "tls", "web-1 10.0.0.1:40000", "[2001:db8::5]:443", "1.23k", "1.00 kB"),
        *("75%", "3.0 s", "1m 00s", "established", "e-w", "br0", "12"),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_reaches_a_cell(text):
    table = FlowTable(
        columns([Flow(1, "10.0.0.1", "::1", switch=text, src_guest=text, dest_guest=text, app_proto=text)])
    )
    cells = [cell if isinstance(cell, str) else cell[0] for cell in flow_cells(table, 0, START)]
    cells += [row.name for by in GROUPS for row in group_rows(table, by)]
    assert all(is_safe(cell) and len(cell) < 200 for cell in cells)


@settings(max_examples=60)
@given(flows(), st.sampled_from(["", "is:alerted", "!web"]))
def test_groups_are_sums(given_flows, text):
    wanted = filters.parse(text, FIELDS)
    chosen = [replace(f, bytes_toserver=f.bytes_toserver % 10**9, bytes_toclient=0) for f in given_flows]
    table = FlowTable(columns(chosen))
    chosen = [flow for flow in chosen if naive(wanted, flow)]
    for by, key in (
        ("guest", lambda f: f.src_guest or "(no guest)"),
        ("application", lambda f: f.app_proto or "(unknown)"),
    ):
        sums, count = Counter(), Counter()
        for flow in chosen:
            sums[key(flow)] += flow.bytes_toserver
            count[key(flow)] += 1
        got = group_rows(table, by, wanted)
        assert {row.name: (row.bytes, row.flows) for row in got} == {n: (sums[n], count[n]) for n in count}
        assert [row.bytes for row in got] == sorted(sums.values(), reverse=True)


def test_ports_group_by_protocol_too():
    some = [
        Flow(1, "::1", "::2", 1, 53, 6),
        Flow(2, "::1", "::2", 2, 53, 17),
        Flow(3, "::1", "::2", 3, 53, 17),
    ]
    assert {(row.name, row.flows) for row in group_rows(FlowTable(columns(some)), "port")} == {
        ("tcp/53", 1),
        ("udp/53", 2),
    }


def test_an_empty_table_says_why():
    assert "filter" in empty_text(FlowColumns(total=3))[0]
    assert "No flow yet" in empty_text(FlowColumns())[0]
    assert len(FlowRows(FlowTable())) == 0

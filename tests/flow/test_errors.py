"""ICMP errors belong to the flow that they are about."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.flow.rows import ACK, SYN, Seg, batch
from vpi_tui.flow.table import FlowTable, FlowTimeouts
from vpi_tui.model.batch import Direction, FirstSeen, FlowState

ASKED = Seg(proto=17, dport=53)
SECOND = 1_000_000_000


def quoted(seg: Seg, *, proto: int = 0, options: bytes = b"", keep: int = 8) -> bytes:
    """The start of a datagram, as an error carries it (RFC 792)."""
    first = 0x45 + len(options) // 4
    ends = IPv4Address(seg.src).packed + IPv4Address(seg.dst).packed
    ports = seg.sport.to_bytes(2) + seg.dport.to_bytes(2) + bytes(4)
    return bytes([first, *bytes(8), proto or seg.proto, 0, 0]) + ends + options + ports[:keep]


def error(about: Seg, sender: str, payload: bytes = b"", kind: int = 3, **changes: object) -> Seg:
    """kind: the type of ICMP; 3 = destination unreachable."""
    made = Seg(src=sender, dst=about.src, sport=kind, dport=3, proto=1, payload=payload or quoted(about))
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("sender", [ASKED.dst, "10.9.9.9"])
@pytest.mark.parametrize("options", [b"", bytes(8)])
def test_an_unreachable_port_is_told_within_the_flow(sender: str, options: bytes) -> None:
    table = FlowTable(16)
    flows = table.update(*batch([ASKED, error(ASKED, sender, quoted(ASKED, options=options))]))
    assert flows.flow.tolist() == [0, 0]
    assert flows.direction.tolist() == [Direction.TO_SERVER, Direction.TO_CLIENT]
    assert table.active() == 1
    assert table.records["pkts_toclient"][0] == 1
    assert table.records["state"][0] == FlowState.ESTABLISHED


def test_an_error_about_an_answer_goes_to_the_server() -> None:
    answer = ASKED.back()
    flows = FlowTable(16).update(*batch([ASKED, answer, error(answer, ASKED.src)]))
    assert flows.flow.tolist() == [0, 0, 0]
    assert flows.direction.tolist()[2] == Direction.TO_SERVER


@pytest.mark.parametrize(
    "other",
    [
        error(ASKED, ASKED.dst, kind=11),
        error(ASKED, ASKED.dst, quoted(ASKED, keep=3)),
        error(ASKED, ASKED.dst, quoted(ASKED)[:19]),
        error(ASKED, ASKED.dst, quoted(ASKED, proto=6)),
        error(ASKED, ASKED.dst, quoted(replace(ASKED, sport=1))),
        error(ASKED, ASKED.dst, b"\x44" + quoted(ASKED)[1:]),
        error(ASKED, ASKED.dst, b"\x65" + quoted(ASKED)[1:]),
        error(ASKED, ASKED.dst, vlan=(7, 0)),
        error(ASKED, ASKED.dst, ts_ns=31 * SECOND),
    ],
)
def test_what_quotes_no_living_flow_has_one_of_its_own(other: Seg) -> None:
    flows = FlowTable(16, FlowTimeouts(udp_new=30)).update(*batch([ASKED, other]))
    assert flows.flow.tolist() == [0, 1]
    assert flows.first.tolist()[1] == FirstSeen.OF_FLOW | FirstSeen.OF_DIRECTION


def test_a_router_that_complains_is_not_the_server() -> None:
    table = FlowTable(16)
    rows = [replace(ASKED, ifindex=4), error(ASKED, "10.9.9.9", ifindex=7), ASKED.back(ifindex=9)]
    table.update(*batch(rows))
    assert (table.records["ifindex_client"][0], table.records["ifindex_server"][0]) == (4, 9)


def test_an_error_does_not_establish_a_connection() -> None:
    syn = Seg(flags=SYN)
    flows = FlowTable(16).update(*batch([syn, error(syn, "10.9.9.9"), replace(syn, flags=ACK)]))
    assert flows.flow.tolist() == [0, 0, 0]
    assert flows.state.tolist() == [FlowState.NEW] * 3

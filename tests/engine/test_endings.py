"""How flows end: what events and statistics say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.test_log import scan
from tests.engine.test_log_protocols import of_type
from tests.stream.scanning import Connection
from vpi_tui.engine.endings import states_by_flags
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.batch import FlowState
from vpi_tui.stream.sessions import STATES

SYN, FIN, ACK = 2, 1, 16
EVENTS = 'alert tcp any any -> any any (msg:"m"; stream-event:est_packet_out_of_window; sid:1;)\n'


@pytest.mark.parametrize(
    ("state", "to_server", "to_client", "told"),
    [
        ("new", SYN, 0, "syn_sent"),
        ("new", SYN, SYN | ACK, "syn_recv"),
        ("established", SYN | ACK, SYN | ACK, "established"),
        ("established", SYN | ACK | FIN, SYN | ACK, "close_wait"),
        ("established", SYN | ACK, SYN | ACK | FIN, "fin_wait2"),
        ("established", SYN | ACK | FIN, SYN | ACK | FIN, "last_ack"),
        ("closed", SYN | ACK | FIN, SYN | ACK | FIN, "closed"),
    ],
)
def test_flags_tell_the_state_of_the_server(state: str, to_server: int, to_client: int, told: str) -> None:
    row = np.zeros(2, FLOW_DTYPE)
    row["proto"] = 6, 17
    row["state"] = FlowState[state.upper()]
    row["tcp_flags_toserver"], row["tcp_flags_toclient"] = to_server, to_client
    assert [STATES[number] for number in states_by_flags(row)] == [told, "none"]


def opened() -> Connection:
    return Connection().open().at(0, b"abc").acked(3)


def closing() -> Connection:
    return opened().raw("FA", 1004)


def closed() -> Connection:
    talk = closing().raw("A", 7001, ack=1005, client=False).raw("FA", 7001, ack=1005, client=False)
    return talk.raw("A", 1005, ack=7002)


TALKS = {
    "syn_sent": Connection().raw("S", 1000, ack=0),
    "syn_recv": Connection().raw("S", 1000, ack=0).raw("SA", 7000, ack=1001, client=False),
    "established": opened(),
    "close_wait": closing(),
    "closed": closed(),
}


def told(tmp_path: Path, talk: Connection, rules: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the flow says of TCP, and what statistics say of the ends of flows."""
    found = scan(tmp_path, talk, rules, "--events", "flow,stats")  # type: ignore[arg-type]
    return of_type(found, "flow")["tcp"], of_type(found, "stats")["stats"]["flow"]["end"]


@pytest.mark.parametrize("state", TALKS)
def test_a_connection_that_is_followed_ends_in_its_state(tmp_path: Path, state: str) -> None:
    tcp, end = told(tmp_path, TALKS[state], EVENTS)
    assert tcp["state"] == state
    assert {name: count for name, count in end["tcp_state"].items() if count} == {state: 1}
    of_flow = "new" if state.startswith("syn") else "closed" if state == "closed" else "established"
    assert {name: count for name, count in end["state"].items() if count} == {of_flow: 1}


def test_what_was_never_followed_has_no_state(tmp_path: Path) -> None:
    tcp, end = told(tmp_path, Connection().at(0, b"abc").acked(3), EVENTS)
    assert "state" not in tcp
    assert not any(end["tcp_state"].values())
    assert sum(end["state"].values()) == 1


def test_without_rules_that_ask_flags_tell(tmp_path: Path) -> None:
    tcp, end = told(tmp_path, closed(), "# none\n")
    assert tcp["state"] == "closed"
    assert end["tcp_state"]["closed"] == 1

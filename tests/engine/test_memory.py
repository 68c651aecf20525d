"""What the engine remembers of alerts and ended flows stays within its bounds."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from tests.feed.test_connection import alert
from vpi_tui.engine.closed import ClosedFlows
from vpi_tui.engine.ledger import FLOW_ALERTS, MOST_NAMES, AlertLedger
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.batch import FlowState


def flows(*ids: int, guest: int = 0) -> np.ndarray:
    rows = np.zeros(len(ids), FLOW_DTYPE)
    rows["flow_id"], rows["src_guest"], rows["dest_guest"] = ids, guest, -1
    return rows


def test_the_newest_alerts_are_found_by_number_and_flow() -> None:
    ledger = AlertLedger(recent=3)
    assert ledger.get(1) is None
    ledger.add(replace(alert(n), flow_id=n % 2) for n in range(1, 6))
    assert [ledger.get(n) is not None for n in range(7)] == [False, False, False, True, True, True, False]
    assert [a.number for a in ledger.of_flow(1)] == [3, 5]
    assert ledger.total() == (5, 0, 0)


def test_an_alert_counts_for_both_guests_and_once_for_a_guest_with_itself() -> None:
    ledger = AlertLedger()
    first = replace(alert(1), src_guest="a", dest_guest="b", switch="s", priority=9)
    ledger.add([first, replace(first, number=2, dest_guest="a", msg="later", priority=2)])
    assert ledger.of_guest("a") == (0, 1, 1)
    assert ledger.of_guest("b") == (0, 0, 1)
    assert ledger.of_switch("s") == (0, 1, 1)
    assert ledger.last_of_guest("a") == "later"
    assert ledger.of_guest("") == (0, 0, 0)


def test_alerts_go_along_when_a_guest_is_named_anew() -> None:
    ledger = AlertLedger()
    ledger.add([replace(alert(1), src_guest="a", dest_guest="b", msg="first", priority=1)])
    ledger.follow(["a", "b", "c"], ["x", "b", "c"])
    assert (ledger.of_guest("x"), ledger.last_of_guest("x")) == ((1, 0, 0), "first")
    assert (ledger.of_guest("a"), ledger.of_guest("b")) == ((0, 0, 0), (1, 0, 0))
    ledger.follow(["x", "b", "c"], ["c", "b"])  # x has gone, and c stands in its place
    assert (ledger.of_guest("x"), ledger.of_guest("c")) == ((1, 0, 0), (0, 0, 0))


def test_names_that_come_and_go_do_not_pile_up() -> None:
    ledger = AlertLedger()
    often = replace(alert(1), src_guest="often", dest_guest="once", priority=1)
    ledger.add([often])
    for number in range(MOST_NAMES):
        ledger.add([replace(often, dest_guest=f"guest {number}")])
    assert ledger.of_guest("often") == (MOST_NAMES + 1, 0, 0)
    assert ledger.of_guest("once") == ledger.of_guest("guest 0") == (0, 0, 0)
    assert ledger.of_guest("guest 1") == (1, 0, 0)


def test_a_storm_in_one_flow_is_told_in_part() -> None:
    ledger = AlertLedger()
    ledger.add(replace(alert(n), flow_id=7) for n in range(1, 5 * FLOW_ALERTS))
    told = ledger.of_flow(7)
    assert len(told) == FLOW_ALERTS
    assert told[-1].number == 5 * FLOW_ALERTS - 1


def test_ended_flows_are_a_ring() -> None:
    kept = ClosedFlows(4)
    kept.add(flows(1, 2, 3))
    kept.add(flows(4, 5, guest=1))
    assert kept.newest(10)["flow_id"].tolist() == [2, 3, 4, 5]
    assert kept.newest(2)["flow_id"].tolist() == [4, 5]
    assert kept.newest(0)["flow_id"].tolist() == []
    assert kept.newest(10, guest=0)["flow_id"].tolist() == [2, 3]
    kept.add(flows(*range(10, 20)))
    assert kept.newest(10)["flow_id"].tolist() == [16, 17, 18, 19]
    assert set(kept.newest(10)["state"].tolist()) == {FlowState.CLOSED}
    assert kept.get(1) is None
    assert kept.get(0) is None
    found = kept.get(17)
    assert found is not None
    assert found["flow_id"].tolist() == [17]

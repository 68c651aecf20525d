"""What two hosts say can be left unparsed, and what parsing each flow costs is told."""

from __future__ import annotations

import gc
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.detect.applayer.test_pass_by import stretches
from vpi_tui.detect.applayer import costs as costs_module
from vpi_tui.detect.applayer.costs import LEAST_NS, Costs, Pair
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import U8, Direction, FlowState, StreamBatch

SLOTS = 4
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def ends(place: int = 0, guest: int = -1) -> Ends:
    """Flows 0 and 1 are from host 1, flows 2 and 3 from host 2, all to host 9.

    place: the port of a switch that host 1 is behind in flow 1. guest: which one host 1 is.
    """
    client = np.array([[0, 1], [0, 1], [0, 2], [0, 2]], np.uint64)
    return Ends(
        client,
        np.full((SLOTS, 2), (0, 9), np.uint64),
        np.zeros(SLOTS, np.uint16),
        np.array([0, place, 0, 0], np.int32),
        np.array([guest, guest, -1, -1], np.int16),
    )


def pair(client: int) -> Pair:
    return Pair(bytes(15) + bytes([client]), bytes(15) + bytes([9]), 0)


def web() -> U8:
    return np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)


def asked(*slots: int, turn: int = 0) -> StreamBatch:
    return stretches(*((slot, Direction.TO_SERVER, turn * len(GET), GET) for slot in slots))


def test_flows_of_two_hosts_are_parsed_no_more_and_those_of_others_are() -> None:
    layer = AppLayer(Demand({"http1"}), logged=["http1"])
    assert {p.flow for p in layer.released(asked(0, 2), web(), ends())} == {0, 2}
    layer.avoid({pair(1)})
    open_then = layer.take_finished()
    assert [one.flow for one in open_then] == [0], "what was open is told of"
    assert {p.flow for p in layer.released(asked(0, 1, 2, turn=1), web(), ends())} == {2}
    assert {p.flow for p in layer.released(asked(3), web(), ends())} == {3}
    assert layer.stats()["app_layer.avoided"] == 2
    assert layer.stats()["app_layer.flows"] == 2


def test_new_flows_are_parsed_again_once_their_hosts_are_not_avoided() -> None:
    layer = AppLayer(Demand({"http1"}))
    layer.avoid({pair(1)})
    assert layer.released(asked(0), web(), ends()) == []
    layer.avoid(frozenset())
    assert layer.released(asked(0, turn=1), web(), ends()) == [], "it lacks its beginning"
    assert {p.flow for p in layer.released(asked(1), web(), ends())} == {1}


def test_in_the_middle_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs_module, "JUDGED_NS", 0)
    costs = Costs()
    layer = AppLayer(Demand({"http1"}), costs=costs)
    costs.judge = lambda: layer.avoid({pair(1)})
    moved = layer.released(
        stretches(*((0, Direction.TO_SERVER, n * len(GET), GET) for n in range(9))), web(), ends()
    )
    assert len({id(p.transaction) for p in moved}) == 1
    assert layer.stats()["app_layer.flows"] == 0


def test_costs_are_told_by_the_two_hosts() -> None:
    costs = Costs()
    for slot, spent in (
        (0, 5 * LEAST_NS),
        (1, 2 * LEAST_NS),
        (2, LEAST_NS - 1),
        (3, 3 * LEAST_NS),
        (0, LEAST_NS),
    ):
        costs.add(slot, spent, ends())
    costs.forget(np.array([3], np.int32))
    costs.add(3, LEAST_NS - 1, ends())
    assert costs.take() == {pair(1): 8 * LEAST_NS, pair(2): 3 * LEAST_NS}
    assert costs.take() == {}


def test_who_begins_ever_new_flows_pays_for_all_of_them() -> None:
    costs = Costs()
    for _ in range(5):
        costs.add(0, LEAST_NS, ends())
        costs.forget(np.array([0], np.int32))
    assert costs.take() == {pair(1): 5 * LEAST_NS}


def test_who_pretends_to_be_another_at_his_own_port_hides_nothing_of_that_one() -> None:
    costs, forged = Costs(), pair(1)._replace(place=7)
    costs.add(1, LEAST_NS, ends(7))
    assert costs.take() == {forged: LEAST_NS}
    layer = AppLayer(Demand({"http1"}))
    layer.avoid({forged})
    assert {p.flow for p in layer.released(asked(0, 1), web(), ends(7))} == {0}


def test_parsing_is_measured_and_a_reused_slot_begins_anew() -> None:
    costs = Costs()
    layer = AppLayer(Demand({"http1"}), costs=costs)
    layer.released(asked(0, 2), web(), ends())
    assert set(costs.of) == {0, 2}
    assert all(spent > 0 for spent in costs.of.values())
    layer.update(*nothing_but_a_new_flow_in(0), None, web(), ends())
    assert set(costs.of) == {2}


def nothing_but_a_new_flow_in(slot: int) -> tuple[Any, Any, Any]:
    """Packets, what was decoded of them and their flows: one packet, the first of another connection."""
    one = {"flow": np.array([slot], np.int32), "new_rows": np.array([0], np.int32)}
    flows = SimpleNamespace(**one, state=np.array([FlowState.NEW], np.uint8), app=np.zeros(1, np.uint8))
    return SimpleNamespace(ts_ns=np.ones(1, np.int64)), None, flows


def test_a_guest_pays_for_all_that_it_begins_and_is_avoided_with_whomever_it_speaks() -> None:
    costs = Costs()
    costs.add(0, LEAST_NS - 1, ends(guest=3))
    costs.add(1, LEAST_NS - 1, ends(guest=3))
    costs.add(2, LEAST_NS, ends(guest=3))
    assert costs.take() == {3: 2 * (LEAST_NS - 1), pair(2): LEAST_NS}, "however little each flow takes"
    assert costs.take() == {}
    layer = AppLayer(Demand({"http1"}))
    layer.avoid({3})
    assert {p.flow for p in layer.released(asked(0, 1, 2), web(), ends(guest=3))} == {2}
    assert layer.stats()["app_layer.avoided"] == 2


def test_the_collector_of_garbage_is_nobodys_cost() -> None:
    costs = Costs()
    kept = [[n] for n in range(200_000)]
    gc.collect()
    began, mine = time.perf_counter_ns(), costs.clock()
    for _ in range(5):
        gc.collect()
    took, charged = time.perf_counter_ns() - began, costs.clock() - mine
    assert kept
    assert charged < took / 2


def test_the_clock_stands_still_while_the_collector_works_in_another_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_ns = 100
    monkeypatch.setattr(costs_module, "perf_counter_ns", lambda: now_ns)
    monkeypatch.setattr(gc, "callbacks", [])  # the real one does not call it
    monkeypatch.setattr(costs_module, "_collector", costs_module._Collector)
    costs = Costs()
    (hear,) = gc.callbacks
    before = costs.clock()
    now_ns = 110
    hear("start", {})
    now_ns = 400
    began = costs.clock()
    assert began == before + 10
    hear("stop", {})
    assert costs.clock() == began, "nothing is given back"
    now_ns = 405
    assert costs.clock() == began + 5


def test_the_judge_is_asked_by_who_parses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shared out may be so before the parsers know which slots are other flows' now."""
    monkeypatch.setattr(costs_module, "JUDGED_NS", LEAST_NS)
    costs, asked_for = Costs(), []
    costs.judge = lambda: asked_for.append(1)
    costs.share([0, 2], 9 * LEAST_NS, ends())
    assert not asked_for
    costs.add(0, 1, ends())
    assert asked_for == [1]


def test_guests_that_have_other_numbers_are_the_same_guests() -> None:
    layer = AppLayer(Demand({"http1"}))
    layer.avoid({3, 4, pair(2)})
    layer.renumber({3: 7})
    assert {p.flow for p in layer.released(asked(0), web(), ends(guest=4))} == {0}
    assert not layer.released(asked(1, 2), web(), ends(guest=7))


def test_what_is_done_for_several_flows_at_once_is_divided_by_them() -> None:
    costs = Costs()
    costs.share([0, 2, 2], 6 * LEAST_NS, ends(guest=3))
    assert costs.take() == {pair(1): 2 * LEAST_NS, 3: 2 * LEAST_NS, pair(2): 4 * LEAST_NS}
    costs.share([], 5, ends())
    assert costs.take() == {}

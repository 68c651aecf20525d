"""What is seen of each port as rows, and the sentence that goes with every "no alerts"."""

from __future__ import annotations

from typing import Any

import pytest

from tests.view.samples import snapshot
from vpi_tui.model.coverage import PortCoverage, Verdict
from vpi_tui.view import coverage
from vpi_tui.view.filters import parse
from vpi_tui.view.scope import ALL, Scope

MARKS = {str(verdict): verdict[0] for verdict in Verdict}


def port(name: str, verdict: str, seen: int = 1000, true: int = 1000, **more: Any) -> PortCoverage:
    known: dict[str, Any] = {
        "switch": "br0", "guest": f"vm-{name}", "cause": "Because.", "true_in": true, "seen_in": seen,
        "window_s": 2.0, "truth": "interface counters",
    }  # fmt: skip
    return PortCoverage(port=name, verdict=Verdict(verdict), **(known | more))


PORTS = (
    port("a", "seen"),
    port("b", "blind", seen=0, mend="vpi-tui -i br0"),
    port("c", "partial", seen=400),
    port("d", "unknown", seen=0, true=0, truth="", switch="br1", guest=""),
    port("e", "blind", seen=0, true=10_000),
)


def test_no_alerts_is_said_of_a_share_of_the_traffic() -> None:
    def said(*ports: PortCoverage, scope: Scope = ALL) -> str:
        return coverage.no_alerts(snapshot(coverage=ports), scope)

    assert said(PORTS[0]) == "No alerts in the 100 % of the traffic that is seen."
    assert said(*PORTS[:3]) == ("No alerts in the 46 % of the traffic that is seen; 2 ports miss traffic: 7.")
    assert "; 2 ports are blind: 7." in said(PORTS[0], PORTS[1], PORTS[4])
    assert all(len(said(*PORTS[:count])) <= 80 for count in range(len(PORTS)))
    assert said() == "No alerts; how much of the traffic is seen is not known: 7 says why."
    one_way = port("f", "one-way", truth="", inferred=True)
    assert said(one_way) == "No alerts in the traffic that is seen; 1 port is seen one way: 7 says why."
    assert said(*PORTS, scope=Scope("guest", "vm-a")) == "No alerts in the 100 % of the traffic that is seen."
    assert "of switch br1" in said(*PORTS, scope=Scope("switch", "br1"))


@pytest.mark.parametrize(
    ("percent", "text"), [(None, "-"), (0.0, "0 %"), (0.3, "<1 %"), (99.97, "99 %"), (100.0, "100 %")]
)
def test_a_hundred_is_said_of_all_alone(percent: float | None, text: str) -> None:
    assert coverage.percent_text(percent) == text


def test_the_worst_comes_first_and_a_filter_narrows() -> None:
    def names(filtered: str = "", **how: Any) -> str:
        return "".join(p.port for p in coverage.select(PORTS, parse(filtered, coverage.FIELDS), **how))

    assert names() == "becda"
    assert names(sort="port") == "abced"
    assert names(sort="in") == "eabcd"
    assert names("blind") == "be"
    assert names("is:missing !if:e") == "bc"
    assert names("switch:br1") == "d"
    assert names('cause:"-i br0"') == "b"


def test_a_row_has_mark_and_word_and_what_the_wire_says_is_escaped() -> None:
    hostile = port("x\x1b[2J", "one-way", guest="\u202egnp", cause="It\x07.")
    (row,) = coverage.port_rows([hostile], MARKS).rows
    texts = [cell if isinstance(cell, str) else cell[0] for cell in row.cells]
    assert texts[0] == "o one-way"
    assert texts[1].endswith(" of br0"), "the port first: where there is no room its switch is cut"
    assert texts[3:6] == ["100 %", "4.00 kb/s", "0 b/s"]
    assert all(text.isprintable() for text in texts)
    inferred = coverage.port_rows([port("y", "blind", inferred=True)], MARKS).rows[0].cells[0]
    assert inferred[0] == "b blind~"


def test_an_empty_screen_says_why() -> None:
    def why(**changes: Any) -> str:
        shown = snapshot(**changes) if changes else None
        return " ".join(coverage.why_empty(shown, filtered=False, scope=ALL))

    assert "starting" in why()
    assert "vpi-tui audit" in why(mode="replay")
    assert "doctor" in why(mode="live")


def test_rows_without_a_port_are_told_apart_by_their_guest() -> None:
    hosts = [port("", "unknown", switch="a.pcap", guest=name, truth="") for name in ("10.0.0.1", "10.0.0.2")]
    own = port("eth1", "unknown", switch="eth1", guest="")
    assert len({coverage.key_of(host) for host in hosts}) == 2
    assert [coverage.name_of(coverage.key_of(one)) for one in (*hosts, own)] == [
        "10.0.0.1",
        "10.0.0.2",
        "eth1",
    ]
    places = [dict(coverage.port_entries(one, MARKS))["port"][0][0] for one in (hosts[0], own, PORTS[0])]
    assert places == ["a.pcap", "eth1", "a of br0"]

"""The plain report."""

from __future__ import annotations

import pytest

from vpi_tui.model.snapshot import Talker, TalkerTable
from vpi_tui.view.alerts import Inbox
from vpi_tui.view.escape import is_safe
from vpi_tui.view.report import alerted, report

from .samples import HOSTILE, alert, counters, guest, snapshot, switch


def picture(name: str = "br0", who: str = "web-1", **values: object) -> object:
    return snapshot(
        **{
            "total": switch("all", counters=counters(pkts_in=12_345, bytes_in=2_000_000), alerts=(1, 0, 0)),
            "switches": (switch(name, counters=counters(pkts_in=12_345, bytes_in=2_000_000)),),
            "guests": (guest(who, name), guest("busy", name, counters=counters(bytes_in=7_000))),
            "talkers": (TalkerTable("peer", "all", (Talker(f"{who} > db", name, who, 5, 1000, 2),), 4000),),
            "protocols": ((name, 1500), ("dns", 500)),
            "rules_enabled": 40,
            "rules_loaded": 41,
            "stats": {"capture.kernel_drops": 17.0, "capture.kernel_packets": 1000.0},
            **values,
        }
    )


def inbox(*alerts: object) -> Inbox:
    box = Inbox()
    box.add(alerts)
    return box


def test_it_says_what_was_seen():
    text = report(
        picture(notices=("Nothing listens.",)), inbox(alert(1), alert(2), alert(3, sid=5, priority=1))
    )
    lines = text.splitlines()
    assert text.endswith("\n")
    assert "12,345 packets, 2.00 MB, 17 dropped; 1 alert (" in text
    assert "40 of 41 rules on" in text
    (line,) = (line for line in lines if "1:9000100" in line)
    told = ("medium", "2", "1:9000100", "RECON port scan", "web-1 > db-1", "T1046", "14:13:21", "14:13:22")
    assert line.split() == " ".join(told).split()
    assert lines.index(next(x for x in lines if "1:5 " in x)) < lines.index(
        next(x for x in lines if "1:9000100" in x)
    )
    assert "  web-1 > db  1.00 kB  25%    2" in lines
    assert "  Nothing listens." in lines
    order = [lines.index(next(x for x in lines if x.startswith(f"  {name} "))) for name in ("busy", "web-1")]
    assert order == sorted(order)


def test_columns_are_aligned():
    block = report(picture(), inbox(alert())).split("\n\n")
    guests = next(b for b in block if b.startswith("Guests")).splitlines()[1:]
    starts = {line.index("br0") for line in guests[1:]} | {guests[0].index("switch")}
    assert len(starts) == 1


def test_a_long_list_is_cut_and_the_rest_counted():
    text = report(picture(guests=tuple(guest(f"g{n}") for n in range(100))), inbox())
    assert "  and 60 more" in text


def test_nothing_seen_is_said():
    assert "Nothing was captured" in report(None, inbox())
    text = report(snapshot(), inbox())
    assert "Alerts\n  none" in text
    assert "Guests" not in text


def test_a_failure_is_said():
    assert "It ended early: no ring" in report(snapshot(state="failed", state_text="no ring"), inbox())


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_printed(text):
    shown = report(
        picture(text, text, source=text, state="failed", state_text=text, notices=(text,)),
        inbox(alert(msg=text, src_guest=text, dest_guest=text, technique=text)),
    )
    assert all(is_safe(line) and len(line) < 700 for line in shown.split("\n"))


def test_rules_that_alerted_are_listed_gravest_and_busiest_first():
    found = {
        (3, 1, 7, "low"): 50,
        (1, 1, 9, "\x1b[2J\n"): 1,
        (2, 1, 8, "medium"): 2,
        (1, 2, 6, "high"): 1_234,
    }
    text = alerted(found)
    assert is_safe(text.replace("\n", ""))
    assert [line.split()[:3] for line in text.splitlines()] == [
        ["severity", "count", "gid:sid"],
        ["high", "1,234", "2:6"],
        ["high", "1", "1:9"],
        ["medium", "2", "1:8"],
        ["low", "50", "1:7"],
    ]


def test_all_rules_that_alerted_are_listed_and_nothing_when_there_is_none():
    assert alerted({}) == ""
    assert len(alerted({(1, 1, sid, "x"): 1 for sid in range(100)}).splitlines()) == 101

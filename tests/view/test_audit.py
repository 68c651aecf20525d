"""The report of an audit in its three shapes, of hostile names too."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.view.samples import snapshot
from tests.view.test_coverage import PORTS, port
from vpi_tui.model.coverage import PortCoverage
from vpi_tui.view import audit

GUESTS = (
    audit.Judged("vm-a", "seen", 100.0, 95.0, True),
    audit.Judged("vm-b", "blind", 0.0, 95.0, False),
)
SHOWN = snapshot(coverage=PORTS)


def test_text_has_ports_causes_commands_and_who_fails() -> None:
    told = audit.as_text(SHOWN, GUESTS, policy=True)
    lines = told.splitlines()
    assert lines[0] == "live of br0: 10 % of the bytes at 5 ports are seen."
    assert lines[3].split()[:3] == ["blind", "br0", "b"], "the worst comes first"
    assert "  vpi-tui -i br0" in lines
    assert lines[-1] == "Seen less than the policy demands: vm-b."
    assert audit.as_text(SHOWN, GUESTS[:1], policy=True).endswith("The policy is kept.\n")
    assert "No policy was given" in audit.as_text(SHOWN, GUESTS, policy=False)
    assert "There is no port to judge." in audit.as_text(snapshot(), (), policy=True)


def test_ports_of_one_cause_and_remedy_are_told_together() -> None:
    def blind(name: str, mend: str = "vpi-tui -i br0") -> PortCoverage:
        return port(name, "blind", seen=0, cause=f"{name} is not watched.", mend=mend)

    ports = (blind("vnet1"), blind("vnet2"), blind("vnet3"), blind("vnet4", "ip link set vnet4 up"))
    told = audit.as_text(snapshot(coverage=ports), (), policy=False).splitlines()
    first = told.index("vnet1: vnet1 is not watched.")
    assert told[first + 1 : first + 3] == ["  The same goes for vnet2, vnet3.", "  vpi-tui -i br0"]
    assert "vnet4: vnet4 is not watched." in told
    many = tuple(blind(f"vnet{n}") for n in range(40))
    assert "vnet20 and 19 more." in audit.as_text(snapshot(coverage=many), (), policy=False)


def test_json_is_whole() -> None:
    told = json.loads(audit.as_json(SHOWN, GUESTS, policy=True))
    assert (told["passes"], told["policy"], len(told["ports"])) == (False, True, 5)
    blind = told["ports"][0]
    assert (blind["port"], blind["verdict"], blind["percent"], blind["mend"]) == (
        "b", "blind", 0.0, "vpi-tui -i br0",
    )  # fmt: skip
    assert told["guests"][1]["guest"] == "vm-b"


def test_markdown_keeps_its_columns_and_nothing_reaches_the_terminal_unescaped() -> None:
    hostile = snapshot(coverage=(port("a|b\x1b[31m", "blind", guest="x\u202ey|"),))
    told = audit.as_markdown(hostile, (), policy=False)
    row = next(line for line in told.splitlines() if line.startswith("| blind"))
    assert row.replace("\\|", "").count("|") == 10
    for shape in (audit.as_text, audit.as_markdown):
        text = shape(hostile, (), policy=True)
        assert all(char.isprintable() or char == "\n" for char in text)


def test_a_port_with_too_little_traffic_has_no_share_and_is_named_in_one_line() -> None:
    cause = "Too little traffic to judge: 200 bytes in the last 5 s."
    quiet = tuple(replace(port(f"vnet{n}", "unknown", cause=cause), quiet=True) for n in (1, 2))
    missed = replace(quiet[0], port="vnet9", mend="vpi-tui -i br0")
    told = audit.as_text(snapshot(coverage=(*quiet, missed)), (), policy=False).splitlines()
    rows = [line.split() for line in told if line.startswith("unknown")]
    assert [(row[2], row[4]) for row in rows] == [("vnet1", "-"), ("vnet2", "-"), ("vnet9", "-")]
    assert "Too little traffic to judge (a longer --seconds may show more): vnet1, vnet2." in told
    assert f"vnet9: {cause}" in told

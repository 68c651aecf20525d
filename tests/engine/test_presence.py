"""Which guests a snapshot calls present: by their ports, and where they have none by what was seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vpi_tui.capture.demo import hosts
from vpi_tui.capture.demo.source import DemoSource
from vpi_tui.config import paths
from vpi_tui.engine.log import NoLog
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.publisher import Publisher
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Watch
from vpi_tui.model.snapshot import Counters, GuestStat, Snapshot
from vpi_tui.model.topology import Guest, Port, Switch, Topology
from vpi_tui.view.scope import absence

NS = 1_000_000_000
KNOWN = hosts.topology()
SPAN = Port(900, "span0", "span0")
"""Gets the copies; no guest is behind it."""


class Engine:
    """The stages over five seconds of the demo's traffic, of another topology than the demo's own."""

    def __init__(self, topology: Topology, rules: str) -> None:
        spec = EngineSpec("demo", rules=(rules,), demo_start_ns=NS, rules_dir=str(paths.rules_dir()))
        capture = DemoSource(seed=1, start_ns=NS, speed=0, loops=1)
        capture.open()
        source, book = EngineSource(capture, topology), RuleBook.load(spec)
        self.pipeline = Pipeline(spec, book, source)
        while self.pipeline.packet_ns < 6 * NS:
            batch = source.read(0.0)
            assert batch is not None
            self.pipeline.process(batch)
        self.pipeline.tick()
        self._publisher = Publisher(spec)
        self._publisher.attach(self.pipeline, book, source)

    def guests(self) -> dict[str, GuestStat]:
        return {guest.name: guest for guest in self.snapshot().guests}

    def snapshot(self) -> Snapshot:
        return self._publisher.snapshot("running", "", Watch(), 0, NoLog())

    def told(self) -> dict[str, str]:
        """By name of the guest: present, or why it is not."""
        return {name: "present" if guest.present else absence(guest) for name, guest in self.guests().items()}


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "one.rules"
    file.write_text('alert tcp any any -> any any (msg:"never"; content:"xyzzyplugh"; sid:1; rev:1;)\n')
    return str(file)


def test_a_sensor_without_ports_of_guests_sees_those_that_speak(rules: str) -> None:
    lazy = Guest("lazy", "vmbr0", macs=(0x02_0000_0000_77,), source="static")
    guests = tuple(replace(guest, source="static") for guest in KNOWN.guests)
    switches = (*KNOWN.switches, Switch("span0", "interface"))
    told = Engine(replace(KNOWN, switches=switches, ports=(SPAN,), guests=(*guests, lazy)), rules).told()
    assert told.pop("lazy") == "not seen"
    assert told["web-01"] == told["db-01"] == "present"


def test_a_guest_whose_port_went_away_is_gone_however_much_it_said(rules: str) -> None:
    guests = tuple(replace(guest, source="probe") for guest in KNOWN.guests)
    engine = Engine(replace(KNOWN, guests=guests), rules)
    assert set(engine.told().values()) == {"present"}
    left = tuple(port for port in KNOWN.ports if port.guest != "web-01")
    engine.pipeline.follow(replace(KNOWN, guests=guests, ports=left, serial=2))
    told = engine.told()
    assert told.pop("web-01") == "gone"
    assert set(told.values()) == {"present"}


def test_what_guests_said_before_they_moved_in_the_topology_stays_theirs(rules: str) -> None:
    """Also what no tick has counted yet, of flows that had to go."""

    def counted(*, moved: bool) -> dict[str, Counters]:
        pipeline = Engine(KNOWN, rules).pipeline
        while pipeline.packet_ns < 9 * NS:
            batch = pipeline.source.read(0.0)
            assert batch is not None
            pipeline.process(batch)
        assert len(pipeline.table.close_all())
        if moved:
            pipeline.follow(replace(KNOWN, guests=KNOWN.guests[::-1], serial=2))
        pipeline.talkers.tick(pipeline.table, pipeline.now_ns())
        return {
            guest.name: pipeline.talkers.tally.guests.get(pipeline.names.number_of_guest(guest.name))
            for guest in KNOWN.guests
        }

    said = counted(moved=False)
    assert said["web-01"].bytes_in > 0
    assert counted(moved=True) == said


def test_a_guest_that_is_named_anew_keeps_its_alerts(tmp_path: Path) -> None:
    file = tmp_path / "web.rules"
    file.write_text('alert tcp any any -> any any (msg:"web"; content:"HTTP/1."; sid:1; rev:1;)\n')
    engine = Engine(KNOWN, str(file))
    before = engine.guests()["web-01"]
    assert sum(before.alerts) > 0
    guests = tuple(replace(one, name="shop" if one.name == "web-01" else one.name) for one in KNOWN.guests)
    ports = tuple(replace(one, guest="shop" if one.guest == "web-01" else one.guest) for one in KNOWN.ports)
    engine.pipeline.follow(replace(KNOWN, guests=guests, ports=ports, serial=2))
    after = engine.guests()["shop"]
    assert (after.alerts, after.last_alert) == (before.alerts, "web")

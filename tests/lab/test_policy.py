"""On a real bridge: a baseline is learned, its policy put in force, and what is new breaks it."""

from __future__ import annotations

import pytest

from tests.lab.net import Lab, fetch, until
from tests.lab.sensor import Sensor
from vpi_tui.feed.messages import GetPolicy, Learn, Notice, PolicyProposal, UsePolicy, Watch
from vpi_tui.model.matrix import PairStat

pytestmark = pytest.mark.lab

SEGMENTATION = 25


def pair(sensor: Sensor, src: str, dest: str) -> PairStat | None:
    return next((row for row in sensor.snapshot().matrix if (row.src, row.dest) == (src, dest)), None)


def test_what_was_learned_is_allowed_and_the_rest_is_told(lab: Lab, web: int) -> None:
    client, server, other = lab.guests[:3]
    with Sensor(lab.host) as sensor:
        sensor.client.send(Watch(interval=0.2, matrix=True, matrix_window="all"))
        assert isinstance(sensor.command(Learn(on=True), Notice), Notice)
        fetch(client.name, (server.ip4, web), "/")
        until(lambda: sensor.snapshot().segmentation.learned >= 1, 3)
        sensor.command(Learn(on=False), Notice)
        proposal = sensor.command(GetPolicy(), PolicyProposal)
        assert isinstance(proposal, PolicyProposal)
        assert f"  - from: {client.name}\n    to: {server.name}\n    ports: [tcp/{web}]\n" in proposal.text
        sensor.command(UsePolicy("/etc/policy.yaml", proposal.text), Notice)
        fetch(client.name, (server.ip4, web), "/")
        assert not sensor.settled(SEGMENTATION)
        fetch(other.name, (server.ip4, web), "/")
        alert = sensor.first(SEGMENTATION, seconds=2.0)
        assert (alert.src_guest, alert.dest_guest, alert.in_iface) == (other.name, server.name, other.port)
        assert f"no line allows {other.name} > {server.name} tcp/{web}" in alert.msg
        told = until(lambda: pair(sensor, other.name, server.name), 3)
        assert told is not None
        assert (told.new, told.broken, told.flows, told.alerts) == (True, "policy.yaml:4", 1, 1)
        known = pair(sensor, client.name, server.name)
        assert known is not None
        assert (known.new, known.broken, known.flows) == (False, "", 2)

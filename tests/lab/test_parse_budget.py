"""A guest that floods the sensor with what is dear to parse makes it blind for himself alone."""

from __future__ import annotations

import pytest

from tests.lab.net import Lab, fetch, until
from tests.lab.sensor import Sensor
from tests.lab.test_live import ATTACK, UNION_SELECT
from tests.lab.traffic import running, sink, stream
from vpi_tui.engine.spec import LogSpec

pytestmark = pytest.mark.lab

CONNECT = b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4abcd"
PINGS = CONNECT + 4_000 * b"\xc0\0"
"""A flood of the smallest messages there are: some ten thousand times as dear as to let them pass."""
LONGEST = 60.0


def test_a_flood_of_tiny_messages_is_not_parsed_and_others_are_seen(lab: Lab, web: int) -> None:
    flooder, victim, other = lab.guests[:3]
    log = LogSpec(file="/dev/null", types=("mqtt",))
    with Sensor(lab.host, parse_budget=25.0, log=log) as sensor, sink(victim.name):
        with running(stream(flooder.name, victim.ip4, data=PINGS, pause=0.002)):

            def told() -> list[str]:
                return [text for text in sensor.snapshot().notices if "--parse-budget" in text]

            (notice,) = until(told, LONGEST) or [""]
            assert notice.startswith(f"What {flooder.ip4} says to {victim.ip4} is not parsed for 5 minutes: ")
            assert until(lambda: sensor.snapshot().stats["capture.lag_seconds"] < 0.5, LONGEST)
            fetch(other.name, (victim.ip4, web), ATTACK)
            assert sensor.first(UNION_SELECT, seconds=5.0).src_guest == other.name
        assert sensor.snapshot().stats["app_layer.avoided"] >= 1

"""What rules put into datasets survives a restart of the sensor, which has given up root when it writes."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import pytest

from tests.lab.net import Lab, fetch
from tests.lab.sensor import Sensor

pytestmark = pytest.mark.lab

RULE = "alert http any any -> any any (http.uri; dataset:set,seen,type string,state seen.lst; sid:1;)\n"


def test_what_rules_set_is_known_after_a_restart(lab: Lab, web: int) -> None:
    client, server = lab.guests[:2]
    with tempfile.TemporaryDirectory() as made:  # not below pytest's own, which nobody may not enter
        folder = Path(made)
        folder.chmod(0o755)
        rules, kept = folder / "some.rules", folder / "data" / "seen.lst"
        rules.write_text(RULE)
        options = {"default-data-dir": str(kept.parent)}
        for uri, alerts in (("/first", 1), ("/first", 0), ("/second", 1)):
            with Sensor(
                lab.host, rules=(str(rules),), options=options, state_dir=str(folder / "state")
            ) as sensor:
                fetch(client.name, (server.ip4, web), uri)
                assert len(sensor.settled(1)) == alerts
                assert not sensor.snapshot().notices
            assert kept.owner() == "nobody"
            assert base64.b64encode(b"/first").decode() in kept.read_text().split()

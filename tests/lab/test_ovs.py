"""Bridges, ports and mirrors of a real Open vSwitch: found, watched, followed, and told when it fails."""

from __future__ import annotations

import pytest

from tests.lab.net import Lab, fetch
from tests.lab.ovs import OpenVSwitch

pytestmark = pytest.mark.lab

Switched = tuple[Lab, OpenVSwitch]


def test_guests_reach_each_other(ovs_lab: Switched, tmp_path) -> None:
    """Of the fixture itself: without this nothing else here would mean anything."""
    from tests.lab.conftest import serve

    lab, _ = ovs_lab
    serve(lab, lab.guests[1].name, tmp_path)
    assert b"200 OK" in fetch(lab.guests[0].name, (lab.guests[1].ip4, 8080), "/")

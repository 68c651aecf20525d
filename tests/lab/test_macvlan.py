"""Guests that share an interface by macvlan and macvtap: found, named, and each frame of theirs seen once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.frames import collect, send
from tests.lab.net import Lab, inside, ip
from vpi_tui.engine.sources.live import LiveFeed
from vpi_tui.engine.spec import EngineSpec

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def shared(possible: None) -> Iterator[Lab]:
    """port1 leads to guest 1, which is the world here; macvtap0 and macvlan1 share it."""
    with Lab("mv", bridge=False) as lab:
        lab.guest(1, "")
        for name, kind in (("macvtap0", "macvtap"), ("macvlan1", "macvlan")):
            try:
                ip("-n", lab.host, "link", "add", name, "link", "port1", "type", kind, "mode", "bridge")
            except RuntimeError as reason:
                pytest.skip(f"this kernel has no {kind}: {reason}")
            ip("-n", lab.host, "link", "set", name, "up")
        yield lab


def test_each_frame_is_seen_once_where_it_enters(shared: Lab) -> None:
    feed = inside(shared.host, lambda: LiveFeed(EngineSpec("live", ring_memory=16 << 20)))
    try:
        feed.start()
        assert [(switch.name, switch.kind) for switch in feed.topology.switches] == [("port1", "macvlan")]
        found = {port.name: port for port in feed.topology.ports}
        assert {name: (port.kind, port.uplink, port.guest) for name, port in found.items()} == {
            "port1": ("veth", True, ""),
            "macvtap0": ("macvtap", False, "macvtap0"),
            "macvlan1": ("macvlan", False, "macvlan1"),
        }
        send(shared.host, "from a guest to all", "macvtap0")
        send(shared.host, "from the other", "macvlan1")
        send(shared.guests[0].name, "from the world")
        assert collect(feed) == [
            ("macvtap0", "from a guest to all", 0),
            ("macvlan1", "from the other", 0),
            ("port1", "from the world", 0),
        ]
        assert not feed.topology.notices
    finally:
        feed.close()


def test_one_that_goes_leaves_no_switch(shared: Lab) -> None:
    feed = inside(shared.host, lambda: LiveFeed(EngineSpec("live", ring_memory=16 << 20)))
    try:
        feed.start()
        for name in ("macvtap0", "macvlan1"):
            ip("-n", shared.host, "link", "del", name)
        collect(feed, 1.0)
        assert not feed.topology.ports
        assert feed.state() == ("running", "No port is there to watch; waiting for one.")
    finally:
        feed.close()

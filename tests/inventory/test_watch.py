"""One topology that follows its probes, at times that are handed in."""

from __future__ import annotations

from vpi_tui.inventory.picture import Picture, SeenPort
from vpi_tui.inventory.watch import POLL_INTERVAL, Inventory
from vpi_tui.model.errors import VpiError
from vpi_tui.model.topology import Switch

BR0 = (Switch("br0", "bridge", "probe", 2),)


class Scripted:
    """A probe that sees one picture after the other."""

    name = "script"

    def __init__(self, *pictures: Picture | Exception) -> None:
        self._pictures = list(pictures)
        self.asked = 0
        self.closed = False

    def changed(self, now: float) -> bool:
        self.asked += 1
        return bool(self._pictures)

    def read(self) -> Picture:
        following = self._pictures.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    def close(self) -> None:
        self.closed = True


def test_a_change_is_told_once_with_the_next_serial() -> None:
    one, two = Picture(BR0, (SeenPort(3, "a", "br0"),)), Picture(BR0, (SeenPort(3, "a", "br0"),))
    three = Picture(BR0, (SeenPort(3, "a", "br0"), SeenPort(4, "b", "br0")))
    inventory = Inventory([Scripted(one, two, three)])
    found = [inventory.poll(now) for now in (0.0, 1.0, 2.0, 3.0)]
    assert [topology and topology.serial for topology in found] == [1, None, 2, None]
    assert [port.name for port in inventory.topology.ports] == ["a", "b"]


def test_an_empty_host_is_told_the_first_time() -> None:
    inventory = Inventory([Scripted(Picture())])
    assert inventory.poll(0.0) is not None
    assert inventory.poll(1.0) is None


def test_probes_are_not_asked_more_often_than_needed() -> None:
    probe = Scripted()
    inventory = Inventory([probe])
    for step in range(100):
        inventory.poll(step * POLL_INTERVAL / 10)
    assert probe.asked == 10


def test_a_probe_that_fails_is_told_and_what_it_saw_stays() -> None:
    seen = Picture(BR0, (SeenPort(3, "a", "br0"),))
    failing = Scripted(seen, VpiError("Netlink is gone.", hint="Look at it."), seen)
    inventory = Inventory([failing])
    inventory.poll(0.0)
    topology = inventory.poll(1.0)
    assert topology is not None
    assert topology.notices == ("script: Netlink is gone. Look at it.",)
    assert [port.name for port in topology.ports] == ["a"]
    topology = inventory.poll(2.0)
    assert topology is not None
    assert not topology.notices
    inventory.close()
    assert failing.closed


def test_whatever_a_probe_raises_the_others_go_on() -> None:
    class Other(Scripted):
        name = "other"

    seen = Picture(BR0, (SeenPort(3, "a", "br0"),))
    inventory = Inventory(
        [Scripted(seen, ZeroDivisionError("odd")), Other(Picture(), Picture(host_ips=("::1",)))]
    )
    inventory.poll(0.0)
    topology = inventory.poll(1.0)
    assert topology is not None
    assert "ZeroDivisionError: odd" in topology.notices[0]
    assert [port.name for port in topology.ports] == ["a"]
    assert topology.host_ips == ("::1",)
    assert inventory.poll(2.0) is None, "a failure that stays is no change"

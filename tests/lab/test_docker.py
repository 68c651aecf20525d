"""Which veth is whose: a real container's process in a real namespace; only the daemon is a stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inventory.managers.docker_answers import engine
from tests.inventory.managers.unix_server import daemon
from tests.lab.net import Lab, inside, until
from tests.lab.sensor import Sensor
from vpi_tui.inventory.managers.docker import DockerProbe

pytestmark = pytest.mark.lab


def test_the_ports_of_a_container_are_known_by_its_process(lab: Lab, tmp_path: Path) -> None:
    web, db = lab.guests[:2]
    pids = [lab.run(guest.name, "sleep", "60").pid for guest in (web, db)]

    def entered() -> bool:
        return all(Path(f"/proc/{pid}/comm").read_text() == "sleep\n" for pid in pids)

    assert until(entered, 5.0)
    path = tmp_path / "d.sock"
    probe = inside(lab.host, lambda: DockerProbe(str(path)))
    with daemon(path, engine(*pids)):
        ports = {guest.name: guest.ports for guest in probe.read().guests}
    probe.close()
    assert ports == {"shop-web-1": (web.port,), "shop-db-1": (db.port,), "old": ()}


def test_it_is_asked_again_once_a_link_has_come(lab: Lab, tmp_path: Path) -> None:
    probe = inside(lab.host, lambda: DockerProbe(str(tmp_path / "d.sock")))
    assert until(lambda: probe.changed(100.0), 5.0)
    assert not probe.changed(102.0)
    lab.bridge("br2")
    assert until(lambda: probe.changed(103.0), 5.0)
    assert not probe.changed(103.5)
    assert probe.changed(104.5)
    probe.close()


def test_a_socket_of_root_is_read_on_after_root_is_given_up(lab: Lab, tmp_path: Path) -> None:
    """The connection is kept. When the daemon is started anew, the user that is left may not open its socket:
    that is told, and everything else goes on."""
    web = lab.guests[0]
    pid = lab.run(web.name, "sleep", "120").pid
    path = tmp_path / "d.sock"
    answers = engine(pid)
    with daemon(path, answers) as server:
        path.chmod(0o600)
        with Sensor(lab.host, options={"probes.docker.socket": str(path)}) as sensor:
            assert Path(f"/proc/{sensor.client.pid}").owner() == "nobody"
            known = sensor.guest("shop-web-1")
            assert known is not None
            assert (known.port, known.switch) == (web.port, "br0")
            answers["/containers/json?all=1"][0]["Names"] = ["/renamed"]
            lab.bridge("br9")  # a link that comes makes it ask again
            assert until(lambda: sensor.guest("renamed"), 10.0)
            server.end_connections()
            lab.bridge("br8")
            denied = until(lambda: [one for one in sensor.snapshot().notices if str(path) in one], 10.0)
            assert denied[0].startswith(
                f"Docker and Podman: The socket {path} may not be opened by this user."
            )
            assert sensor.guest("renamed") is not None

"""Fixtures of the lab; without root or namespaces all its tests are skipped, with the reason."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.net import Lab, fetch, until, why_not
from tests.lab.ovs import OpenVSwitch, why_no_ovs, without_offload
from tests.lab.sensor import Sensor


@pytest.fixture(scope="session")
def possible() -> None:
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def lab(possible: None, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Three guests on br0."""
    tag = request.module.__name__.rpartition("_")[2]
    with Lab(tag) as made:
        for number in (1, 2, 3):
            made.guest(number)
        yield made


@pytest.fixture(scope="module")
def ovs_lab(possible: None, request: pytest.FixtureRequest) -> Iterator[tuple[Lab, OpenVSwitch]]:
    """Three guests on ovs0, a bridge of Open vSwitch."""
    if reason := why_no_ovs():
        pytest.skip(reason)
    tag = request.module.__name__.rpartition("_")[2]
    with Lab(f"o{tag}", bridge=False) as made, OpenVSwitch(made.host) as switch:
        switch.add_bridge("ovs0")
        for number in (1, 2, 3):
            guest = made.guest(number, "")
            without_offload(guest.name, "eth0")
            switch.add_port("ovs0", guest.port)
        yield made, switch


@pytest.fixture(scope="module")
def web(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Port of a web server on guest 2, for IPv4 and IPv6, that has one file of 3 MB: /big."""
    root = tmp_path_factory.mktemp("www")
    Path(root, "big").write_bytes(b"all is well here" * (3 << 16))
    serve(lab, lab.guests[1].name, root)
    return 8080


def serve(lab: Lab, namespace: str, root: Path, port: int = 8080) -> None:
    """Start a web server and wait until it answers."""
    lab.run(
        namespace, sys.executable, "-m", "http.server", "--bind", "::", "--directory", str(root), str(port)
    )

    def answers() -> bool:
        try:
            return bool(fetch(namespace, ("::1", port), "/", 1.0))
        except OSError:
            return False

    assert until(answers, 15.0), f"no web server in {namespace}"


@pytest.fixture(scope="module")
def sensor(lab: Lab) -> Iterator[Sensor]:
    """A running engine on all bridges of the lab's host."""
    with Sensor(lab.host) as made:
        yield made


@pytest.fixture(autouse=True)
def only_new_alerts(request: pytest.FixtureRequest) -> None:
    if "sensor" in request.fixturenames:
        request.getfixturevalue("sensor").forget()

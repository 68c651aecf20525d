"""The containers of Docker and Podman, and which veth on the host is whose."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vpi_tui.inventory import netlink
from vpi_tui.inventory.kind import ProbeKind, Setup
from vpi_tui.inventory.links import read_links
from vpi_tui.inventory.managers.docker_api import Container, DockerApi, Endpoint, Inspected, guest_of
from vpi_tui.inventory.managers.pace import Pace
from vpi_tui.inventory.managers.together import Together
from vpi_tui.inventory.managers.unix_http import UnixHttp
from vpi_tui.inventory.managers.words import MAX_GUESTS
from vpi_tui.inventory.namespaces import NETNSA_NSID
from vpi_tui.inventory.picture import Picture, SeenGuest
from vpi_tui.model.errors import VpiError

SOCKETS = ("/run/docker.sock", "/run/podman/podman.sock")
HOST_VARIABLE = "DOCKER_HOST"
LOOK_SECONDS = 8.0
"""What one reading may take for looking at single containers; the others are looked at by the next."""
NETNSA_PID = 2
PROC = Path("/proc")


def sockets(named: Sequence[str] = ()) -> tuple[str, ...]:
    """Sockets to ask: those named, else those that are here, with the one of the environment."""
    if named:
        return tuple(dict.fromkeys(named))
    host = os.environ.get(HOST_VARIABLE, "")
    usual = (host.removeprefix("unix://") if host.startswith("unix://") else "", *SOCKETS)
    return tuple(dict.fromkeys(path for path in usual if path and Path(path).exists()))


class DockerProbe:
    """One socket."""

    def __init__(self, path: str) -> None:
        self.name = f"containers of {path}"
        self._api = DockerApi(UnixHttp(Path(path)))
        self._pace = Pace()
        self._inspected: dict[str, tuple[Container, Inspected]] = {}
        try:
            self._requests: netlink.Requests | None = netlink.Requests()
        except OSError:
            self._requests = None  # without netlink, containers are known by their addresses

    def changed(self, now: float) -> bool:
        return self._pace.due(now)

    def read(self) -> Picture:
        containers = [one for one in self._api.containers() if one.has_interfaces][:MAX_GUESTS]
        bridges = self._api.bridges()
        self._look_at([one for one in containers if one.running])
        veths = self._veths()
        return Picture(guests=tuple(self._guest(one, bridges, veths) for one in containers))

    def close(self) -> None:
        self._pace.close()
        self._api.close()
        if self._requests is not None:
            self._requests.close()

    def _look_at(self, running: list[Container]) -> None:
        """Inspect those that are new, have changed, or run as another process than before."""
        ends_at = time.monotonic() + LOOK_SECONDS
        known = {one.id: self._inspected[one.id] for one in running if one.id in self._inspected}
        for one in running:
            before = known.get(one.id)
            if before is not None and before[0] == one and (PROC / str(before[1].pid)).exists():
                continue
            if time.monotonic() > ends_at:
                break
            try:
                known[one.id] = one, self._api.inspect(one.id)
            except VpiError:
                known.pop(one.id, None)  # it has ended since it was listed
        self._inspected = known

    def _guest(
        self, container: Container, bridges: dict[str, str], veths: dict[int, tuple[str, ...]]
    ) -> SeenGuest:
        _, inspected = self._inspected.get(container.id, (container, None))
        settings = (inspected or container).network_settings or container.network_settings
        networks: dict[str, Endpoint] = (settings.networks if settings else None) or {}
        namespace = self._namespace_of(inspected.pid) if inspected else None
        ports = veths.get(namespace, ()) if namespace is not None else ()
        return guest_of(container, networks, bridges, ports=ports, origin=self._api.engine)

    def _veths(self) -> dict[int, tuple[str, ...]]:
        """Names of the links of this host whose other end is in another namespace, by id of the namespace."""
        if self._requests is None:
            return {}
        found: dict[int, list[str]] = {}
        try:
            for link in read_links(self._requests):
                if link.kind == "veth" and link.peer_namespace is not None:
                    found.setdefault(link.peer_namespace, []).append(link.name)
        except OSError:
            return {}
        return {namespace: tuple(names) for namespace, names in found.items()}

    def _namespace_of(self, pid: int) -> int | None:
        """Id by which this host's links name the network namespace of a process; None = it has none here."""
        if self._requests is None or not 0 < pid < 1 << 31:
            return None
        question = b"\0" * 4 + netlink.attribute(NETNSA_PID, struct.pack("=I", pid))
        try:
            answer = self._requests.ask(netlink.RTM_GETNSID, question)
        except OSError:
            return None  # the process has ended, or runs where this one cannot see
        number = netlink.number(netlink.attributes(answer, 4).get(NETNSA_NSID))
        return number if number is not None and number >= 0 else None


def _make(setup: Setup) -> Together:
    named = setup.option_list("docker", "socket")
    return Together(
        "Docker and Podman",
        lambda: {path: partial(DockerProbe, path) for path in sockets(named)},
        f"no socket at {' or '.join(SOCKETS)}, no probes.docker.socket",
    )


KIND = ProbeKind("Docker and Podman", "docker", _make, aside=True)

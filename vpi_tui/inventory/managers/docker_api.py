"""Containers as the API of Docker tells them, which Podman speaks too.

Source: Docker Engine API: /containers/json, /containers/{id}/json, /networks (docs.docker.com/reference/api).
Only what is used is read; what has another type than the API says makes the answer malformed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import msgspec

from vpi_tui.inventory.managers.unix_http import UnixHttp
from vpi_tui.inventory.managers.words import MAX_INTERFACES, distinct, macs_of, plain
from vpi_tui.inventory.picture import SeenGuest
from vpi_tui.model.errors import VpiError

T = TypeVar("T")

BRIDGE_NAME = "com.docker.network.bridge.name"
ID_IN_BRIDGE = 12
"""A network without a bridge name has a bridge `br-` with so many characters of its id."""
NO_NETWORK = ("host", "none")
"""Networks that Docker lists for containers that are on none."""
_SHARED = ("host", "none", "container:", "ns:")
"""Network modes of containers that have no interface of their own."""


class Endpoint(msgspec.Struct, frozen=True, rename="pascal"):
    """Of a container in one network; texts are "" while it does not run."""

    mac_address: str | None = ""
    ip_address: str | None = msgspec.field(name="IPAddress", default="")
    global_ipv6_address: str | None = msgspec.field(name="GlobalIPv6Address", default="")


class NetworkSettings(msgspec.Struct, frozen=True, rename="pascal"):
    networks: dict[str, Endpoint] | None = None


class HostConfig(msgspec.Struct, frozen=True, rename="pascal"):
    network_mode: str | None = ""


class Container(msgspec.Struct, frozen=True, rename="pascal"):
    """One entry of the list."""

    id: str
    names: list[str] | None = None
    state: str | None = ""
    host_config: HostConfig | None = None
    network_settings: NetworkSettings | None = None

    @property
    def has_interfaces(self) -> bool:
        mode = (self.host_config.network_mode if self.host_config else "") or ""
        return not mode.startswith(_SHARED)

    @property
    def running(self) -> bool:
        return self.state in ("running", "paused")


class State(msgspec.Struct, frozen=True, rename="pascal"):
    pid: int | None = 0


class Inspected(msgspec.Struct, frozen=True, rename="pascal"):
    """One container, looked at closely."""

    state: State | None = None
    network_settings: NetworkSettings | None = None

    @property
    def pid(self) -> int:
        """0 = it does not run."""
        return (self.state.pid if self.state else 0) or 0


class Network(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    id: str
    driver: str | None = ""
    options: dict[str, str] | None = None


class DockerApi:
    """All raise VpiError."""

    def __init__(self, http: UnixHttp) -> None:
        self._http = http

    @property
    def engine(self) -> str:
        """Who answers: Docker, or Podman in its place."""
        return "Podman" if self._http.server.startswith("Libpod") else "Docker"

    def containers(self) -> list[Container]:
        return self._read("/containers/json?all=1", list[Container])

    def inspect(self, container: str) -> Inspected:
        return self._read(f"/containers/{quote(container, safe='')}/json", Inspected)

    def bridges(self) -> dict[str, str]:
        """Name of the bridge by name of the network, where it is one of this host."""
        networks = self._read("/networks", list[Network])
        return {one.name: _bridge_of(one) for one in networks if one.driver == "bridge"}

    def close(self) -> None:
        self._http.close()

    def _read(self, target: str, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(self._http.get(target), type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise VpiError(
                f"The answer to {target} is not what the API of Docker says: {plain(str(error), 200)}."
            ) from None


def _bridge_of(network: Network) -> str:
    named = (network.options or {}).get(BRIDGE_NAME, "")
    return plain(named) or f"br-{plain(network.id[:ID_IN_BRIDGE])}"


def guest_of(
    container: Container,
    networks: Mapping[str, Endpoint],
    bridges: Mapping[str, str],
    *,
    ports: tuple[str, ...],
    origin: str,
) -> SeenGuest:
    """networks: by name, of the container. ports: its interfaces on the host."""
    ends = [(name, end) for name, end in networks.items() if name not in NO_NETWORK][:MAX_INTERFACES]
    addresses = [text for _, end in ends for text in (end.ip_address, end.global_ipv6_address)]
    return SeenGuest(
        name=_name(container),
        kind="container",
        origin=origin,
        ports=ports,
        macs=macs_of(end.mac_address for _, end in ends),
        ips=distinct(_address(text) for text in addresses),
        networks=distinct(bridges.get(name) or plain(name) for name, _ in ends),
        uuid=plain(container.id),
        state=plain(container.state or ""),
    )


def _name(container: Container) -> str:
    """Names begin with a slash; one with a second slash is what a linked container calls it."""
    names = [name.lstrip("/") for name in container.names or ()]
    own = next((name for name in names if name and "/" not in name), "")
    return plain(own or container.id[:ID_IN_BRIDGE])


def _address(text: str | None) -> str:
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return ""

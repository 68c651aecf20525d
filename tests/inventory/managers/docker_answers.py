"""Answers in the form of the API of Docker 27 and of Podman's service, cut to what a reader may want."""

from __future__ import annotations

from typing import Any

WEB, DB, OFF, HOST = (letter * 64 for letter in "abcd")
BACK = "e" * 64


def endpoint(network: str, mac: str = "", ip: str = "", ip6: str = "") -> dict[str, Any]:
    return {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None,
        "MacAddress": mac,
        "NetworkID": network,
        "EndpointID": "f" * 64 if mac else "",
        "Gateway": "172.17.0.1" if ip else "",
        "IPAddress": ip,
        "IPPrefixLen": 16 if ip else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": ip6,
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": None,
    }


def listed(
    container: str, names: list[str], state: str, networks: dict[str, Any], mode: str = "bridge"
) -> dict[str, Any]:
    return {
        "Id": container,
        "Names": names,
        "Image": "nginx:1.27",
        "Command": "/docker-entrypoint.sh nginx",
        "Created": 1760000000,
        "Ports": [{"PrivatePort": 80, "Type": "tcp"}],
        "Labels": {"com.docker.compose.project": "shop"},
        "State": state,
        "Status": "Up 3 minutes",
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Networks": networks},
        "Mounts": [],
    }


def inspected(pid: int, networks: dict[str, Any]) -> dict[str, Any]:
    return {
        "State": {"Status": "running", "Running": True, "Pid": pid, "ExitCode": 0},
        "NetworkSettings": {"SandboxKey": "/var/run/docker/netns/0123456789ab", "Networks": networks},
    }


def network(name: str, number: str, driver: str = "bridge", **options: str) -> dict[str, Any]:
    return {"Name": name, "Id": number, "Scope": "local", "Driver": driver, "Options": options or None}


def engine(web_pid: int = 0, db_pid: int = 0) -> dict[str, Any]:
    """Two containers that run, one that does not, and one that has the host's own network."""
    web = {"bridge": endpoint("1" * 64, "02:42:ac:11:00:02", "172.17.0.2", "2001:db8::2")}
    db = {"shop_back": endpoint(BACK, "02:42:ac:12:00:03", "172.18.0.3")}
    off = {"shop_back": endpoint(BACK)}
    return {
        "/containers/json?all=1": [
            listed(WEB, ["/shop-db-1/web", "/shop-web-1"], "running", web),
            listed(DB, ["/shop-db-1"], "running", db, "shop_back"),
            listed(OFF, ["/old"], "exited", off, "shop_back"),
            listed(HOST, ["/agent"], "running", {"host": endpoint("2" * 64)}, "host"),
        ],
        f"/containers/{WEB}/json": inspected(web_pid, web),
        f"/containers/{DB}/json": inspected(db_pid, db),
        "/networks": [
            network("bridge", "1" * 64, **{"com.docker.network.bridge.name": "docker0"}),
            network("shop_back", BACK),
            network("host", "2" * 64, "host"),
        ],
    }

"""Docker and Podman, by a real HTTP server on a real socket."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inventory.managers.docker_answers import BACK, WEB, engine, listed
from tests.inventory.managers.unix_server import daemon
from vpi_tui.inventory.managers import unix_http
from vpi_tui.inventory.managers.docker import HOST_VARIABLE, DockerProbe, sockets
from vpi_tui.model.errors import VpiError

LIST = "/containers/json?all=1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d.sock"


@pytest.fixture
def probe(path: Path) -> Iterator[DockerProbe]:
    probe = DockerProbe(str(path))
    yield probe
    probe.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_containers_with_their_networks_and_addresses(path: Path, probe: DockerProbe, chunked: bool) -> None:
    with daemon(path, engine(), chunked=chunked) as server:
        guests = {guest.name: guest for guest in probe.read().guests}
        probe.read()
        assert server.connections == 1
    assert sorted(guests) == ["old", "shop-db-1", "shop-web-1"]
    web, db, old = guests["shop-web-1"], guests["shop-db-1"], guests["old"]
    assert (web.kind, web.origin, web.state, web.uuid) == ("container", "Docker", "running", WEB)
    assert (web.macs, web.ips) == ((0x0242AC110002,), ("172.17.0.2", "2001:db8::2"))
    assert web.networks == ("docker0",)
    assert db.networks == (f"br-{BACK[:12]}",)
    assert (old.state, old.macs, old.ips, old.ports) == ("exited", (), (), ())


def test_podman_is_called_so(path: Path, probe: DockerProbe) -> None:
    with daemon(path, engine(), server="Libpod/5.2.5 (linux)"):
        assert {guest.origin for guest in probe.read().guests} == {"Podman"}


def test_a_container_is_looked_at_again_only_when_it_changed(path: Path, probe: DockerProbe) -> None:
    answers = engine(web_pid=os.getpid(), db_pid=1 << 30)  # a process that is there, and one that has ended
    with daemon(path, answers) as server:
        probe.read()
        server.asked.clear()
        probe.read()
        assert [target[:14] for target in server.asked if target != LIST] == ["/networks", "/containers/bb"]
        answers[LIST][0]["State"] = "paused"
        server.asked.clear()
        probe.read()
        assert f"/containers/{WEB}/json" in server.asked


def test_a_daemon_that_was_started_anew_is_found_again(path: Path, probe: DockerProbe) -> None:
    with daemon(path, engine()):
        probe.read()
    path.unlink()
    with pytest.raises(VpiError, match=r"Nobody listens at .*d\.sock\. Start the daemon"):
        probe.read()
    with daemon(path, engine()):
        assert len(probe.read().guests) == 3


def test_a_socket_that_nobody_serves(path: Path, probe: DockerProbe) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with pytest.raises(VpiError, match="Nobody listens at"):
        probe.read()


def test_a_socket_that_is_denied(path: Path, probe: DockerProbe) -> None:
    with daemon(path, engine()):
        path.chmod(0)
        as_root = os.geteuid() == 0
        if as_root:
            os.seteuid(65534)
        try:
            with pytest.raises(VpiError, match=r"may not be opened by this user\. .*usermod -aG"):
                probe.read()
        finally:
            if as_root:
                os.seteuid(0)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'[{"Id": 5}]',
        b'{"message": "client version 1.12 is too old"}',
        b'[{"Id": "a", "Names": "web"}]',
        b'[{"Id": "\xff"}]',
        b'[{"Id": "a", "NetworkSettings": {"Networks": {"bridge": {"MacAddress": []}}}}]',
    ],
)
def test_a_malformed_answer(path: Path, probe: DockerProbe, answer: bytes) -> None:
    with daemon(path, engine() | {LIST: answer}), pytest.raises(VpiError) as caught:
        probe.read()
    assert f"The answer to {LIST} is not what the API of Docker says" in str(caught.value)


def test_an_answer_that_is_an_error_or_too_long(
    path: Path, probe: DockerProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with daemon(path, {}), pytest.raises(VpiError, match="answers 404 to"):
        probe.read()
    path.unlink()
    monkeypatch.setattr(unix_http, "MAX_ANSWER", 1 << 20)
    with daemon(path, {LIST: b" " * (3 << 20)}), pytest.raises(VpiError, match="more than 1 MB"):
        probe.read()


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        (b"220 mail ESMTP\r\n", "gives no answer that is HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", "gives no answer that is HTTP"),
        (b"", "has not answered within 0.2 seconds"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", "has not answered within 0.2 seconds"),
    ],
)
def test_what_is_no_http_or_never_ends(
    path: Path, probe: DockerProbe, monkeypatch: pytest.MonkeyPatch, spoken: bytes, words: str
) -> None:
    monkeypatch.setattr(unix_http, "SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        held: list[socket.socket] = []

        def serve() -> None:
            held.append(listener.accept()[0])
            held[0].sendall(spoken)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(VpiError, match=words):
            probe.read()
        thread.join()
        held[0].close()


def test_hostile_names_are_bounded(path: Path, probe: DockerProbe) -> None:
    odd = [listed("f" * 64, ["/\x1b[2J" + "x" * 5000], "running", {"\x1b]0;": {"MacAddress": "zz"}})]
    with daemon(path, engine() | {LIST: odd}):
        (guest,) = probe.read().guests
    assert guest.name.startswith("\N{REPLACEMENT CHARACTER}[2Jxx")
    assert len(guest.name) == 128
    assert guest.macs == ()
    assert guest.networks == ("\N{REPLACEMENT CHARACTER}]0;",)


def test_where_to_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vpi_tui.inventory.managers.docker.SOCKETS", (str(tmp_path / "docker.sock"),))
    monkeypatch.delenv(HOST_VARIABLE, raising=False)
    assert sockets() == ()
    (tmp_path / "docker.sock").touch()
    (tmp_path / "mine.sock").touch()
    assert sockets() == (str(tmp_path / "docker.sock"),)
    monkeypatch.setenv(HOST_VARIABLE, f"unix://{tmp_path}/mine.sock")
    assert sockets() == (str(tmp_path / "mine.sock"), str(tmp_path / "docker.sock"))
    monkeypatch.setenv(HOST_VARIABLE, "tcp://192.0.2.1:2375")
    assert sockets(("/a", "/a")) == ("/a",)

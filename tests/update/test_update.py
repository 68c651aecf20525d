"""Rule sets from a real HTTP server: only what changed is fetched, and what is wrong changes nothing."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vpi_tui.model.errors import ConfigError, VpiError
from vpi_tui.update.archive import MAX_FILES, unpack
from vpi_tui.update.install import Installed
from vpi_tui.update.run import update
from vpi_tui.update.sources import RuleSource, Sources, read_sources

RULE = 'alert tcp any any -> any any (msg:"R{0}"; content:"abcd{0}"; sid:{0}; rev:{1};)\n'


def rules(*sids: int, rev: int = 1) -> bytes:
    return "".join(RULE.format(sid, rev) for sid in sids).encode()


def tar_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


class Server:
    """Serves what `files` says, with an ETag each; `asked` are the answers it gave."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, int]] = []
        self.cut = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = outer.files.get(self.path)
                tag = f'"{hashlib.sha1(data or b"").hexdigest()}"'
                code = 404 if data is None else 304 if self.headers.get("If-None-Match") == tag else 200
                outer.asked.append((self.path, code))
                self.send_response(code)
                if data is not None:
                    self.send_header("ETag", tag)
                    self.send_header("Content-Length", str(len(data) if code == 200 else 0))
                self.end_headers()
                if code == 200 and data is not None:
                    self.wfile.write(data[: len(data) - outer.cut])

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


class Place:
    def __init__(self, tmp_path: Path, server: Server, **source: str) -> None:
        self.rulesets = tmp_path / "rulesets"
        self.said: list[str] = []
        self._archives = tmp_path / "archives"
        self.sources = Sources((RuleSource("set", f"{server.url}/a", **source),))

    def update(self, **more: bool) -> Installed:
        return update(self.sources, self.rulesets, self._archives, self.said.append, **more)

    def installed(self) -> dict[str, bytes]:
        current = self.rulesets / "current" / "set"
        return {path.name: path.read_bytes() for path in current.iterdir()}


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_what_changed_is_told_and_is_in_force(pack, server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.files["/a"] = pack({"rules/one.rules": rules(1, 2, 3), "rules/README": b"no rules"})
    first = place.update()
    assert (first.rules, first.added, first.removed) == (3, 3, 0)
    assert place.installed() == {"one.rules": rules(1, 2, 3)}
    server.files["/a"] = pack({"rules/one.rules": rules(2) + rules(3, rev=2) + rules(4)})
    second = place.update()
    assert (second.added, second.removed, second.changed) == (1, 1, 1)
    assert place.installed()["one.rules"].count(b"alert") == 3


def test_what_did_not_change_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.files["/a"] = tar_of({"one.rules": rules(1)})
    place.update()
    again = place.update()
    assert [code for _, code in server.asked] == [200, 304]
    assert (again.rules, again.added, again.removed, again.changed) == (1, 0, 0, 0)


def test_choices_can_be_made_anew_without_the_network(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.files["/a"] = tar_of({"one.rules": rules(1, 2)})
    place.update()
    (tmp_path / "disable.conf").write_text("1\n")
    place.sources = Sources(place.sources.sources, disable=tmp_path / "disable.conf")
    assert place.update(offline=True).enabled == 1
    assert len(server.asked) == 1


def test_a_set_without_a_rule_that_is_on_leaves_the_old_one_in_force(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.files["/a"] = tar_of({"one.rules": rules(1)})
    place.update()
    server.files["/a"] = tar_of({"one.rules": b"# " + rules(2)})
    with pytest.raises(VpiError, match=r"^No rule of the new set loads\. The old rules stay\.$"):
        place.update()
    assert place.installed() == {"one.rules": rules(1)}


def _not_found(server: Server) -> None:
    del server.files["/a"]


def _no_archive(server: Server) -> None:
    server.files["/a"] = b"<html>maintenance</html>"


def _cut_archive(server: Server) -> None:
    server.files["/a"] = tar_of({"one.rules": rules(*range(5, 900))})[:-40]


def _cut_transfer(server: Server) -> None:
    server.files["/a"] = tar_of({"one.rules": rules(5)})
    server.cut = 20


def _no_rules(server: Server) -> None:
    server.files["/a"] = tar_of({"readme.txt": b"nothing"})


def _broken_rules(server: Server) -> None:
    server.files["/a"] = tar_of({"one.rules": b"alert nonsense\n"})


def _too_many_files(server: Server) -> None:
    server.files["/a"] = tar_of({f"{n}.rules": b"" for n in range(MAX_FILES + 1)})


@pytest.mark.parametrize(
    "spoil",
    [_not_found, _no_archive, _cut_archive, _cut_transfer, _no_rules, _broken_rules, _too_many_files],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_whatever_goes_wrong_the_old_rules_stay(spoil, server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.files["/a"] = tar_of({"one.rules": rules(1)})
    place.update()
    before = sorted(path.name for path in place.rulesets.iterdir())
    spoil(server)
    with pytest.raises(VpiError):
        place.update()
    assert place.installed() == {"one.rules": rules(1)}
    assert sorted(path.name for path in place.rulesets.iterdir()) == before, "nothing half made is left"


def test_a_server_that_is_not_there(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.close()
    with pytest.raises(VpiError, match="cannot be fetched"):
        place.update()


@pytest.mark.parametrize("right", [True, False])
def test_the_published_checksum_must_hold(right: bool, server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server, checksum="md5")
    data = tar_of({"one.rules": rules(1)})
    server.files = {"/a": data, "/a.md5": hashlib.md5(data if right else b"other").hexdigest().encode()}
    if right:
        assert place.update().rules == 1
        return
    with pytest.raises(VpiError, match="the checksum is"):
        place.update()
    assert not place.rulesets.exists() or not list(place.rulesets.iterdir())


def test_one_source_that_fails_stops_all(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    server.files["/a"] = tar_of({"one.rules": rules(1)})
    place.sources = Sources((*place.sources.sources, RuleSource("other", f"{server.url}/b")))
    with pytest.raises(VpiError, match="404"):
        place.update()
    assert not (place.rulesets / "current").exists()


def test_a_path_in_an_archive_leads_nowhere() -> None:
    found = unpack(tar_of({"../../etc/cron.d/evil.rules": rules(1), "a/.hidden.rules": b""}), "x")
    assert list(found) == ["evil.rules"]


def test_files_of_the_same_name_in_an_archive_hide_none_of_each_other() -> None:
    found = unpack(tar_of({"a/one.rules": rules(1).rstrip(), "b/one.rules": rules(2)}), "x")
    assert found == {"one.rules": rules(1) + rules(2)}


def test_lists_of_the_same_name_in_an_archive_are_not_joined() -> None:
    """A line that stands twice in a classification is an error; the later file counts."""
    assert unpack(tar_of({"a/map.config": b"old\n", "b/map.config": b"new\n", "c.rules": rules(1)}), "x") == {
        "map.config": b"new\n",
        "c.rules": rules(1),
    }


@pytest.mark.parametrize(("path", "name"), [("/lists/one.rules?key=1", "one.rules"), ("/one", "one.rules")])
def test_rules_may_come_in_a_file_without_an_archive(
    path: str, name: str, server: Server, tmp_path: Path
) -> None:
    place = Place(tmp_path, server)
    server.files[path] = b"# a list\n#\n" + rules(1, 2)
    place.sources = Sources((RuleSource("set", server.url + path),))
    assert place.update().enabled == 2
    assert place.installed() == {name: rules(1, 2)}
    server.files[path] = b"<html>\n  alert to all: maintenance</html>"
    with pytest.raises(VpiError, match="neither an archive nor a file of rules: it begins with '<html>"):
        place.update()
    assert list(place.installed()) == [name]


def test_only_the_set_before_is_kept(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path, server)
    for sid in range(1, 5):
        server.files["/a"] = tar_of({"one.rules": rules(sid)})
        place.update()
    assert sorted(path.name for path in place.rulesets.iterdir()) == ["current", "set-3", "set-4"]


def test_sources_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    assert [source.name for source in read_sources(path).sources] == ["et-open"]
    (tmp_path / "off.conf").write_text("1\n")
    path.write_text("sources:\n  mine:\n    path: /a.rules\ndisable: off.conf\n")
    found = read_sources(path)
    assert found == Sources((RuleSource("mine", path="/a.rules"),), disable=tmp_path / "off.conf")


def test_rules_may_be_published_for_each_release_of_suricata(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text('sources:\n  open:\n    url: "http://x/suricata-%(__version__)s/a.tar.gz"\n')
    (found,) = read_sources(path).sources
    assert re.fullmatch(r"http://x/suricata-8\.\d+\.\d+/a\.tar\.gz", found.url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources:\n  a:\n    uri: x\n", "unknown key 'uri'"),
        ("sources:\n  a:\n    url: ftp://x\n", "http://"),
        ("sources:\n  a: {}\n", "either url or path"),
        ('sources:\n  a:\n    url: "http://x/%(secret-code)s/a"\n', "secret-code.*stands for nothing here"),
        ("sources:\n  ../a:\n    url: http://x\n", "cannot be called"),
        ("disable: none.conf\n", "there is no file"),
        ("disable: ~-/none.conf\n", "there is no file"),
        ("sources:\n  a:\n    url: http://x\n    checksum: crc\n", "checksum must be"),
    ],
)
def test_what_is_wrong_with_sources_is_said(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_sources(tmp_path / "sources.yaml")

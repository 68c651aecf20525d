"""What rules put into datasets outlives the engine, where somebody said where."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from tests.engine.runs import order, until
from tests.rights import NOBODY, needs_root, nobodys_folder
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import load
from vpi_tui.engine import keeping
from vpi_tui.engine.keeping import EVERY, ValueKeeper, keeps_values, prepare_data_dir
from vpi_tui.engine.rulecache import compiled_rules
from vpi_tui.engine.scan import run_scan
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.valueset import Keeping, ValueKind, ValueSet

RULE = 'alert dns any any -> any any (msg:"{0}"; dns.query; dataset:{0}; sid:{1};)\n'


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def state(file: Path, kind: ValueKind = "string", *, resumes: bool = True) -> ValueSet:
    return ValueSet("seen", kind, limit=100, keeping=Keeping(str(file), resumes=resumes))


def keeper_of(*sets: ValueSet, clock: Clock | None = None, writes: bool = True) -> ValueKeeper:
    made = ValueKeeper(clock or Clock(), writes=writes)
    made.follow(sets)
    return made


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def base64_of(*values: bytes) -> str:
    return "".join(f"{base64.b64encode(value).decode()}\n" for value in values)


@pytest.mark.parametrize(
    ("kind", "values", "text"),
    [
        ("string", (b"a,b\nc",), "YSxiCmM=\n"),
        ("md5", (bytes(range(16)),), "000102030405060708090a0b0c0d0e0f\n"),
        ("sha256", (b"\xff" * 32,), "ff" * 32 + "\n"),
        ("ipv4", (b"\x0a\0\0\1",), "10.0.0.1\n"),
        ("ip", (bytes(10) + b"\xff\xff\x0a\0\0\1",), "10.0.0.1\n"),
        ("ip", (b"\xfd" + bytes(14) + b"\1",), "fd00::1\n"),
        ("ipv6", (b"\xfd" + bytes(14) + b"\1",), "fd00::1\n"),
    ],
)
def test_the_next_run_begins_with_it(
    tmp_path: Path, kind: ValueKind, values: tuple[bytes], text: str
) -> None:
    file = tmp_path / "sub" / "seen.lst"
    first = state(file, kind)
    keeper = keeper_of(first)
    for value in values:
        assert first.add(value)
    keeper.finish()
    assert (file.read_text(), keeper.notices) == (text, ())
    second = state(file, kind)
    keeper_of(second)
    assert all(second.holds(value) for value in values)
    assert names_in(file.parent) == [file.name]


def test_a_long_list_comes_back_without_what_rules_removed(tmp_path: Path) -> None:
    words = [b"%d" % number for number in range(5_000)]
    (tmp_path / "seen.lst").write_text(base64_of(*words))
    seen = ValueSet("seen", "string", limit=10_000, keeping=Keeping(str(tmp_path / "seen.lst"), resumes=True))
    keeper = keeper_of(seen)
    assert seen.listed is not None
    assert seen.remove(words[7])
    assert seen.add(b"new")
    keeper.finish()
    kept = (tmp_path / "seen.lst").read_text().split()
    assert set(map(base64.b64decode, kept)) == {*words, b"new"} - {words[7]}
    assert len(kept) == 5_000


def test_what_is_only_written_begins_empty(tmp_path: Path) -> None:
    (tmp_path / "seen.lst").write_text(base64_of(b"old"))
    seen = state(tmp_path / "seen.lst", resumes=False)
    keeper = keeper_of(seen)
    assert not seen.holds(b"old")
    keeper.finish()
    assert (tmp_path / "seen.lst").read_text() == ""


def test_it_is_written_now_and_then_by_a_child(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "seen.lst"
    seen = state(file)
    keeper = keeper_of(seen, clock=clock)
    seen.add(b"one")
    keeper.step()
    assert not file.exists(), "it is not time"
    clock.now += EVERY
    keeper.step()
    seen.add(b"while it writes")
    until(lambda: keeper.step() or file.exists(), 20)
    until(lambda: keeper.step() or keeper._running is None, 20)
    assert file.read_text() == base64_of(b"one")
    keeper.write_soon()
    until(lambda: keeper.step() or len(file.read_text().split()) == 2, 20)
    until(lambda: keeper.step() or keeper._running is None, 20)
    file.unlink()
    keeper.write_soon()
    keeper.step()
    assert keeper._running is None, "nothing changed"
    keeper.close()


def test_a_disk_that_is_full_is_a_notice_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "seen.lst"
    file.write_text(base64_of(b"old"))
    seen = state(file)
    keeper = keeper_of(seen)
    seen.add(b"new")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    keeper.finish()
    (notice,) = keeper.notices
    assert f"{file} is not kept: No space left on device." in notice
    assert "default-data-dir" in notice
    assert names_in(tmp_path) == ["seen.lst"]
    assert file.read_text() == base64_of(b"old")
    monkeypatch.undo()
    keeper.finish()
    assert keeper.notices == ()
    assert set(file.read_text().split()) == set(base64_of(b"old", b"new").split())


def test_a_child_that_dies_is_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = state(tmp_path / "seen.lst")
    keeper = keeper_of(seen)
    seen.add(b"new")
    monkeypatch.setattr(keeping, "_write_all", lambda _sets: os._exit(3))
    keeper.write_soon()
    until(lambda: keeper.step() or keeper.notices, 20)
    assert "the process that writes it died" in keeper.notices[0]


def test_where_nobody_may_write_is_told_at_the_start() -> None:
    with nobodys_folder() as folder:
        folder.chmod(0o500)
        keeper = keeper_of(state(folder / "seen.lst"))
        assert f"this user may not write {folder}" in keeper.notices[0]
        assert keeper_of(state(folder / "seen.lst"), writes=False).notices == ()


def test_likewise_below_a_directory_that_is_shut() -> None:
    with nobodys_folder() as folder:
        folder.chmod(0)
        keeper = keeper_of(state(folder / "data" / "seen.lst", resumes=False))
        assert f"this user may not write {folder}" in keeper.notices[0]


def test_the_end_does_not_wait_for_long_and_the_child_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = state(tmp_path / "seen.lst")
    keeper = ValueKeeper(time.monotonic, writes=True)
    keeper.follow([seen])
    seen.add(b"new")
    write_all = keeping._write_all
    monkeypatch.setattr(keeping, "_write_all", lambda sets: (time.sleep(3), write_all(sets))[1])
    began = time.monotonic()
    keeper.finish()
    keeper.close()
    assert time.monotonic() - began < 2.5
    assert not (tmp_path / "seen.lst").exists()
    until((tmp_path / "seen.lst").exists, 20)


def test_a_child_that_still_writes_at_the_end_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, write_all = state(tmp_path / "seen.lst"), keeping._write_all
    keeper = keeper_of(seen)
    seen.add(b"one")
    monkeypatch.setattr(keeping, "_write_all", lambda _sets: time.sleep(60))
    keeper.write_soon()
    keeper.step()
    first = keeper._running
    assert first is not None
    pid = first._child._pid
    monkeypatch.setattr(keeping, "_write_all", write_all)
    seen.add(b"two")
    keeper.finish()
    assert set((tmp_path / "seen.lst").read_text().split()) == set(base64_of(b"one", b"two").split())
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_a_set_that_became_another_kind_leaves_the_file_alone(tmp_path: Path) -> None:
    seen = state(tmp_path / "seen.lst")
    keeper = keeper_of(seen)
    seen.add(b"new")
    keeper.finish()
    keeper.follow([state(tmp_path / "seen.lst", "md5")])
    keeper.finish()
    assert "is no list of md5" in keeper.notices[0]
    assert (tmp_path / "seen.lst").read_text() == base64_of(b"new")


@pytest.mark.parametrize("text", ["no base64!\n", "YQ==\nno base64!\n", None])
def test_a_file_that_makes_no_sense_is_told_and_left_alone(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "seen.lst"
    if text is None:
        os.mkfifo(file)
    else:
        file.write_text(text)
    seen = state(file)
    keeper = keeper_of(seen)
    assert "The dataset seen is not all that it was, and is not kept" in keeper.notices[0]
    assert seen.holds(b"a") == bool(text and "YQ==" in text)
    seen.add(b"new")
    keeper.finish()
    assert file.is_fifo() if text is None else file.read_text() == text


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MAX_FILE", 4)
    (tmp_path / "seen.lst").write_text(base64_of(b"old"))
    seen = state(tmp_path / "seen.lst")
    assert "is no file of at most 4 bytes" in keeper_of(seen).notices[0]
    assert not seen.holds(b"old")


def test_a_link_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "seen.lst").symlink_to(tmp_path / "target")
    keeper = keeper_of(state(tmp_path / "seen.lst", resumes=False))
    keeper.finish()
    assert "it is no regular file" in keeper.notices[0]
    assert (tmp_path / "seen.lst").is_symlink()


def rules(folder: Path, *texts: str) -> Path:
    path = folder / "some.rules"
    path.write_text("".join(RULE.format(text, number) for number, text in enumerate(texts, 1)))
    return path


def matcher_of(path: Path, before: Matcher | None = None, **options: str) -> Matcher:
    loaded = load([path], options=options)
    assert not loaded.errors
    made = Matcher(RuleSet.compile(loaded.signatures))
    if before is not None:
        made.take_over(before)
    return made


def sets_of(matcher: Matcher) -> dict[str, ValueSet]:
    return matcher.decider.lasting_sets


def test_what_rules_have_set_waits_for_the_return_of_its_rules(tmp_path: Path) -> None:
    both = ("set,seen,type string", "set,gone,type string")
    first = matcher_of(rules(tmp_path, *both))
    sets_of(first)["gone"].add(b"new")
    second = matcher_of(rules(tmp_path, both[0]), first)
    third = matcher_of(rules(tmp_path, *both), second)
    assert sets_of(third)["gone"] is not sets_of(first)["gone"]
    assert sets_of(third)["gone"].holds(b"new"), "as when the rule was there"
    other = matcher_of(rules(tmp_path, "set,gone,type md5"), third)
    assert not list(sets_of(other)["gone"])


def test_what_rules_removed_from_a_long_list_stays_removed(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(base64_of(*(b"%d" % number for number in range(5_000))))
    asked = rules(tmp_path, "unset,seen,type string,load list,save kept")
    first = matcher_of(asked)
    assert sets_of(first)["seen"].remove(b"7")
    assert not sets_of(matcher_of(asked, first))["seen"].holds(b"7")


def test_a_keeper_follows_a_reload(tmp_path: Path) -> None:
    file, options = tmp_path / "seen.lst", {"default-data-dir": str(tmp_path)}
    asked = rules(tmp_path, "set,seen,type string,state seen.lst")
    first = matcher_of(asked, **options)
    keeper = keeper_of(*sets_of(first).values())
    sets_of(first)["seen"].add(b"one")
    second = matcher_of(asked, first, **options)
    keeper.follow(sets_of(second).values())
    sets_of(second)["seen"].add(b"two")
    keeper.write_soon()
    until(lambda: keeper.step() or (keeper._running is None and file.exists()), 20)
    assert set(file.read_text().split()) == set(base64_of(b"one", b"two").split())
    renamed = matcher_of(rules(tmp_path, "set,other,type string,state seen.lst"), second, **options)
    keeper.follow(sets_of(renamed).values())
    sets_of(renamed)["other"].add(b"three")
    keeper.finish()
    assert set(file.read_text().split()) == set(base64_of(b"one", b"two", b"three").split())


def query(folder: Path, *names: str) -> str:
    packets = [
        Ether()
        / IP(src="10.0.0.1", dst="10.0.0.2")
        / UDP(sport=4000 + n, dport=53)
        / DNS(id=n, qd=DNSQR(qname=name))
        for n, name in enumerate(names)
    ]
    wrpcap(str(folder / "dns.pcap"), packets)
    return str(folder / "dns.pcap")


def test_a_scan_reads_what_is_kept_and_writes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "seen.lst").write_text(base64_of(b"old.example"))
    asked = rules(
        tmp_path, "isset,seen,type string,state seen.lst", "set,seen", "set,new,type string,save new"
    )
    spec = order(
        "replay",
        files=(query(tmp_path, "old.example", "new.example"),),
        rules=(str(asked),),
        options={"default-data-dir": str(data)},
    )
    result = run_scan(spec, None, lambda *_: None)
    assert result.of_rules() == {"1:1": 1, "1:2": 1, "1:3": 2}
    assert (names_in(data), (data / "seen.lst").read_text()) == (["seen.lst"], base64_of(b"old.example"))


def test_what_is_kept_is_no_part_of_the_cache_of_rules(tmp_path: Path) -> None:
    """Else rules would be compiled anew with each start."""
    asked, cache = rules(tmp_path, "set,seen,type string,state seen.lst"), tmp_path / "cache"
    spec = EngineSpec(
        "live", rules=(str(asked),), rule_cache=str(cache), options={"default-data-dir": str(tmp_path)}
    )
    made = [compiled_rules(spec)]
    (tmp_path / "seen.lst").write_text(base64_of(b"old"))
    before = {path: path.stat().st_ino for path in cache.iterdir()}
    made.append(compiled_rules(spec))
    assert {path: path.stat().st_ino for path in cache.iterdir()} == before
    for one in made:
        (seen,) = sets_of(Matcher(one.ruleset)).values()
        assert seen.keeping == Keeping(str(tmp_path / "seen.lst"), resumes=True)
        assert not seen.holds(b"old"), "the engine reads it"


def test_only_a_live_engine_that_keeps_something_writes() -> None:
    assert keeps_values(EngineSpec("live", state_dir="/s"))
    assert not keeps_values(EngineSpec("live"))
    assert not keeps_values(EngineSpec("replay", state_dir="/s"))


@needs_root
def test_root_makes_the_directory_for_whom_it_becomes() -> None:
    with nobodys_folder() as folder:
        os.seteuid(0)
        (folder / "link").symlink_to("/")
        for name, problem in (("data", False), ("link/data", True)):
            options = {"default-data-dir": str(folder / name)}
            spec = EngineSpec("live", state_dir="/s", user="nobody", options=options)
            assert bool(prepare_data_dir(spec)) == problem
        assert (folder / "data").stat().st_uid == NOBODY
        assert not Path("/data").exists()
        os.seteuid(NOBODY)

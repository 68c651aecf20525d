"""The log's file: whole lines whatever happens, rotation, and what it says when it cannot be written."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rights import NOBODY, needs_root
from vpi_tui.model.errors import VpiError
from vpi_tui.output.logfile import MOST_WAITING, RETRY, LogFile, Rotation


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def line(number: int) -> bytes:
    return json.dumps({"n": number}).encode() + b"\n"


def numbers(*paths: Path) -> list[int]:
    return [json.loads(text)["n"] for path in paths for text in path.read_text().splitlines()]


def write(log: LogFile, *chosen: int) -> None:
    for number in chosen:
        log.write(line(number))
    log.flush()


@contextmanager
def room(limit: int) -> Iterator[None]:
    """At most so many bytes fit into a file; no fixture, because pytest's own output may go to a file too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    for number in (1, 2):
        log = LogFile(tmp_path / "new" / "eve.json", Clock())
        write(log, number)
        log.close()
    assert numbers(tmp_path / "new" / "eve.json") == [1, 2]


@needs_root
def test_what_root_makes_can_be_rotated_by_whom_it_becomes() -> None:
    with tempfile.TemporaryDirectory() as made:  # not below pytest's own, which nobody may not enter
        Path(made).chmod(0o755)
        path = Path(made) / "new" / "eve.json"
        log = LogFile(path, Clock(), Rotation(max_bytes=1), (NOBODY, NOBODY))
        os.seteuid(NOBODY)
        try:
            write(log, 1)
            write(log, 2)
            log.reopen()
            write(log, 3)
        finally:
            os.seteuid(0)
        log.close()
        assert not log.alarm
        assert numbers(*sorted(path.parent.iterdir())) == [3, 1, 2]
        LogFile(Path(made) / "new" / "2.json", Clock(), owner=(NOBODY, NOBODY)).close()
        assert Path(made).stat().st_uid == 0
        mine = Path(made) / "mine.json"
        mine.touch()
        LogFile(mine, Clock(), owner=(NOBODY, NOBODY)).close()
        assert mine.stat().st_uid == 0, "what was there stays whose it was"


@needs_root
@pytest.mark.parametrize("there", [False, True])
def test_root_follows_no_link_of_whom_it_becomes(there: bool) -> None:
    """Else whoever is in the sensor has root make, and give him, any file once it starts again."""
    with tempfile.TemporaryDirectory() as made:
        theirs, target = Path(made) / "theirs", Path(made) / "target"
        theirs.mkdir()
        os.chown(theirs, NOBODY, NOBODY)
        if there:
            target.write_text("root's\n")
        (theirs / "eve.json").symlink_to(target)
        with pytest.raises(VpiError, match="it is a link in a directory that others than root can write"):
            LogFile(theirs / "eve.json", Clock(), owner=(NOBODY, NOBODY))
        assert target.exists() == there
        assert not there or (target.stat().st_uid, target.read_text()) == (0, "root's\n")


@needs_root
def test_root_follows_no_link_of_others_on_the_way() -> None:
    """The directory of the log is his who is in the sensor: he may put a link in the place of one below."""
    with tempfile.TemporaryDirectory() as made:
        theirs, target = Path(made) / "theirs", Path(made) / "target"
        theirs.mkdir()
        target.mkdir()
        os.chown(theirs, NOBODY, NOBODY)
        (theirs / "sub").symlink_to(target)
        for path in (theirs / "sub" / "eve.json", theirs / "sub" / "new" / "eve.json"):
            with pytest.raises(VpiError, match="sub is a link in a directory that others"):
                LogFile(path, Clock(), owner=(NOBODY, NOBODY))
        assert list(target.iterdir()) == []


@needs_root
def test_roots_own_links_on_the_way_are_followed() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "logs").mkdir()
        (folder / "one").symlink_to("two")
        (folder / "two").symlink_to(folder / "logs")
        LogFile(folder / "one" / "a" / "b" / "eve.json", Clock(), owner=(NOBODY, NOBODY)).close()
        assert (folder / "logs" / "a").stat().st_uid == 0
        assert (folder / "logs" / "a" / "b").stat().st_uid == NOBODY
        (folder / "ring").symlink_to("ring")
        with pytest.raises(VpiError):
            LogFile(folder / "ring" / "eve.json", Clock(), owner=(NOBODY, NOBODY))


@needs_root
def test_root_writes_no_file_that_others_gave_a_second_name() -> None:
    with tempfile.TemporaryDirectory() as made:
        theirs, target = Path(made) / "theirs", Path(made) / "target"
        theirs.mkdir()
        target.touch()
        os.link(target, theirs / "eve.json")
        os.chown(theirs, NOBODY, NOBODY)
        with pytest.raises(VpiError, match="another name"):
            LogFile(theirs / "eve.json", Clock(), owner=(NOBODY, NOBODY))


@pytest.mark.parametrize("owner", [None, pytest.param((NOBODY, NOBODY), marks=needs_root)])
def test_what_is_no_file_ends_the_start_at_once(tmp_path: Path, owner: tuple[int, int] | None) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    for path, why in ((pipe, "it is no file"), (tmp_path, "Is a directory")):
        with pytest.raises(VpiError, match=why) as caught:
            LogFile(path, Clock(), owner=owner)
        assert "name another file" in caught.value.hint
    os.close(reader)
    LogFile(Path("/dev/null"), Clock(), owner=owner).close()


def test_a_pipe_in_the_place_of_a_file_is_no_end(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "eve.json"
    log = LogFile(path, clock)
    write(log, 1)
    path.unlink()
    os.mkfifo(path)
    log.reopen()
    assert "cannot be written" in log.alarm
    write(log, 2)
    assert log.lost == 1


@needs_root
def test_what_takes_the_place_of_a_new_log_is_not_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as made:
        path, target, given = Path(made) / "eve.json", Path(made) / "target", os.fchown
        target.touch()

        def swapped(fd: int, user: int, group: int) -> None:
            path.unlink()
            path.symlink_to(target)
            given(fd, user, group)

        monkeypatch.setattr(os, "fchown", swapped)
        LogFile(path, Clock(), owner=(NOBODY, NOBODY)).close()
        assert target.stat().st_uid == 0


@needs_root
def test_roots_own_link_is_followed() -> None:
    with tempfile.TemporaryDirectory() as made:
        path, target = Path(made) / "eve.json", Path(made) / "target"
        target.touch()
        path.symlink_to(target)
        log = LogFile(path, Clock(), owner=(NOBODY, NOBODY))
        write(log, 1)
        log.close()
        assert numbers(target) == [1]


def test_what_does_not_fit_is_lost_whole_and_said(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "eve.json"
    log = LogFile(path, clock)
    write(log, 1)
    with room(1_000):
        write(log, *range(2, 200))
    assert (numbers(path), log.lost) == ([1], 198), "no half line, and nothing that came after one"
    assert path.name in log.alarm
    write(log, 200)
    assert log.lost == 199, "it is not tried again at once"
    clock.now += RETRY
    with room(1_000):
        write(log, 201)
    assert (numbers(path), log.lost, log.alarm) == ([1, 201], 199, "")


def test_a_full_disk_is_an_alarm_and_no_error() -> None:
    log = LogFile(Path("/dev/full"), Clock())
    write(log, 1, 2)
    assert log.lost == 2
    assert "No space left" in log.alarm


def test_it_rotates_by_size_and_keeps_the_newest(tmp_path: Path) -> None:
    clock = Clock()
    log = LogFile(tmp_path / "eve.json", clock, Rotation(max_bytes=3 * len(line(1)), keep=2))
    for number in range(10):
        write(log, number)
        clock.now += 1
    old = sorted(tmp_path.glob("eve.json.*"))
    assert [len(numbers(path)) for path in old] == [3, 3]
    assert numbers(*old, tmp_path / "eve.json") == [3, 4, 5, 6, 7, 8, 9]


def test_it_rotates_by_time_but_not_when_empty(tmp_path: Path) -> None:
    clock = Clock()
    log = LogFile(tmp_path / "eve.json", clock, Rotation(seconds=60))
    clock.now += 61
    write(log, 1)
    assert list(tmp_path.glob("eve.json.*")) == []
    clock.now += 61
    write(log, 2)
    assert numbers(*tmp_path.glob("eve.json.*")) == [1]
    assert numbers(tmp_path / "eve.json") == [2]


def test_two_rotations_in_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "eve.json", Clock(), Rotation(max_bytes=1))
    for number in range(5):
        write(log, number)
    assert sorted(numbers(*tmp_path.iterdir())) == [0, 1, 2, 3, 4]


def test_it_reopens_after_another_program_moved_it(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    log = LogFile(path, Clock())
    write(log, 1)
    path.rename(tmp_path / "moved")
    write(log, 2)
    log.reopen()
    write(log, 3)
    assert numbers(tmp_path / "moved") == [1, 2]
    assert numbers(path) == [3]


def test_a_file_that_cannot_be_opened_at_the_start_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VpiError, match=r"file/eve\.json cannot be written"):
        LogFile(tmp_path / "file" / "eve.json", Clock())


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    log = LogFile(path, Clock())
    text = b"x" * 99_999 + b"\n"
    told = 100
    for _ in range(told):
        log.write(text)
    assert told * len(text) - path.stat().st_size <= MOST_WAITING
    log.close()
    assert path.read_bytes() == text * told

"""A log at a pipe or a socket: its reader may be late, slow or gone, and nobody waits for him."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.output.test_logfile import Clock, line
from tests.rights import NOBODY, needs_root, nobodys_folder
from vpi_tui.engine.log import open_log_file
from vpi_tui.engine.spec import LogSpec
from vpi_tui.model.errors import VpiError
from vpi_tui.output.logfile import MOST_WAITING, RETRY
from vpi_tui.output.logstream import LogStream, to_fifo, to_socket


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "eve.fifo")
    return tmp_path / "eve.fifo"


def reader_of(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def listener(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    made.listen()
    return made


def write(log: LogStream, *chosen: int) -> None:
    for number in chosen:
        log.write(line(number))
    log.flush()


def test_a_pipe_that_nobody_reads_ends_the_start_at_once(fifo: Path) -> None:
    with pytest.raises(VpiError, match="is a pipe that nobody reads") as caught:
        open_log_file(LogSpec(str(fifo)), None)
    assert caught.value.hint == f"Start its reader first, such as: cat {fifo}"


@needs_root
def test_nor_does_it_hold_up_root(fifo: Path) -> None:
    with pytest.raises(VpiError, match="is a pipe that nobody reads"):
        open_log_file(LogSpec(str(fifo)), (NOBODY, NOBODY))
    reader = reader_of(fifo)
    log = open_log_file(LogSpec(str(fifo)), (NOBODY, NOBODY))
    assert isinstance(log, LogStream)
    write(log, 1)
    assert os.read(reader, 100) == line(1)
    log.close()
    os.close(reader)


@needs_root
@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
@pytest.mark.parametrize("filetype", ["regular", "unix_stream"])
def test_root_takes_no_link_that_others_have_put_there(
    tmp_path: Path, put: Callable[[Path, Path], None], filetype: str
) -> None:
    target, theirs = tmp_path / "target", tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    with ExitStack() as stack:
        if filetype == "regular":
            os.mkfifo(target)
            stack.callback(os.close, reader_of(target))
        else:
            stack.enter_context(listener(target))
        put(theirs / "eve", target)
        with pytest.raises(VpiError, match="others than root can write"):
            open_log_file(LogSpec(str(theirs / "eve"), filetype=filetype), (NOBODY, NOBODY))


@needs_root
def test_root_waits_for_a_socket_and_makes_no_directory_for_it(tmp_path: Path) -> None:
    log = to_socket(tmp_path / "away" / "eve.sock", Clock(), (NOBODY, NOBODY))
    assert "Start its reader" in log.alarm
    assert not (tmp_path / "away").exists()
    with listener(tmp_path / "eve.sock") as server:
        log = to_socket(tmp_path / "eve.sock", Clock(), (NOBODY, NOBODY))
        write(log, 1)
        with server.accept()[0] as reader:
            assert reader.recv(100) == line(1)
    log.close()


def test_a_file_in_the_place_of_the_pipe_is_not_written_over(fifo: Path) -> None:
    reader = reader_of(fifo)
    log = to_fifo(fifo, Clock(), None)
    fifo.unlink()
    fifo.write_bytes(b"of somebody else")
    write(log, 1)
    log.reopen()
    write(log, 2)
    assert fifo.read_bytes() == b"of somebody else"
    assert "it is no pipe" in log.alarm
    assert "mkfifo" in log.alarm
    log.close()
    os.close(reader)


def test_a_file_in_the_place_of_a_socket_is_told(tmp_path: Path) -> None:
    (tmp_path / "eve.sock").touch()
    assert "it is no socket" in to_socket(tmp_path / "eve.sock", Clock(), None).alarm


def test_a_socket_may_have_a_longer_name_than_bind_takes(tmp_path: Path) -> None:
    with listener(tmp_path / "short") as server:
        path = (tmp_path / "short").rename(tmp_path / ("x" * 200))
        log = to_socket(path, Clock(), None)
        assert not os.get_blocking(log._fd)
        write(log, 1)
        log.close()
        assert server.accept()[0].recv(100) == line(1)


def test_a_socket_that_this_user_may_not_write_says_so() -> None:
    with nobodys_folder() as folder, listener(folder / "eve.sock"):
        (folder / "eve.sock").chmod(0)
        assert (
            "Let the sensor's user (--user) write it" in to_socket(folder / "eve.sock", Clock(), None).alarm
        )


def test_a_reader_that_stalls_at_the_end_has_a_second_and_each_lost_line_counts_once(fifo: Path) -> None:
    reader = reader_of(fifo)
    log, text = to_fifo(fifo, time.monotonic, None), b"x" * 999 + b"\n"
    for _ in range(100):
        log.write(text)
    began = time.monotonic()
    log.close()
    assert 0.9 < time.monotonic() - began < 5
    whole = _read(reader).count(b"\n")
    assert log.lost == 100 - whole
    os.close(reader)


def test_a_pipe_with_a_reader_gets_whole_lines(fifo: Path) -> None:
    reader = reader_of(fifo)
    log = to_fifo(fifo, Clock(), None)
    write(log, 1, 2)
    assert os.read(reader, 100) == line(1) + line(2)
    log.close()
    assert (log.lost, log.alarm) == (0, "")
    os.close(reader)


def test_a_slow_reader_is_not_waited_for_and_gets_what_waits(fifo: Path) -> None:
    reader = reader_of(fifo)
    log, text = to_fifo(fifo, Clock(), None), b"x" * 9_999 + b"\n"
    told = 2 * MOST_WAITING // len(text)
    for _ in range(told):
        log.write(text)
        log.flush()
    assert 0 < log.lost < told
    assert "read too slowly" in log.alarm
    got = b""
    while piece := _read(reader):
        got += piece
        log.flush()
    assert got == text * (told - log.lost)
    assert log.alarm == ""
    log.close()
    os.close(reader)


def test_of_a_burst_between_two_flushes_a_quick_reader_gets_nearly_all(fifo: Path) -> None:
    reader = reader_of(fifo)
    log, text = to_fifo(fifo, Clock(), None), b"x" * 9_999 + b"\n"
    told, got = 3 * MOST_WAITING // len(text), b""
    for _ in range(told):
        log.write(text)
        got += _read(reader)
    log.flush()
    while piece := _read(reader):
        got += piece
        log.flush()
    assert 50 * log.lost < told
    assert got == text * (told - log.lost)
    log.close()
    os.close(reader)


def test_the_next_reader_begins_with_a_whole_line(fifo: Path) -> None:
    clock, reader = Clock(), reader_of(fifo)
    log, text = to_fifo(fifo, clock, None), b"x" * 99_999 + b"\n"
    log.write(text)
    log.write(line(1))
    log.flush()
    os.close(reader)
    log.flush()
    assert "Nobody reads" in log.alarm
    reader = reader_of(fifo)
    log.flush()
    assert "Nobody reads" in log.alarm, "it is not time"
    clock.now += RETRY
    write(log, 2)
    assert os.read(reader, 100) == line(1) + line(2)
    assert (log.lost, log.alarm) == (1, "")
    log.close()
    os.close(reader)


def test_a_reader_need_not_notice_that_the_log_is_reopened(fifo: Path) -> None:
    reader = reader_of(fifo)
    log, text = to_fifo(fifo, Clock(), None), b"x" * 299_999 + b"\n"
    log.write(text)
    log.flush()  # no pipe holds as much
    log.reopen()
    got = b""
    while piece := _read(reader):
        got += piece
        log.flush()
    assert (got, log.lost) == (text, 0)
    log.close()
    os.close(reader)


def test_a_pipe_that_was_made_anew_is_found_by_reopening(fifo: Path) -> None:
    old = reader_of(fifo)
    log = to_fifo(fifo, Clock(), None)
    fifo.rename(fifo.with_name("old"))
    os.mkfifo(fifo)
    reader = reader_of(fifo)
    log.reopen()
    write(log, 1)
    assert os.read(reader, 100) == line(1)
    log.close()
    os.close(reader)
    os.close(old)


def test_what_nobody_came_for_is_lost(fifo: Path) -> None:
    reader = reader_of(fifo)
    log = to_fifo(fifo, Clock(), None)
    os.close(reader)
    write(log, 1, 2)
    log.close()
    assert log.lost == 2


def test_a_socket_may_be_listened_at_later(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "eve.sock"
    log = to_socket(path, clock, None)
    assert "Nobody reads" in log.alarm
    write(log, 1)
    with listener(path) as server:
        clock.now += RETRY
        write(log, 2)
        with server.accept()[0] as reader:
            assert reader.recv(100) == line(1) + line(2)
        assert (log.lost, log.alarm) == (0, "")
        write(log, 3)
        assert "Nobody reads" in log.alarm
        log.reopen()
        with server.accept()[0] as reader:
            assert reader.recv(100) == line(3)
    log.close()


def test_the_setting_says_that_it_is_a_socket(tmp_path: Path) -> None:
    with listener(tmp_path / "eve.sock") as server:
        log = open_log_file(LogSpec(str(tmp_path / "eve.sock"), filetype="unix_stream"), None)
        assert isinstance(log, LogStream)
        write(log, 1)
        log.close()
        assert server.accept()[0].recv(100) == line(1)


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 1 << 16)
    except BlockingIOError:
        return b""

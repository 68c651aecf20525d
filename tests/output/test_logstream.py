"""A log at a pipe or a socket: its reader may be late, slow or gone, and nobody waits for him."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.output.test_logfile import Clock, line
from tests.rights import NOBODY
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
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


def test_the_next_reader_begins_with_a_whole_line(fifo: Path) -> None:
    clock, reader = Clock(), reader_of(fifo)
    log, text = to_fifo(fifo, clock, None), b"x" * 99_999 + b"\n"
    log.write(text)
    log.write(line(1))
    log.flush()
    os.close(reader)
    log.flush()
    assert "Nobody reads" in log.alarm
    clock.now += RETRY
    reader = reader_of(fifo)
    write(log, 2)
    assert os.read(reader, 100) == line(1) + line(2)
    assert (log.lost, log.alarm) == (1, "")
    log.close()
    os.close(reader)


def test_what_nobody_came_for_is_lost(fifo: Path) -> None:
    reader = reader_of(fifo)
    log = to_fifo(fifo, Clock(), None)
    os.close(reader)
    write(log, 1, 2)
    log.close()
    assert log.lost == 2


def test_a_socket_may_be_listened_at_later(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "eve.sock"
    log = to_socket(path, clock)
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

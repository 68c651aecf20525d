"""Capture files: what they hold comes out, whole packets first, then what is wrong."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import time
from pathlib import Path

import pytest

from tests.capture import builders as build
from tests.capture.builders import Frame, fault_of, naive, read_all
from tests.rights import nobodys_folder
from vpi_tui.capture.files import FileSource
from vpi_tui.capture.unreadable import no_capture
from vpi_tui.model.errors import CaptureError

FRAMES = [
    Frame(1_700_000_000_123_456_000 + 7_000 * n, 60 + n, 1, 0, bytes([n]) * (n * 5 % 61)) for n in range(40)
]


def write(tmp_path: Path, data: bytes) -> FileSource:
    path = tmp_path / "capture"
    path.write_bytes(data)
    return FileSource(path)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("magic", [build.US, build.NS, build.MODIFIED])
def test_all_kinds_of_pcap(tmp_path: Path, magic: int, big: bool) -> None:
    source = write(tmp_path, build.pcap(FRAMES, magic=magic, big=big))
    assert read_all(source) == FRAMES
    assert source.error is None
    assert source.exhausted


def test_nanoseconds_are_kept(tmp_path: Path) -> None:
    frame = Frame(1_700_000_000_123_456_789, 60, 1, 0, b"x" * 60)
    assert read_all(write(tmp_path, build.pcap([frame], magic=build.NS))) == [frame]


@pytest.mark.parametrize(
    ("network", "link_type"), [(1, 1), (113, 113), (12, 101), (14, 101), (0x2400_0001, 1)]
)
def test_link_type_without_checksum_bits(tmp_path: Path, network: int, link_type: int) -> None:
    frames = read_all(write(tmp_path, build.pcap(FRAMES[:2], network=network)))
    assert {frame.link_type for frame in frames} == {link_type}


def test_length_is_never_less_than_what_was_captured(tmp_path: Path) -> None:
    frames = read_all(write(tmp_path, build.pcap(FRAMES, lengths=3)))
    assert [frame.length for frame in frames] == [max(3, len(frame.data)) for frame in FRAMES]


def test_many_small_batches_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(build.pcap(FRAMES))
    for max_packets, refill in ((1, 1), (3, 17), (7, 64), (1000, 100)):
        assert read_all(FileSource(path, max_packets=max_packets, refill_bytes=refill)) == FRAMES


def test_larger_than_the_buffer(tmp_path: Path) -> None:
    frames = [Frame(n * 1000, 200_000, 1, 0, bytes([n]) * 200_000) for n in range(30)]
    source = write(tmp_path, build.pcap(frames))
    assert read_all(source) == frames
    assert source.position() == (30 * 200_016 + 24, 30 * 200_016 + 24)


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 75])
def test_truncated_gives_whole_packets_then_the_offset(tmp_path: Path, cut: int) -> None:
    data = build.pcap(FRAMES)
    expected = naive(data[:-cut])
    assert expected is not None
    source = write(tmp_path, data[:-cut])
    assert read_all(source) == expected.frames
    assert source.error is not None
    assert source.error.offset == expected.fault_at
    assert str(expected.fault_at) in str(source.error)


def test_absurd_caplen_is_a_fault_with_its_offset(tmp_path: Path) -> None:
    data = build.pcap(FRAMES[:3])
    broken = data + b"\0" * 8 + b"\xff\xff\xff\x7f" * 2 + b"\0" * 400_000
    source = write(tmp_path, broken)
    assert read_all(source) == FRAMES[:3]
    assert source.error is not None
    assert source.error.offset == len(data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty"),
        (b"\xd4\xc3", "d4 c3"),
        (b"\xd4\xc3\xb2\xa1" + b"\0" * 19, "is cut off within its header, after 23 bytes"),
        (b"%PDF-1.7 is another thing", "25 50 44 46 2d 31 2e 37"),
        (gzip.compress(b"hello world", mtime=0), "68 65 6c 6c 6f"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, text: str) -> None:
    with pytest.raises(CaptureError) as caught:
        write(tmp_path, data).open()
    assert text in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_what_is_supported_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"Supported: pcap .*pcapng.*gzip"):
        write(tmp_path, b"nonsense").open()


@pytest.mark.parametrize(
    ("data", "step"),
    [
        (b"", "Is it still being written?"),
        (b"\xd4\xc3\xb2\xa1" + b"\0" * 19, "If it is a copy, copy it again."),
        (b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + b"\0" * 20, "If it is a copy, copy it again."),
        (b"10:01:02 IP a > b", "It looks like text"),
        (b"a\n", "It looks like text"),
        (b"PK\x03\x04" + b"\0" * 30, "Unpack it: unzip -p {} | vpi-tui scan -"),
        (bz2.compress(b"packets"), "Unpack it: bzip2 -dc {} |"),
        (lzma.compress(b"packets"), "Unpack it: xz -dc {} |"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 20, "editcap -F pcapng {} NEW.pcapng"),
    ],
)
def test_what_is_no_capture_comes_with_the_next_step(tmp_path: Path, data: bytes, step: str) -> None:
    source = write(tmp_path, data)
    _, error = fault_of(source)
    assert error is not None
    assert step.format(tmp_path / "capture") in error.hint


def test_what_comes_from_standard_input_is_unpacked_from_a_file() -> None:
    assert "unzip -p FILE |" in no_capture("-", "standard input", b"PK\x03\x04").hint


@pytest.mark.parametrize(
    ("path", "step"),
    [("/dev", "such as /dev/*.pcap."), ("/dev/zero", "`vpi-tui live` watches"), ("/none", "Check the path")],
)
def test_what_is_no_file_comes_with_the_next_step(path: str, step: str) -> None:
    with pytest.raises(CaptureError) as caught:
        FileSource(path).open()
    assert step in caught.value.hint


def test_things_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        FileSource(tmp_path / "none").open()
    with pytest.raises(CaptureError, match="is a directory"):
        FileSource(tmp_path).open()
    with pytest.raises(CaptureError, match="is a device"):
        FileSource("/dev/zero").open()
    with pytest.raises(CaptureError, match="cannot be read"):
        FileSource("a\0b").open()


def test_permission_denied() -> None:
    with nobodys_folder() as folder:
        source = write(folder, build.pcap(FRAMES))
        source.open()
        source.close()
        (folder / "capture").chmod(0)
        with pytest.raises(CaptureError, match="Permission denied"):
            FileSource(folder / "capture").open()


def test_close_ends_it(tmp_path: Path) -> None:
    source = write(tmp_path, build.pcap(FRAMES))
    source.open()
    source.close()
    source.close()
    assert source.exhausted
    assert source.read(0) is None


class TestGzip:
    def test_members_one_after_the_other(self, tmp_path: Path) -> None:
        data = build.pcap(FRAMES)
        packed = gzip.compress(data[:500]) + gzip.compress(b"") + gzip.compress(data[500:]) + b"\0" * 512
        assert read_all(write(tmp_path, packed)) == FRAMES

    def test_dribble(self, tmp_path: Path) -> None:
        path = tmp_path / "capture.gz"
        path.write_bytes(gzip.compress(build.pcap(FRAMES)))
        assert read_all(FileSource(path, refill_bytes=5)) == FRAMES

    def test_cut_off(self, tmp_path: Path) -> None:
        packed = gzip.compress(build.pcap(FRAMES), 0)
        source = write(tmp_path, packed[:-600])
        frames = read_all(source)
        assert frames == FRAMES[: len(frames)]
        assert 0 < len(frames) < len(FRAMES)
        assert source.error is not None
        assert source.error.offset == len(packed) - 600
        assert "cut off" in str(source.error)

    def test_corrupt(self, tmp_path: Path) -> None:
        packed = bytearray(gzip.compress(build.pcap(FRAMES)))
        packed[-6] ^= 0xFF
        source = write(tmp_path, bytes(packed))
        _, error = fault_of(source)
        assert error is not None
        assert "corrupt" in str(error)


class TestPipes:
    def test_packets_come_as_they_arrive(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        data = build.pcap(FRAMES[:3])
        source = FileSource(fifo)
        source.open()
        assert source.read(0.01) is None, "nobody writes yet, and that is no end"
        writer = os.open(fifo, os.O_WRONLY)
        os.write(writer, data[:30])
        assert source.read(0.01) is None
        assert not source.exhausted
        os.write(writer, data[30:-1])
        batch = source.read(1)
        assert batch is not None
        assert len(batch.offset) == 2
        os.write(writer, data[-1:])
        batch = source.read(1)
        assert batch is not None
        assert batch.caplen.tolist() == [len(FRAMES[2].data)]
        os.close(writer)
        assert source.read(1) is None
        assert source.exhausted
        assert source.error is None
        source.close()

    def test_a_reader_is_woken_by_bytes(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        source = FileSource(fifo)
        source.open()
        threading.Timer(0.05, lambda: fifo.write_bytes(build.pcap(FRAMES))).start()
        started = time.monotonic()
        batch = source.read(30)
        assert batch is not None
        assert time.monotonic() - started < 20
        source.close()

    def test_nonsense_in_a_pipe(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        source = FileSource(fifo)
        source.open()
        writer = os.open(fifo, os.O_WRONLY)
        os.write(writer, b"ssh: connect to host x port 22: refused")
        assert source.read(1) is None
        assert source.exhausted
        assert "73 73 68" in str(source.error)
        os.close(writer)
        source.close()

    def test_gzip_in_a_pipe(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        source = FileSource(fifo)
        threading.Thread(target=lambda: fifo.write_bytes(gzip.compress(build.pcap(FRAMES)))).start()
        assert read_all(source) == FRAMES

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "capture").write_bytes(build.pcap(FRAMES))
        saved = os.dup(0)
        fd = os.open(tmp_path / "capture", os.O_RDONLY)
        try:
            os.dup2(fd, 0)
            source = FileSource("-")
            assert read_all(source) == FRAMES
            assert source.describe() == "standard input"
            assert os.fstat(0)
        finally:
            os.dup2(saved, 0)
            os.close(saved)
            os.close(fd)


def test_the_next_step_can_be_copied_whatever_the_file_is_called() -> None:
    hint = no_capture("a b.zip", "a b.zip", b"PK\x03\x04").hint
    assert hint == "Unpack it: unzip -p 'a b.zip' | vpi-tui scan -"

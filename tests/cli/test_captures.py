"""Capture files by name, and those of a directory."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import pytest

from vpi_tui.cli.captures import capture_files
from vpi_tui.model.errors import ConfigError

PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
PCAPNG = b"\x0a\x0d\x0d\x0a" + bytes(24)


def written(folder: Path, name: str, data: bytes, at: float) -> str:
    path = folder / name
    path.write_bytes(data)
    os.utime(path, (at, at))
    return str(path)


def test_a_directory_is_its_captures_the_oldest_first(tmp_path: Path) -> None:
    """As a rotating tcpdump writes them: names tell no order."""
    ninth = written(tmp_path, "x.pcap9", PCAP, 100.0)
    tenth = written(tmp_path, "x.pcap10", PCAP, 200.0)
    packed = written(tmp_path, "before.gz", gzip.compress(PCAP), 50.0)
    same = written(tmp_path, "x.pcapng", PCAPNG, 200.0)
    written(tmp_path, "eve.json", b"{}", 60.0)
    written(tmp_path, "empty.pcap", b"", 60.0)
    written(tmp_path, ".x.pcap.swp", PCAP, 60.0)
    (tmp_path / "inside").mkdir()
    written(tmp_path / "inside", "deep.pcap", PCAP, 60.0)
    os.mkfifo(tmp_path / "waits")
    assert capture_files([str(tmp_path)]) == (packed, ninth, tenth, same)
    assert capture_files([tenth, "-", str(tmp_path)]) == (tenth, "-", packed, ninth, tenth, same)


def test_a_directory_without_captures_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, "notes.txt", b"no capture", 1.0)
    with pytest.raises(ConfigError, match="No file in the directory"):
        capture_files([str(tmp_path)])


def test_a_file_is_taken_by_name_whatever_is_in_it(tmp_path: Path) -> None:
    """That it is none is told when it is read, with what it is instead."""
    name = written(tmp_path, "notes.txt", b"no capture", 1.0)
    assert capture_files([name]) == (name,)
    with pytest.raises(ConfigError, match="There is no capture file"):
        capture_files([name + "2"])


def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    """Nobody is to take a part of the evidence for all of it."""
    gone = tmp_path / "gone.pcap"
    gone.symlink_to("/proc/self/mem")
    with pytest.raises(ConfigError, match=r"gone\.pcap cannot be read: "):
        capture_files([str(tmp_path)])

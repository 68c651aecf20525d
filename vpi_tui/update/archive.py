"""Rule files out of a tar.gz, a zip or a plain .rules file, within bounds; nothing else of it is written."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from vpi_tui.model.errors import VpiError

MAX_FILES: Final = 2_000
MAX_TOTAL: Final = 512 << 20
"""Bytes of all files unpacked; the largest public set has 40 MB."""
WANTED: Final = frozenset((".rules", ".config", ".lst", ".csv", ".json", ".txt"))
"""Suffixes of rules and of what rules refer to: classes, datasets, lists of hashes."""


def unpack(data: bytes, name: str) -> dict[str, bytes]:
    """File name (without folders) to content. name: of the archive, for errors. Raises VpiError."""
    try:
        found = _collect(_members(data))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise VpiError(f"{name} is no archive that can be read: {error}.") from error
    except (RuntimeError, ValueError) as error:  # zipfile: encrypted, or a method it has not
        raise VpiError(f"{name} cannot be unpacked: {error}.") from error
    if not any(file.endswith(".rules") for file in found):
        raise VpiError(f"{name} holds no .rules file.")
    return found


def read_local(path: Path) -> dict[str, bytes]:
    """The rule files of a directory, or one file: rules, or an archive of them. Raises VpiError."""
    try:
        if path.is_dir():
            files = [one for one in sorted(path.iterdir()) if one.suffix in WANTED and one.is_file()]
            return {one.name: one.read_bytes() for one in files[:MAX_FILES]}
        data = path.read_bytes()
    except OSError as error:
        raise VpiError(f"{path} cannot be read: {error.strerror}.") from error
    return {path.name: data} if path.suffix == ".rules" else unpack(data, str(path))


def _members(data: bytes) -> Iterator[tuple[str, int, io.BufferedIOBase]]:
    """(path, size, open file) of every plain file."""
    stream = io.BytesIO(data)
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, archive.open(info)  # type: ignore[misc]
        return
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:*") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, member.size, file  # type: ignore[misc]


def _collect(members: Iterator[tuple[str, int, io.BufferedIOBase]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = MAX_TOTAL
    for count, (path, size, file) in enumerate(members):
        if count >= MAX_FILES:
            raise VpiError(f"The archive holds more than {MAX_FILES:,} files.")
        name = PurePosixPath(path.replace("\\", "/")).name  # folders of an archive are never followed
        if PurePosixPath(name).suffix not in WANTED or name.startswith("."):
            continue
        content = file.read(min(size, room) + 1)
        room -= len(content)
        if room < 0 or len(content) > size:
            raise VpiError(f"The archive unfolds into more than {MAX_TOTAL >> 20} MiB.")
        found[name] = content
    return found

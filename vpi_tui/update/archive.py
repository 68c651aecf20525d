"""Rule files out of a tar.gz, a zip, or as they are, within bounds; nothing else of it is written."""

from __future__ import annotations

import io
import lzma
import re
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
_RULE: Final = re.compile(
    rb"^(?:\xef\xbb\xbf)?[#\s]*(?:alert|config|drop|pass|reject\w*)\s[^(\n]*\(", re.I | re.M
)


def unpack(data: bytes, name: str, alone: str = "") -> dict[str, bytes]:
    """File name (without folders) to content. Raises VpiError.

    name: of the archive, for errors. alone: what data is called if it is no archive but a file of rules.
    """
    if not _is_archive(data):
        if not _RULE.search(data):
            start = data[:40].decode("utf-8", "backslashreplace")
            raise VpiError(f"{name} is neither an archive nor a file of rules: it begins with {start!r}.")
        return {alone if alone.endswith(".rules") else f"{alone or name}.rules": data}
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


def _is_archive(data: bytes) -> bool:
    """Also one that is cut off: what begins as an archive is one."""
    stream = io.BytesIO(data)
    if zipfile.is_zipfile(stream) or data.startswith((b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return True
    stream.seek(0)
    try:
        tarfile.open(fileobj=stream, mode="r:").close()
    except tarfile.TarError:
        return False
    return True


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
        # Files of rules of one name, from several folders, become one file: none hides another.
        both = name in found and name.endswith(".rules")
        found[name] = found[name] + b"\n" + content if both else content
    return found

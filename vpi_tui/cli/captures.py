"""Names of capture files, as commands take them."""

from __future__ import annotations

from pathlib import Path

from vpi_tui.cli.order import existing
from vpi_tui.model.errors import ConfigError

MEANT = "pcap or pcapng, also with gzip; a directory = the captures in it, oldest first; - = standard input"


def capture_files(names: list[str]) -> tuple[str, ...]:
    """Absolute paths; "-" stays, a directory becomes the captures in it.

    Raises ConfigError for a file that is not there, and for a directory without captures.
    """
    found: list[str] = []
    for name in names:
        if name == "-":
            found.append(name)
            continue
        path = Path(existing((name,), "capture file")[0])
        found += map(str, _captures_in(path)) if path.is_dir() else (str(path),)
    return tuple(found)


def _captures_in(folder: Path) -> list[Path]:
    """As Suricata has it: the file that was written last comes last. What is no capture is left out."""
    from vpi_tui.capture.bytestreams import GZIP_MAGIC  # takes a second to load, for this alone
    from vpi_tui.capture.files import MAGICS

    magics = (GZIP_MAGIC, *(magic.first for magic in MAGICS))

    def is_capture(path: Path) -> bool:
        if path.name.startswith(".") or not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(max(map(len, magics))).startswith(magics)

    found, path = [], folder
    try:
        for path in folder.iterdir():
            if is_capture(path):
                found.append((path.stat().st_mtime_ns, path.name, path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    captures = [path for _, _, path in sorted(found)]
    if not captures:
        raise ConfigError(
            f"No file in the directory {folder} is a capture.",
            hint="pcap and pcapng are read, also with gzip; directories within it are not looked into.",
        )
    return captures

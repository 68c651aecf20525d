"""Which files a set of rules was made of, and what was in them: that says whether it may be used again."""

from __future__ import annotations

import stat
from hashlib import blake2b
from pathlib import Path
from typing import Final

RULE_FILES: Final = frozenset({".rules", ".yaml", ".yml"})
_PIECE: Final = 1 << 20


class Inputs:
    """Stamps by path."""

    def __init__(self) -> None:
        self.stamps: dict[str, str] = {}

    def note(self, path: Path) -> None:
        """To be called before the path is read: what changes in between then differs from its stamp."""
        if str(path) not in self.stamps:  # many rules name one long list
            self.stamps[str(path)] = stamp_of(path)


def unchanged(stamps: dict[str, str]) -> bool:
    """Is everything as it was?"""
    return all(stamp_of(Path(path)) == stamp for path, stamp in stamps.items())


def rule_files_in(directory: Path) -> list[Path]:
    """Raises OSError."""
    return sorted(path for path in directory.iterdir() if path.suffix.lower() in RULE_FILES)


def stamp_of(path: Path) -> str:
    """Digest of a file's bytes, or of the names of a directory's rule files; else why it cannot be read."""
    digest = blake2b(digest_size=16)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            digest.update("\0".join(map(str, rule_files_in(path))).encode("utf-8", "surrogateescape"))
        elif stat.S_ISREG(mode):
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
        else:
            return ""
    except (OSError, ValueError) as error:
        return f"error {getattr(error, 'errno', 0)}"
    return digest.hexdigest()

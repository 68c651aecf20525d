"""Root's way to a place that others may have prepared: no link of theirs is followed.

Whom the sensor becomes may have been here before, and may have put a link in the place of any directory that
is his. So the way is walked from / on, one directory at a time, each opened from the one before it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_STEP: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS: Final = 40
"""As many as the kernel follows."""
OTHERS_LINK: Final = "is a link in a directory that others than root can write"


@contextmanager
def opened(directory: Path, owner: tuple[int, int] | None) -> Iterator[int]:
    """A descriptor of the directory. When it is not there it is made, the owner's; those above it are root's.

    directory: absolute. owner: None = it has to be there. Raises OSError.
    """
    at = os.open("/", _STEP)
    try:
        left, links = list(reversed(directory.parts[1:])), 0
        while left:
            part = left.pop()
            target = _link(part, at)
            if target is None:
                entered = _entered(part, at) if owner is None else _made(part, at, None if left else owner)
                at = _replaced(at, entered)
                continue
            links += 1
            if links > _MOST_LINKS or is_others(at):
                raise OSError(errno.ELOOP, f"{part} {OTHERS_LINK}")
            left += reversed([one for one in target.parts if one != "/"])
            if target.is_absolute():
                at = _replaced(at, os.open("/", _STEP))
        yield at
    finally:
        os.close(at)


def is_others(directory: int) -> bool:
    """May others than root put something there?"""
    found = os.fstat(directory)
    return found.st_uid != 0 or bool(found.st_mode & 0o022)


def entry(name: str, flags: int, directory: int) -> int:
    """A descriptor of what lies there, as O_CREAT makes it for its owner and group.

    Raises OSError, also for a link or a further name of something that others could have put there.
    """
    if not is_others(directory):
        return os.open(name, flags, 0o640, dir_fd=directory)
    try:
        fd = os.open(name, flags | os.O_NOFOLLOW, 0o640, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, f"it {OTHERS_LINK}") from None
        raise
    found = os.fstat(fd)
    if stat.S_ISLNK(found.st_mode):  # O_PATH opens the link itself
        os.close(fd)
        raise OSError(errno.ELOOP, f"it {OTHERS_LINK}")
    if found.st_nlink > 1:
        os.close(fd)
        raise OSError(errno.EMLINK, "it has another name too, and others than root can write its directory")
    return fd


def there(path: Path, flags: int) -> int:
    """Likewise, of what is there already. path: absolute."""
    with opened(path.parent, None) as directory:
        return entry(path.name, flags, directory)


def give(fd: int, owner: tuple[int, int]) -> None:
    """And close it."""
    try:
        os.fchown(fd, *owner)
    finally:
        os.close(fd)


def _link(part: str, at: int) -> Path | None:
    """Where it leads; None = it is no link, or nothing."""
    try:
        found = os.stat(part, dir_fd=at, follow_symlinks=False)
        return Path(os.readlink(part, dir_fd=at)) if stat.S_ISLNK(found.st_mode) else None
    except FileNotFoundError:
        return None


def _entered(part: str, at: int) -> int:
    return os.open(part, _STEP, dir_fd=at)


def _made(part: str, at: int, owner: tuple[int, int] | None) -> int:
    """The directory of that name, made where there is none. owner: of one that is made; None = root."""
    try:
        return _entered(part, at)
    except FileNotFoundError:
        os.mkdir(part, dir_fd=at)
    if owner is not None:
        give(os.open(part, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at), owner)
    return _entered(part, at)


def _replaced(old: int, new: int) -> int:
    os.close(old)
    return new

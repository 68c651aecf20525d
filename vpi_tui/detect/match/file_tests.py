"""The keywords about a file as a whole: filesize, filemd5 ..."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from vpi_tui.detect.applayer.files import DIGESTS, File, FileState
from vpi_tui.model.signature import FileTest


def tests_hold(tests: Iterable[FileTest], file: File, is_open: bool) -> bool:
    """Do all tests hold of this file, as far as it has come? What is not known yet holds for nothing.

    is_open: whether it was, though it may have been closed since.
    """
    return all(not (is_open and test.kind in _OF_WHOLE) and _TESTS[test.kind](test, file) for test in tests)


def is_undecided(tests: Iterable[FileTest], file: File, is_open: bool) -> bool:
    """May it still become known whether they hold of this file?"""
    return any(
        test.kind in _OF_WHOLE and (is_open or (test.kind in DIGESTS and test.kind not in file.digests))
        for test in tests
    )


def _size(test: FileTest, file: File) -> bool:
    """Of a file that is cut only that it is larger can be said: it would go on. As in Suricata that it is not
    of some size holds for none that is cut."""
    size = file.size if test.mask is None else file.size & test.mask
    inside = any(low <= size <= high for low, high in test.spans)
    if file.state is FileState.CLOSED:
        return inside
    return inside and test.mask is None and len(test.spans) == 1 and test.spans[0][1] >= _LARGEST


def _digest(test: FileTest, file: File) -> bool:
    digest = file.digests.get(test.kind)
    known = test.digests if test.listed is None else test.listed
    return digest is not None and (digest in known) != test.negated


def _any(_test: FileTest, _file: File) -> bool:
    return True


_OF_WHOLE: Final = frozenset(("size", *DIGESTS))
"""Of a file that is open they hold for nothing."""
_LARGEST: Final = (1 << 64) - 1
_TESTS: Final[dict[str, Callable[[FileTest, File], bool]]] = {
    "size": _size,
    "any": _any,
    **dict.fromkeys(DIGESTS, _digest),
}

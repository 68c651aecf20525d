"""HTTP/1: where the lines and the head of a response end, against the rules written down plainly."""

from __future__ import annotations

from itertools import product

from vpi_tui.detect.applayer.http import ends


def end_here(data: bytes, at: int) -> int:
    """Bytes of the line end that begins here; 0 = there is none, or it is not known yet."""
    crs = 0
    while data[at + crs : at + crs + 1] == b"\r":
        crs += 1
    behind = data[at + crs : at + crs + 1]
    if behind == b"\n":
        swapped = (
            not crs and data[at + 1 : at + 2] == b"\r" and data[at + 2 : at + 3] not in (b"", b"\r", b"\n")
        )
        return 2 if swapped else crs + 1
    return crs if behind else 0


def behind_line(data: bytes) -> int:
    return next((at + size for at in range(len(data)) if (size := end_here(data, at))), -1)


def behind_head(data: bytes) -> int:
    if size := end_here(data, 0):
        return size
    for at in range(len(data)):
        if not (size := end_here(data, at)):
            continue
        next_line = at + size
        if size := end_here(data, next_line):
            return next_line + size
        if data[next_line : next_line + 2] == b" \n" and data[next_line + 2 : next_line + 3] not in (
            b"",
            b"\n",
        ):
            return next_line + 2
    return -1


def test_ends_of_all_short_texts() -> None:
    for text in (bytes(letters) for size in range(8) for letters in product(b"\r\n a", repeat=size)):
        assert ends.response_line(bytearray(text), 0) == behind_line(text), text
        assert ends.head(bytearray(text), 0, of_response=True) == behind_head(text), text

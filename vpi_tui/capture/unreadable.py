"""What a file is that is no capture, as far as its first bytes tell, and what to do about it."""

from __future__ import annotations

import shlex
from typing import Final

from vpi_tui.model.errors import CaptureError

SUPPORTED: Final = "pcap (micro- and nanoseconds, both byte orders), pcapng, and either with gzip"
STDIN: Final = "-"
COPY_AGAIN: Final = "If it is a copy, copy it again."

_PACKED: Final = (
    (b"PK\x03\x04", "unzip -p"),
    (b"BZh", "bzip2 -dc"),
    (b"\xfd7zXZ\x00", "xz -dc"),
    (b"\x28\xb5\x2f\xfd", "zstd -dc"),
    (b"\x04\x22\x4d\x18", "lz4 -dc"),
    (b"7z\xbc\xaf\x27\x1c", "7z x -so"),
)
"""First bytes, and what writes to standard output what is inside."""
_TEXT: Final = frozenset((*range(32, 127), *b"\t\r\n"))


def empty(name: str) -> CaptureError:
    hint = "Is it still being written? `tcpdump -U -w FILE` writes each packet at once."
    return CaptureError(f"{name} is empty: no capture file.", hint=hint, offset=0)


def cut_within_header(name: str, size: int) -> CaptureError:
    what = f"{name} is cut off within its header, after {size} bytes: there is no packet in it."
    return CaptureError(what, hint=COPY_AGAIN, offset=0)


def no_capture(path: str, name: str, head: bytes) -> CaptureError:
    """head: the first bytes, at least one. name: what messages call the file."""
    what = f"{name} is no capture file: it starts with the bytes {head[:8].hex(' ')}. Supported: {SUPPORTED}."
    return CaptureError(what, hint=_next_step(path, head), offset=0)


def no_file(path: str, *, directory: bool) -> CaptureError:
    """path: of what is neither a regular file nor a pipe."""
    if directory:
        what, hint = "a directory", f"Name the files in it, such as {shlex.quote(path.rstrip('/'))}/*.pcap."
    else:
        what, hint = "a device", "Name a file or a pipe; `vpi-tui live` watches interfaces."
    return CaptureError(f"{path} is {what}, not a capture file.", hint=hint)


def _next_step(path: str, head: bytes) -> str:
    file = "FILE" if path == STDIN else shlex.quote(path)
    unpack = next((command for first, command in _PACKED if head.startswith(first)), "")
    if unpack:
        return f"Unpack it: {unpack} {file} | vpi-tui scan -"
    if _TEXT.issuperset(head):
        return "It looks like text: `tcpdump -w FILE` writes captures, `text2pcap` makes one of a hex dump."
    return f"If another program captured it: editcap -F pcapng {file} NEW.pcapng"

"""Runs a program whose output is wanted: within a time, within a size, without a terminal."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from typing import IO

from vpi_tui.model.errors import VpiError

MAX_OUTPUT = 32 << 20
MAX_COMPLAINT = 2_000
_PIECE = 1 << 16


def run(command: Sequence[str], seconds: float, *, partly: bool = False) -> str:
    """What the program printed. It gets no input and no terminal, so it can ask for no password.

    partly: what it printed counts although it failed, if it printed anything. Raises VpiError when it cannot
    be started, takes longer, prints more than MAX_OUTPUT, or fails; the message has its own last words.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except OSError as error:
        raise VpiError(f"{command[0]} cannot be started: {error.strerror or error}.") from error
    with process:
        try:
            output, complaint = _read(process, seconds, command[0])
        finally:
            process.kill()
    if process.returncode and not (partly and output):
        words = complaint.decode(errors="replace").strip() or f"it ended with status {process.returncode}"
        raise VpiError(f"{command[0]} failed: {words[-MAX_COMPLAINT:]}".rstrip(".") + ".")
    return output.decode(errors="replace")


def _read(process: subprocess.Popen[bytes], seconds: float, name: str) -> tuple[bytes, bytes]:
    """Both streams to their end, and the end of the process. Raises VpiError."""
    ends_at = time.monotonic() + seconds
    assert process.stdout is not None
    assert process.stderr is not None
    output, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, into in ((process.stdout, output), (process.stderr, complaint)):
            selector.register(stream, selectors.EVENT_READ, into)
        while selector.get_map():
            left = ends_at - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise _slow(name, seconds)
            for key, _ in ready:
                if not _take(key.fileobj, key.data):  # type: ignore[arg-type]
                    selector.unregister(key.fileobj)
            if len(output) > MAX_OUTPUT:
                raise VpiError(f"{name} printed more than {MAX_OUTPUT >> 20} MB.")
            del complaint[:-MAX_COMPLAINT]
    try:
        process.wait(max(ends_at - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise _slow(name, seconds) from None
    return bytes(output), bytes(complaint)


def _take(stream: IO[bytes], into: bytearray) -> int:
    piece = os.read(stream.fileno(), _PIECE)
    into += piece
    return len(piece)


def _slow(name: str, seconds: float) -> VpiError:
    return VpiError(f"{name} has not answered within {seconds:g} seconds.")

"""What rules know of a protocol: its parser, and the buffers of its transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME, File
from vpi_tui.detect.applayer.frame_names import frame_buffer, frames_of
from vpi_tui.detect.applayer.frames import Frame
from vpi_tui.detect.applayer.transaction import EVENTS, Stage, Transaction
from vpi_tui.model.batch import Direction

TO_SERVER: Final = 1 << Direction.TO_SERVER
TO_CLIENT: Final = 1 << Direction.TO_CLIENT
BOTH: Final = TO_SERVER | TO_CLIENT
"""Sets of directions, as bits 1 << Direction."""

Getter = Callable[[Any, int], Sequence[bytes]]
"""(transaction, direction) -> the instances of a buffer; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes of a transaction that rules look at."""

    name: str
    directions: int
    stage: Stage
    """From when on it is complete."""
    get: Getter
    of_frame: bool = False
    """Frames have it, other transactions do not."""
    grows: bool = False
    """Rules see it while it comes, in the windows of `Transaction.grown`; `get` gives what is still held."""


@dataclass(frozen=True, slots=True)
class Application:
    """One protocol. name: as in `alert NAME`; apps: what the flow table calls flows of it."""

    name: str
    apps: tuple[str, ...]
    transports: tuple[str, ...]
    parser: Callable[[Limits], Parser]
    buffers: dict[str, Buffer]
    takes_over: Callable[[Limits, Transaction], Parser] | None = None
    """A parser that begins with what the protocol before was asked; None = as for any flow."""
    after: tuple[str, ...] = ()
    """Protocols that a flow of this one may have begun as, so that they have to be followed too."""


HOOKS: Final = ("hook.request.head", "hook.request.done", "hook.response.head", "hook.response.done")
"""Buffers of no bytes that every protocol has: they say that a direction has come to a stage."""


def _hook_buffers() -> tuple[Buffer, ...]:
    places = [(side, stage) for side in (TO_SERVER, TO_CLIENT) for stage in (Stage.HEAD, Stage.DONE)]
    return tuple(
        Buffer(name, side, stage, lambda _found, _direction: (b"",))
        for name, (side, stage) in zip(HOOKS, places, strict=True)
    )


def _events(transaction: Transaction, direction: int) -> Sequence[bytes]:
    found = transaction.told[direction]
    return [name.encode("ascii") for name in found] if found else ()


def application(
    name: str,
    parser: Callable[[Limits], Parser],
    buffers: Iterable[Buffer],
    *,
    apps: tuple[str, ...] = (),
    transports: tuple[str, ...] = ("tcp",),
    files: int = 0,
    takes_over: Callable[[Limits, Transaction], Parser] | None = None,
    after: tuple[str, ...] = (),
) -> Application:
    """An Application whose flows are called as itself unless said otherwise.

    files: the directions in which its transactions carry files, which gives it their buffers.
    """
    common = Buffer(EVENTS, BOTH, Stage.DONE, _events)
    of_files = _file_buffers(files) if files else ()
    known = {
        buffer.name: buffer
        for buffer in (*of_files, *buffers, common, *_hook_buffers(), *_frame_buffers(name))
    }
    return Application(name, apps or (name,), transports, parser, known, takes_over, after)


def _file_buffers(directions: int) -> tuple[Buffer, ...]:
    def of(get: Callable[[File], bytes]) -> Getter:
        return lambda found, direction: [
            data for file in found.files if file.direction == direction and (data := get(file))
        ]

    return (
        Buffer(FILE, directions, Stage.HEAD, lambda _found, _direction: (), grows=True),
        Buffer(FILE_NAME, directions, Stage.HEAD, of(lambda file: file.name), grows=True),
        Buffer(FILE_DATA, directions, Stage.HEAD, of(lambda file: file.tail()), grows=True),
    )


def _frame_buffers(protocol: str) -> list[Buffer]:
    def buffer(name: str) -> Buffer:
        def get(found: Transaction, direction: int) -> Sequence[bytes]:
            if isinstance(found, Frame) and found.name == name and found.stage[direction]:
                return (found.data,)
            return ()

        return Buffer(frame_buffer(protocol, name), BOTH, Stage.DONE, get, of_frame=True)

    return [buffer(name) for name in frames_of(protocol)]


def instances(buffer: Buffer, transaction: Transaction, direction: int) -> Sequence[bytes]:
    """The buffer's bytes, made once for a stage (the matcher drops what later stages change)."""
    if transaction.is_frame and not buffer.of_frame:
        return ()
    key = (buffer.name, direction)
    found = transaction.cache.get(key)
    if found is None:
        found = transaction.cache[key] = buffer.get(transaction, direction)
    return found

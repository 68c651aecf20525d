"""Commands of SMB 2 and 3. Source: MS-SMB2 2.2."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from vpi_tui.detect.applayer.smb.headers import (
    BUFFER_OVERFLOW,
    SMB2_HEADER,
    SUCCESS,
    Fields,
    MalformedError,
    Message,
    text,
)
from vpi_tui.detect.applayer.smb.smb1 import MOST_DIALECTS, read_blob
from vpi_tui.detect.applayer.smb.state import CLIENT, MAX_SIZE, SERVER, Read, State
from vpi_tui.detect.applayer.smb.transaction import NAME_LIMIT
from vpi_tui.model.batch import Direction

_PIPE_SHARE: Final = 2
_PIPE_TRANSCEIVE: Final = 0x0011_C017
_PENDING: Final = 0x0000_0103
_ANY_FILE: Final = b"\xff" * 16
_RENAME: Final = 10
_EPOCH_SECONDS: Final = 11_644_473_600
"""From 1601, where times of Windows begin, to 1970."""


_CREATE: Final = struct.Struct("<24xI8xIIHH")
"""Access, disposition, options, place and size of the name."""
_CREATED: Final = struct.Struct("<8x4Q8xQ8x16s")
"""Four times, size, identifier."""
_READ: Final = struct.Struct("<4xIQ16s")
_WAS_READ: Final = struct.Struct("<2xBxI")
_WRITE_SIZE: Final = struct.Struct("<2xHI")
_WRITE_PLACE: Final = struct.Struct("<8xQ16s")
_IOCTL: Final = struct.Struct("<8x16sII")
_IOCTL_RESPONSE: Final = struct.Struct("<32xII")
"""Fields of commands behind the header (MS-SMB2 2.2.13 to 2.2.32)."""


class Command(IntEnum):
    NEGOTIATE = 0
    SESSION_SETUP = 1
    TREE_CONNECT = 3
    TREE_DISCONNECT = 4
    CREATE = 5
    CLOSE = 6
    READ = 8
    WRITE = 9
    IOCTL = 11
    GET_INFO = 16
    SET_INFO = 17


_PART_OF_OTHERS: Final = frozenset({Command.READ, Command.WRITE, Command.GET_INFO, Command.SET_INFO})
"""Commands that are no transactions of their own."""
DIALECTS: Final = {
    0x0202: b"2.02", 0x0210: b"2.10", 0x0222: b"2.22", 0x0224: b"2.24", 0x02FF: b"2.??", 0x0300: b"3.00",
    0x0302: b"3.02", 0x0310: b"3.10", 0x0311: b"3.11",
}  # fmt: skip

Handler = Callable[[State, Message], None]


def smb2_message(state: State, message: Message) -> None:
    """One message. One that lacks fields notes that."""
    table = _RESPONSES if message.is_response else _REQUESTS
    handler = table.get(message.command, _other_response if message.is_response else _other_request)
    if message.is_response and message.status == _PENDING:
        return
    try:
        handler(state, message)
    except MalformedError:
        if message.is_response and message.status != SUCCESS:
            state.answer(message)  # an error has no more to say
        else:
            state.malformed(message, is_part=message.command in _PART_OF_OTHERS)


def _body(message: Message, at: int, size: int) -> int:
    """A number of the command's own fields."""
    return message.fields.number(SMB2_HEADER + at, size)


def _fixed(message: Message, layout: struct.Struct) -> tuple[Any, ...]:
    """The command's own fields that a layout names."""
    return message.fields.unpack(layout, SMB2_HEADER)


def _part(message: Message, at: int, size: int) -> bytes:
    """Bytes whose place is counted from the header."""
    return message.fields.bytes(at, size) if size else b""


def _fid(state: State, message: Message, at: int) -> bytes:
    return _known_fid(state, message.fields.bytes(SMB2_HEADER + at, 16))


def _known_fid(state: State, fid: bytes) -> bytes:
    return state.last_fid if fid == _ANY_FILE else fid


def _other_request(state: State, message: Message) -> None:
    if message.command not in _PART_OF_OTHERS:
        state.ask(message, state.new(message))


def _other_response(state: State, message: Message) -> None:
    state.answer(message)


def _negotiate(state: State, message: Message) -> None:
    if state.negotiating(2) is not None:
        return
    made = state.new(message)
    made.client_guid = message.fields.bytes(SMB2_HEADER + 12, 16)
    for number in range(min(_body(message, 2, 2), MOST_DIALECTS)):
        dialect = _body(message, 36 + 2 * number, 2)
        made.dialects.append(DIALECTS.get(dialect, b"%d" % dialect))
    state.ask(message, made)


def _negotiated(state: State, message: Message) -> None:
    """The response to a negotiation of SMB 1 ends that, and is of SMB 1 as far as rules see."""
    made = state.negotiating(2, 1)
    if message.status == SUCCESS:
        dialect, guid = _body(message, 4, 2), message.fields.bytes(SMB2_HEADER + 8, 16)
        state.max_read, state.max_write = _body(message, 32, 4), _body(message, 36, 4)
        state.dialect = DIALECTS.get(dialect, b"%d" % dialect)
        if made is not None:
            made.dialect, made.server_guid = state.dialect, guid
            made.largest = state.max_read, state.max_write
    if made is not None:
        state.negotiated(made, message.status)
    if message.status == SUCCESS:
        for what, size in (("read", state.max_read), ("write", state.max_write)):
            if size > MAX_SIZE:
                state.event(CLIENT, 2, f"smb.negotiate_max_{what}_size_too_large")


def _session_setup(state: State, message: Message) -> None:
    made = state.new(message)
    read_blob(made, _part(message, _body(message, 12, 2), _body(message, 14, 2)))
    state.ask(message, made)


def _session_is_set_up(state: State, message: Message) -> None:
    made = state.asked(message)
    if made is not None:
        made.session = message.session
    state.answer(message)


def _tree_connect(state: State, message: Message) -> None:
    path = text(_part(message, _body(message, 4, 2), _body(message, 6, 2)))
    made = state.new(message)
    made.share = path[1:NAME_LIMIT] if len(path) > 1 else path
    state.ask(message, made, settled=False)


def _tree_is_connected(state: State, message: Message) -> None:
    if message.status == SUCCESS:
        state.connected(message, state.asked(message), is_pipe=_body(message, 2, 1) == _PIPE_SHARE)
    state.answer(message)


def _tree_disconnect(state: State, message: Message) -> None:
    state.trees.pop((message.session, message.tree), None)
    state.ask(message, state.new(message))


def _create(state: State, message: Message) -> None:
    made = state.new(message)
    made.access, made.disposition, made.options, at, size = _fixed(message, _CREATE)
    made.filename = text(_part(message, at, size))[:NAME_LIMIT]
    state.ask(message, made)


def _created(state: State, message: Message) -> None:
    made = state.asked(message)
    if message.status == SUCCESS:
        *times, size, fid = _fixed(message, _CREATED)
        state.last_fid = fid
        if made is not None:
            made.fid, made.file_size = fid, size
            made.times = tuple(max(0, time // 10_000_000 - _EPOCH_SECONDS) for time in times)
            state.names.put(fid, made.filename)
    state.answer(message)


def _close(state: State, message: Message) -> None:
    state.ask(message, state.new(message))
    state.closed(_fid(state, message, 8))


def _read(state: State, message: Message) -> None:
    size, offset, fid = _fixed(message, _READ)
    if size > (state.max_read or MAX_SIZE):
        state.event(SERVER, 2, "smb.read_request_too_large")
        return
    state.reads.put((message.session, message.identifier), Read(_known_fid(state, fid), offset))


def _was_read(state: State, message: Message) -> None:
    asked = state.reads.pop((message.session, message.identifier), None)
    if message.status not in (SUCCESS, BUFFER_OVERFLOW):
        if asked is not None:
            state.files.close(asked.fid, CLIENT)
        return
    at, size = _fixed(message, _WAS_READ)
    if size > (state.max_read or MAX_SIZE):
        state.event(CLIENT, 2, "smb.read_response_too_large")
    elif asked is not None:
        _transfer(state, CLIENT, message, asked, at, size)


def _write(state: State, message: Message) -> None:
    at, size = _fixed(message, _WRITE_SIZE)
    if size > (state.max_write or MAX_SIZE):
        state.event(SERVER, 2, "smb.write_request_too_large")
        return
    offset, fid = _fixed(message, _WRITE_PLACE)
    _transfer(state, SERVER, message, Read(_known_fid(state, fid), offset), at, size)


def _transfer(state: State, direction: Direction, message: Message, where: Read, at: int, size: int) -> None:
    if not SMB2_HEADER <= at <= len(message.fields.data):
        raise MalformedError
    state.transfer(direction, message, where.fid, where.offset, size, message.fields.data[at : at + size])


def _ioctl(state: State, message: Message) -> None:
    made = state.new(message)
    state.ask(message, made)
    made.control = _body(message, 4, 4)
    if made.control == _PIPE_TRANSCEIVE:
        fid, at, size = _fixed(message, _IOCTL)
        fid = _known_fid(state, fid)
        state.reads.put((message.session, message.identifier), Read(fid, 0))
        state.piped(SERVER, message, fid, _part(message, at, size))


def _ioctl_response(state: State, message: Message) -> None:
    asked = state.reads.pop((message.session, message.identifier), None)
    if message.status in (SUCCESS, BUFFER_OVERFLOW) and asked is not None:
        data = _part(message, *_fixed(message, _IOCTL_RESPONSE))
        state.piped(CLIENT, message, asked.fid, data)
    state.answer(message)


def _set_info(state: State, message: Message) -> None:
    if _body(message, 2, 1) != 1 or _body(message, 3, 1) != _RENAME:
        return
    made = state.new(message)
    made.fid = _fid(state, message, 16)
    made.filename = state.names.get(made.fid, b"")
    fields = Fields(_part(message, _body(message, 8, 2), _body(message, 4, 4)))
    made.renamed_to = text(fields.bytes(20, fields.number(16, 4)))[:NAME_LIMIT]
    state.ask(message, made)


_REQUESTS: Final[dict[int, Handler]] = {
    Command.NEGOTIATE: _negotiate,
    Command.SESSION_SETUP: _session_setup,
    Command.TREE_CONNECT: _tree_connect,
    Command.TREE_DISCONNECT: _tree_disconnect,
    Command.CREATE: _create,
    Command.CLOSE: _close,
    Command.READ: _read,
    Command.WRITE: _write,
    Command.IOCTL: _ioctl,
    Command.SET_INFO: _set_info,
}
_RESPONSES: Final[dict[int, Handler]] = {
    Command.NEGOTIATE: _negotiated,
    Command.SESSION_SETUP: _session_is_set_up,
    Command.TREE_CONNECT: _tree_is_connected,
    Command.CREATE: _created,
    Command.READ: _was_read,
    Command.IOCTL: _ioctl_response,
}

"""Commands of SMB 1. Sources: MS-CIFS 2.2.4, MS-SMB 2.2.4."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from vpi_tui.detect.applayer.krb5 import parse_ticket
from vpi_tui.detect.applayer.smb.headers import (
    BUFFER_OVERFLOW,
    SUCCESS,
    Block,
    Fields,
    MalformedError,
    Message,
    block_of,
    smb1_chain,
    string_at,
    text,
)
from vpi_tui.detect.applayer.smb.ntlmssp import parse_ntlm
from vpi_tui.detect.applayer.smb.state import CLIENT, SERVER, Read, State
from vpi_tui.detect.applayer.smb.transaction import NAME_LIMIT, SmbTransaction
from vpi_tui.model.batch import Direction

MOST_DIALECTS: Final = 64
_NO_DIALECT: Final = 0xFFFF
_EXTENDED_SECURITY_WORDS: Final = 24
_TRANSACT_PIPE: Final = 0x26


class Command(IntEnum):
    CLOSE = 0x04
    READ = 0x0A
    WRITE = 0x0B
    TRANS = 0x25
    WRITE_AND_CLOSE = 0x2C
    OPEN_ANDX = 0x2D
    READ_ANDX = 0x2E
    WRITE_ANDX = 0x2F
    TRANS2 = 0x32
    TREE_DISCONNECT = 0x71
    NEGOTIATE = 0x72
    SESSION_SETUP_ANDX = 0x73
    TREE_CONNECT_ANDX = 0x75
    NT_CREATE_ANDX = 0xA2


_PART_OF_OTHERS: Final = frozenset({Command.READ_ANDX, Command.WRITE_ANDX, Command.TRANS, Command.TRANS2})
"""Commands that are no transactions of their own: they move files, or what calls are made of."""

Handler = Callable[[State, Message, Block], None]


def smb1_message(state: State, first: Message) -> None:
    """All commands of a message. Those that lack fields note that."""
    table = _RESPONSES if first.is_response else _REQUESTS
    for message in smb1_chain(first):
        handler = table.get(message.command, _other_response if first.is_response else _other_request)
        try:
            handler(state, message, block_of(message))
        except MalformedError:
            if first.is_response and message.status != SUCCESS:
                state.answer(message)  # an error has no more to say
            else:
                state.malformed(message, is_part=message.command in _PART_OF_OTHERS)


def _fid(message: Message, fields: Fields, at: int) -> bytes:
    """Identifiers of files are those of a session."""
    return fields.bytes(at, 2) + message.session.to_bytes(2)


def _other_request(state: State, message: Message, _block: Block) -> None:
    if message.command not in _PART_OF_OTHERS:
        state.ask(message, state.new(message))


def _other_response(state: State, message: Message, _block: Block) -> None:
    state.answer(message)


def _negotiate(state: State, message: Message, block: Block) -> None:
    if (before := state.negotiating(1)) is not None:
        before.event(SERVER, "smb.duplicate_negotiate")
        state.moved[before] = None
        return
    made = state.new(message)
    for word in block.data.split(b"\0", MOST_DIALECTS)[:MOST_DIALECTS]:
        if len(word) > 1 and word[0] == 2:
            made.dialects.append(word[1:NAME_LIMIT])
        elif word:
            made.event(SERVER, "smb.negotiate_malformed_dialects")
    if not block.data or b"\0\0" in block.data:
        made.event(SERVER, "smb.negotiate_malformed_dialects")
    state.ask(message, made)


def _negotiated(state: State, message: Message, block: Block) -> None:
    made = state.negotiating(1)
    if made is None:
        return
    if message.status == SUCCESS:
        index = block.words.number(0, 2)
        if index < len(made.dialects):
            state.dialect = made.dialect = made.dialects[index]
        elif index != _NO_DIALECT:
            made.event(CLIENT, "smb.negotiate_malformed_dialects")
        made.server_guid = block.data[:16] if len(block.words.data) == 34 else b""
    state.negotiated(made, message.status)


def _session_setup(state: State, message: Message, block: Block) -> None:
    made = state.new(message)
    words, at = block.words, 0
    if len(words.data) == _EXTENDED_SECURITY_WORDS:
        at = words.number(14, 2)
        read_blob(made, block.data[:at])
    elif len(words.data) == 26:
        at = words.number(14, 2) + words.number(16, 2)
        for _ in range(2):  # account and domain
            _, at = string_at(block.data, at, block.at, unicode=message.unicode)
    _native(made, "request", message, block, at)
    state.ask(message, made)


def _session_is_set_up(state: State, message: Message, block: Block) -> None:
    made = state.asked(message)
    if made is not None:
        made.session = message.session
        at = block.words.number(6, 2) if len(block.words.data) >= 8 else 0
        _native(made, "response", message, block, at)
    state.answer(message)


def _native(made: SmbTransaction, side: str, message: Message, block: Block, at: int) -> None:
    for what in ("os", "lm"):
        word, at = string_at(block.data, at, block.at, unicode=message.unicode)
        if word:
            made.native[f"{side}_{what}"] = word[:NAME_LIMIT]


def read_blob(made: SmbTransaction, blob: bytes) -> None:
    """Note who logs on with a security blob."""
    made.ticket = parse_ticket(blob)
    made.ntlm = parse_ntlm(blob)
    if made.ntlm is not None and made.ntlm.disordered:
        made.event(SERVER, "smb.unusual_ntlmssp_order")


def _tree_connect(state: State, message: Message, block: Block) -> None:
    password = block.words.number(6, 2)
    path, at = string_at(block.data, password, block.at, unicode=message.unicode)
    service, _ = string_at(block.data, at, block.at, unicode=False)
    made = state.new(message)
    made.share = path[1:NAME_LIMIT] if len(path) > 1 else path
    made.native["request_service"] = service[:NAME_LIMIT]
    state.ask(message, made, settled=False)


def _tree_is_connected(state: State, message: Message, block: Block) -> None:
    made = state.asked(message)
    if message.status == SUCCESS:
        service, _ = string_at(block.data, 0, block.at, unicode=False)
        state.connected(message, made, is_pipe=service == b"IPC")
        if made is not None:
            made.native["response_service"] = service[:NAME_LIMIT]
    state.answer(message)


def _tree_disconnect(state: State, message: Message, _block: Block) -> None:
    state.trees.pop((message.session, message.tree), None)
    state.ask(message, state.new(message))


def _create(state: State, message: Message, block: Block) -> None:
    made = state.new(message)
    size = block.words.number(5, 2)
    start = (block.at % 2) if message.unicode else 0
    made.filename = text(block.data[start : start + size])[:NAME_LIMIT]
    made.access, made.disposition = block.words.number(15, 4), block.words.number(35, 4)
    made.options = block.words.number(39, 4)
    state.ask(message, made)


def _open(state: State, message: Message, block: Block) -> None:
    made = state.new(message)
    name, _ = string_at(block.data, 0, block.at, unicode=message.unicode)
    made.filename = name[:NAME_LIMIT]
    state.ask(message, made)


def _opened_at(at: int) -> Handler:
    def handler(state: State, message: Message, block: Block) -> None:
        made = state.asked(message)
        if message.status == SUCCESS:
            fid = _fid(message, block.words, at)
            if made is not None:
                made.fid = fid
                state.names.put(fid, made.filename)
        state.answer(message)

    return handler


def _close(state: State, message: Message, block: Block) -> None:
    state.ask(message, state.new(message))
    state.closed(_fid(message, block.words, 0))


def _write_andx(state: State, message: Message, block: Block) -> None:
    words = block.words
    size = words.number(18, 2) << 16 | words.number(20, 2)
    offset = words.number(6, 4) | (words.number(24, 4) << 32 if len(words.data) >= 28 else 0)
    at = words.number(22, 2)
    _transfer(state, SERVER, message, _fid(message, words, 4), offset, at, size)


def _write(state: State, message: Message, block: Block) -> None:
    words = block.words
    at = block.at + (3 if message.command == Command.WRITE else 1)
    fid = _fid(message, words, 0)
    _transfer(state, SERVER, message, fid, words.number(4, 4), at, words.number(2, 2))
    state.ask(message, state.new(message))
    if message.command == Command.WRITE_AND_CLOSE:
        state.closed(fid)


def _read(state: State, message: Message, block: Block) -> None:
    words, at = block.words, 4 if message.command == Command.READ_ANDX else 0
    offset = words.number(6 if at else 4, 4)
    if len(words.data) >= 24:
        offset |= words.number(20, 4) << 32
    state.reads.put((message.session, message.identifier), Read(_fid(message, words, at), offset))
    if not at:
        state.ask(message, state.new(message))


def _was_read(state: State, message: Message, block: Block) -> None:
    asked = state.reads.pop((message.session, message.identifier), None)
    if message.status in (SUCCESS, BUFFER_OVERFLOW) and asked is not None:
        words = block.words
        if message.command == Command.READ_ANDX:
            size, at = words.number(10, 2) | words.number(14, 2) << 16, words.number(12, 2)
        else:
            size, at = words.number(0, 2), block.at + 3
        _transfer(state, CLIENT, message, asked.fid, asked.offset, at, size)
    if message.command == Command.READ:
        state.answer(message)


def _transfer(
    state: State, direction: Direction, message: Message, fid: bytes, offset: int, at: int, size: int
) -> None:
    if not 0 < at <= len(message.fields.data):
        raise MalformedError
    state.transfer(direction, message, fid, offset, size, message.fields.data[at : at + size])


def _trans(state: State, message: Message, block: Block) -> None:
    words = block.words
    if words.number(26, 1) < 2 or words.number(28, 2) != _TRANSACT_PIPE:
        return
    fid = _fid(message, words, 30)
    state.reads.put((message.session, message.identifier), Read(fid, 0))
    size, at = words.number(22, 2), words.number(24, 2)
    state.piped(SERVER, message, fid, message.fields.data[at : at + size])


def _trans_response(state: State, message: Message, block: Block) -> None:
    asked = state.reads.pop((message.session, message.identifier), None)
    if asked is not None and message.status in (SUCCESS, BUFFER_OVERFLOW):
        size, at = block.words.number(12, 2), block.words.number(14, 2)
        state.piped(CLIENT, message, asked.fid, message.fields.data[at : at + size])


_REQUESTS: Final[dict[int, Handler]] = {
    Command.NEGOTIATE: _negotiate,
    Command.SESSION_SETUP_ANDX: _session_setup,
    Command.TREE_CONNECT_ANDX: _tree_connect,
    Command.TREE_DISCONNECT: _tree_disconnect,
    Command.NT_CREATE_ANDX: _create,
    Command.OPEN_ANDX: _open,
    Command.CLOSE: _close,
    Command.WRITE_ANDX: _write_andx,
    Command.WRITE: _write,
    Command.WRITE_AND_CLOSE: _write,
    Command.READ_ANDX: _read,
    Command.READ: _read,
    Command.TRANS: _trans,
}
_RESPONSES: Final[dict[int, Handler]] = {
    Command.NEGOTIATE: _negotiated,
    Command.SESSION_SETUP_ANDX: _session_is_set_up,
    Command.TREE_CONNECT_ANDX: _tree_is_connected,
    Command.NT_CREATE_ANDX: _opened_at(5),
    Command.OPEN_ANDX: _opened_at(4),
    Command.READ_ANDX: _was_read,
    Command.READ: _was_read,
    Command.TRANS: _trans_response,
}

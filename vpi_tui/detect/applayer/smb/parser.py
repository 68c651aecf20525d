"""One connection of SMB: records, messages, and what they come to."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.frames import FRAME_LIMIT
from vpi_tui.detect.applayer.smb.frames import emit_frames
from vpi_tui.detect.applayer.smb.headers import (
    SMB1_HEADER,
    SMB2_HEADER,
    MalformedError,
    Message,
    parse_smb1,
    parse_smb2,
    smb2_parts,
)
from vpi_tui.detect.applayer.smb.records import MESSAGE, NONSENSE, Piece, Records
from vpi_tui.detect.applayer.smb.smb1 import smb1_message
from vpi_tui.detect.applayer.smb.smb2 import smb2_message
from vpi_tui.detect.applayer.smb.state import CLIENT, SERVER, State
from vpi_tui.detect.applayer.transaction import Transaction

_LAST: Final = bytes(4)
"""Where the next message of a compound begins, when there is none."""
_WRONG_WAY: Final[dict[int, str]] = {SERVER: "smb.response_to_server", CLIENT: "smb.request_to_client"}


class SmbParser(Parser):
    def __init__(self, limits: Limits | None = None) -> None:
        self._records = (Records(), Records(), Records())
        self._state = State((limits or Limits()).files)
        self._version = 1
        self._header = [b"", b"", b""]
        self._long = [bytearray(), bytearray(), bytearray()]
        """Of a long record that has not ended: header and first bytes, for rules about frames."""

    def feed(self, direction: int, data: bytes, gap: int) -> list[Transaction]:
        for piece in self._records[direction].feed(data, gap):
            self._piece(direction, piece)
        return self._progress()

    def finish(self) -> list[Transaction]:
        self._state.finish()
        return self._progress()

    def held(self) -> int:
        records, long = self._records, self._long
        kept = len(records[SERVER]) + len(records[CLIENT]) + len(long[SERVER]) + len(long[CLIENT])
        return kept + self._state.held()

    def patience(self, direction: int) -> int:
        return self._records[direction].patience

    def _progress(self) -> list[Transaction]:
        if not self._state.moved:
            return []
        moved: list[Transaction] = list(self._state.moved)
        self._state.moved.clear()
        return moved

    def _piece(self, direction: int, piece: Piece) -> None:
        if self.frames.wanted:
            self._frames(direction, piece)
        if not piece.first:
            self._state.files.more(direction, piece.data, piece.gap)
            return
        self._state.files.forget_rest(direction)
        if piece.kind == NONSENSE:
            self._state.event(direction, self._version, "smb.malformed_data")
        elif piece.kind == MESSAGE and piece.data:
            try:
                self._messages(direction, piece.data)
            except MalformedError:
                self._state.event(direction, self._version, "smb.malformed_data")

    def _frames(self, direction: int, piece: Piece) -> None:
        """A record and what is in it; of a long one its first bytes."""
        if piece.kind == NONSENSE:
            return
        if not piece.first:
            self._long[direction] += piece.data[: FRAME_LIMIT - len(self._long[direction])]
        elif piece.last:
            emit_frames(self.frames, direction, piece.header, piece.data)
        else:
            self._header[direction] = piece.header
            self._long[direction] = bytearray(piece.data)
        if piece.last and not piece.first:
            emit_frames(self.frames, direction, self._header[direction], bytes(self._long[direction]))
            self._long[direction] = bytearray()

    def _messages(self, direction: int, data: bytes) -> None:
        if data.startswith(b"\xffSMB") and len(data) >= SMB1_HEADER:
            self._version = 1
            message = parse_smb1(data)
            if self._goes_right(direction, message):
                smb1_message(self._state, message)
        elif data.startswith(b"\xfeSMB"):
            self._version = 2
            self._compound(direction, data)
        elif not data.startswith(b"\xfdSMB"):  # what is encrypted is passed over
            raise MalformedError

    def _compound(self, direction: int, data: bytes) -> None:
        before: Message | None = None
        alone = data[20:24] == _LAST and len(data) >= SMB2_HEADER
        for part in (data,) if alone else smb2_parts(data):
            message = parse_smb2(part)
            if message.related and before is not None and not message.is_response:
                message = message._replace(session=before.session, tree=before.tree)
            before = message
            if self._goes_right(direction, message):
                smb2_message(self._state, message)

    def _goes_right(self, direction: int, message: Message) -> bool:
        if message.is_response == (direction == CLIENT):
            return True
        self._state.event(direction, message.version, _WRONG_WAY[direction])
        return False

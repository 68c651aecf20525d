"""What a connection has said so far: open commands, shares, files, pipes."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from vpi_tui.detect.applayer.files import FileNeeds
from vpi_tui.detect.applayer.smb.commands import OpenCommands, key_of
from vpi_tui.detect.applayer.smb.headers import Message
from vpi_tui.detect.applayer.smb.pipes import Pipes, looks_like_rpc
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction
from vpi_tui.detect.applayer.smb.transfers import Transfers
from vpi_tui.detect.applayer.transaction import DONE
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
MOST_KNOWN: Final = 1_024
"""Shares, names and reads that are remembered, of each."""
MAX_SIZE: Final = 16 << 20
"""Bytes of a read or write that Suricata takes for usual (smb max-read-size, max-write-size)."""

K = TypeVar("K")
V = TypeVar("V")


class Bounded(dict[K, V], Generic[K, V]):
    """A dictionary that forgets what was put in first."""

    def put(self, key: K, value: V, most: int = MOST_KNOWN) -> None:
        self.pop(key, None)
        self[key] = value
        if len(self) > most:
            del self[next(iter(self))]


class Tree(NamedTuple):
    name: bytes
    is_pipe: bool


class Read(NamedTuple):
    """What a read asks for."""

    fid: bytes
    offset: int


class State:
    def __init__(self, needs: FileNeeds) -> None:
        self.moved: dict[SmbTransaction, None] = {}
        """Transactions that came to another stage since they were taken last."""
        self.trees: Bounded[tuple[int, int], Tree] = Bounded()
        self.names: Bounded[bytes, bytes] = Bounded()
        """Of files, by identifier."""
        self.reads: Bounded[tuple[int, int], Read] = Bounded()
        """By session and identifier of the command; also of transactions on pipes."""
        self.pipes = Pipes(self.moved)
        self.files = Transfers(self.moved, needs)
        self.max_read = self.max_write = 0
        """Negotiated; 0 = not known."""
        self.dialect = b""
        """Negotiated; b"" = not known."""
        self.last_fid = b""
        """The file that was created last: what a compound means by any file."""
        self._open = OpenCommands()
        self._last: SmbTransaction | None = None
        """That was made last: it has the anomalies of what is no command."""

    # Commands ------------------------------------------------------------------------------------

    def new(self, message: Message) -> SmbTransaction:
        made = SmbTransaction()
        made.version, made.command = message.version, message.command
        made.session, made.tree, made.dialect = message.session, message.tree, self.dialect
        self._last = made
        return made

    def ask(self, message: Message, made: SmbTransaction, *, settled: bool = True) -> None:
        """A command was sent. settled: its response will say nothing that rules about it wait for."""
        if settled:
            made.stage[SERVER] = DONE
            self.moved[made] = None
        for former in self._open.put(key_of(message), made):
            self._settle(former)

    def asked(self, message: Message) -> SmbTransaction | None:
        """The command that a response answers, which stays open."""
        return self._open.get(key_of(message))

    def negotiating(self, *versions: int) -> SmbTransaction | None:
        """The negotiation that waits for its response; of one of these versions, the first that has one."""
        keys = (self._open.negotiation(version) for version in versions)
        return next((self._open.get(key) for key in keys if key is not None), None)

    def negotiated(self, made: SmbTransaction, status: int) -> None:
        """The response to what `negotiating` gave is read, whichever version that is of."""
        key = self._open.negotiation(made.version)
        if key is not None:
            self._open.pop(key)
        self._answered(made, status)

    def answer(self, message: Message) -> None:
        """The response is read: close its command, when that was seen."""
        made = self._open.pop(key_of(message))
        if made is not None:
            self._answered(made, message.status)

    def _answered(self, made: SmbTransaction, status: int) -> None:
        made.status = status
        made.stage[SERVER] = made.stage[CLIENT] = DONE
        self.moved[made] = None

    def malformed(self, message: Message, *, is_part: bool) -> None:
        """A command lacks fields. is_part: such commands are no transactions of their own."""
        direction = CLIENT if message.is_response else SERVER
        made = self.asked(message) if message.is_response else None if is_part else self.new(message)
        if made is None:
            self.event(direction, message.version, "smb.malformed_data")
            return
        made.event(direction, "smb.malformed_data")
        if message.is_response:
            self.answer(message)
        else:
            self.ask(message, made)

    def event(self, direction: int, version: int, name: str) -> None:
        """An anomaly of no command that is followed: of the transaction before it, as in Suricata."""
        made = self._last
        if made is None or made.stage[direction] != DONE:
            made = self._last = SmbTransaction()
            made.version = version
            made.stage[direction] = DONE
            made.over = True
        made.event(direction, name)
        self.moved[made] = None

    def finish(self) -> None:
        """No response comes any more."""
        for made in self._open.clear():
            self._settle(made)
        self.pipes.finish()
        self.files.finish()

    def held(self) -> int:
        known = len(self.trees) + len(self.names) + len(self.reads)
        return 1024 * len(self._open) + 256 * known + self.pipes.held() + self.files.held()

    def _settle(self, made: SmbTransaction) -> None:
        """No response of it will be read."""
        made.stage[SERVER] = DONE
        made.over = True
        self.moved[made] = None

    # Shares and files ----------------------------------------------------------------------------

    def connected(self, message: Message, made: SmbTransaction | None, *, is_pipe: bool) -> None:
        """A tree connect was accepted."""
        name = b"" if made is None or made.share is None else made.share
        if made is not None:
            made.is_pipe, made.tree = is_pipe, message.tree
        self.trees.put((message.session, message.tree), Tree(name, is_pipe))

    def transfer(
        self, direction: Direction, message: Message, fid: bytes, offset: int, size: int, data: bytes
    ) -> None:
        """Bytes that are written to a file (to the server) or were read from it.

        size: how many the message has; those that are not in `data` come with Transfers.more.
        """
        if not self.files.is_open(fid, direction):
            tree = self.trees.get((message.session, message.tree))
            if fid in self.pipes or (looks_like_rpc(data) if tree is None else tree.is_pipe):
                self.piped(direction, message, fid, data)
                return
            made = self.new(message)
            made.on_share = b"" if tree is None else tree.name
            self.files.begin(fid, direction, self.names.get(fid, b""), made)
        self.files.part(fid, direction, offset, size, data)

    def piped(self, direction: Direction, message: Message, fid: bytes, data: bytes) -> None:
        """Bytes that go through a pipe for sure."""
        self.pipes.data(fid, direction, data, lambda: self.new(message))

    def closed(self, fid: bytes) -> None:
        self.pipes.close(fid)
        self.files.close(fid)
        self.names.pop(fid, None)

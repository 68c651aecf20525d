"""One QUIC connection: its datagrams up to the hellos of both sides."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.cursor import TooShortError
from vpi_tui.detect.applayer.quic.frames import Handshake, Piece, frames
from vpi_tui.detect.applayer.quic.keys import SALTS, InitialKeys
from vpi_tui.detect.applayer.quic.packets import Kind, Packet, read_packet
from vpi_tui.detect.applayer.quic.transaction import QuicTransaction
from vpi_tui.detect.applayer.tls import hello
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
MOST_PACKETS: Final = 64
"""Packets of one connection that are looked at before its hellos are whole."""
MOST_COALESCED: Final = 8
"""Packets of one datagram."""
_HELLOS: Final = {SERVER: (1, hello.client_hello), CLIENT: (2, hello.server_hello)}


class QuicParser(Parser):
    """One connection."""

    def __init__(self, _limits: Limits | None = None) -> None:
        self._keys: InitialKeys | None = None
        self._handshakes = [Handshake.new() for _ in range(3)]
        self._greeted = [False, False, False]
        self._retried = False
        self._packets = 0

    def feed(self, _direction: int, _data: bytes, _gap: int) -> list[Transaction]:
        """QUIC has datagrams alone; the bytes of a stream are none of it."""
        return []

    def datagram(self, direction: int, data: bytes) -> list[Transaction]:
        found: list[Transaction] = []
        for _ in range(MOST_COALESCED):
            if not data or self._greeted[direction] or self.over():
                break
            try:
                packet, data = read_packet(data)
            except TooShortError:
                break
            if packet is None:
                break
            found.append(self._take(direction, packet))
            if found[-1].events[direction]:
                break
        return found

    def finish(self) -> list[Transaction]:
        return []

    def held(self) -> int:
        return sum(handshake.held() for handshake in self._handshakes)

    def over(self) -> bool:
        both = self._greeted[SERVER] and self._greeted[CLIENT]
        return both or self._packets >= MOST_PACKETS

    def _take(self, direction: int, packet: Packet) -> QuicTransaction:
        made = QuicTransaction(packet.version, direction)
        self._packets += 1
        if packet.kind is Kind.RETRY and direction == CLIENT and not self._retried:
            # The client begins again, with other keys (RFC 9000, 17.2.5).
            self._retried, self._keys = True, None
            self._handshakes[SERVER], self._greeted[SERVER] = Handshake.new(), False
        if packet.kind is not Kind.INITIAL:
            return made
        # As in Suricata, the frames of a version without known keys are taken for such in the clear.
        clear = packet.clear or packet.version not in SALTS
        payload = packet.whole[packet.at :] if clear else self._opened(packet, direction)
        if payload is None:
            self._flaw(made, "failed_decrypt")
            return made
        try:
            for frame in frames(payload):
                if isinstance(frame, Piece):
                    self._add(made, frame)
                else:
                    made.take(frame)
        except TooShortError:
            self._flaw(made, "error_on_data")
        self._greet(made)
        return made

    def _flaw(self, made: QuicTransaction, name: str) -> None:
        made.event(made.direction, f"quic.{name}")

    def _opened(self, packet: Packet, direction: int) -> bytes | None:
        """The frames of an Initial; a client's may be of a connection that began anew."""
        payload = self._keys.opened(packet, direction) if self._keys is not None else None
        if payload is None and (direction == SERVER or self._keys is None):
            keys = InitialKeys(packet.version, packet.destination)
            payload = keys.opened(packet, direction)
            if payload is not None:
                self._keys = keys
        return payload

    def _add(self, made: QuicTransaction, piece: Piece) -> None:
        if not self._handshakes[made.direction].add(piece):
            made.event(made.direction, "quic.crypto_frag_too_long")

    def _greet(self, made: QuicTransaction) -> None:
        """The hello, once it is whole."""
        message = self._handshakes[made.direction].message()
        if message is None:
            return
        kind, read = _HELLOS[Direction(made.direction)]
        if message[0] == kind:
            made.hello = read(message[1])
            self._greeted[made.direction] = True
        else:
            self._flaw(made, "error_on_data")
        self._handshakes[made.direction] = Handshake.new()

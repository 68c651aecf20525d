"""One handshake as rules see it."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.tls.certificates import Certificate, known_certificate
from vpi_tui.detect.applayer.tls.hello import Hello
from vpi_tui.detect.applayer.transaction import Transaction

MOST_CERTIFICATES: Final = 64


class Side:
    """What one side has sent. version: the client's preferred one, the server's as negotiated; that of its
    records while there is no hello; 0 = nothing was said."""

    __slots__ = ("_greeting", "_parsed", "chain", "hello", "states", "version")

    def __init__(self) -> None:
        self.version = 0
        self.hello: Hello | None = None
        self.chain: list[bytes] = []
        """DER, the side's own certificate first."""
        self.states: dict[bytes, None] = {}
        """Messages seen, by the names of ssl_state."""
        self._parsed: Certificate | None = None
        self._greeting = 0
        """Bytes that the hello keeps."""

    def notice(self, version: int) -> None:
        """Of a record; what a hello says counts for more."""
        if self.hello is None:
            self.version = version

    def greet(self, hello: Hello) -> None:
        self.hello, self._greeting = hello, hello.weight()

    def weight(self) -> int:
        """Bytes that are kept, roughly."""
        return self._greeting + sum(map(len, self.chain))

    @property
    def own(self) -> Certificate | None:
        """The side's own certificate, parsed when it is first asked for."""
        if self._parsed is None and self.chain:
            self._parsed = known_certificate(self.chain[0])
        return self._parsed


class TlsTransaction(Transaction):
    """side: by Direction (entry 0 is not used)."""

    __slots__ = ("side",)

    def __init__(self) -> None:
        super().__init__()
        self.side = [Side(), Side(), Side()]

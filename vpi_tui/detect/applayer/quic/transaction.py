"""One QUIC packet as rules see it."""

from __future__ import annotations

import hashlib

from vpi_tui.detect.applayer.quic.frames import Tags
from vpi_tui.detect.applayer.tls.hello import Hello, server_names
from vpi_tui.detect.applayer.transaction import Stage, Transaction

_CYU_VERSIONS = {0x51303433: "43", 0x51303434: "44", 0x51303435: "44", 0x51303436: "46"}


class QuicTransaction(Transaction):
    """hello: the one of TLS that this packet completed; None = none. sni, agent: of Google's CHLO."""

    __slots__ = ("agent", "cyu", "direction", "hello", "sni", "version")

    def __init__(self, version: int, direction: int) -> None:
        super().__init__()
        self.version = version
        self.direction = direction
        self.stage[direction] = Stage.DONE
        self.hello: Hello | None = None
        self.sni = b""
        self.agent = b""
        self.cyu: list[bytes] = []
        """CYU fingerprints of Google's QUIC: version and tags in their order."""

    @property
    def server_name(self) -> bytes:
        """Whom the client asks for, in its TLS hello or in Google's."""
        return next(iter(server_names(self.hello)), b"") if self.hello is not None else self.sni

    def take(self, tags: Tags) -> None:
        """Note what a message of Google's QUIC says."""
        known = dict(tags)
        self.sni = known.get(b"SNI", self.sni)
        self.agent = known.get(b"UAID", self.agent)
        version = _CYU_VERSIONS.get(self.version)
        if version is not None:
            names = b"-".join(tag for tag, _ in tags)
            self.cyu.append(version.encode("ascii") + b"," + names)


def cyu_hash(text: bytes) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode("ascii")

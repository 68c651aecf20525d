"""Initial packets made readable: anyone who saw the client's first has their keys (RFC 9001, 5)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vpi_tui.detect.applayer.quic.packets import VERSION_2, Packet
from vpi_tui.model.batch import Direction

_SAMPLE: Final = 16
_MOST_NUMBER: Final = 4
_SECRETS: Final = {Direction.TO_SERVER: b"client in", Direction.TO_CLIENT: b"server in"}


def _salts() -> dict[int, bytes]:
    """Version -> salt: RFC 9001, 5.2, and the same section of its drafts; RFC 9369, 3.3.1."""
    draft_23 = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
    draft_29 = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
    final = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
    found = {0xFF000000 + number: draft_23 for number in range(23, 29)}
    found |= {0xFF000000 + number: draft_29 for number in range(29, 33)}
    found |= {0xFF000000 + number: final for number in (33, 34)}
    return found | {
        0x00000001: final,
        VERSION_2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
        0xFACEB002: draft_23,  # mvfst
        0x51303530: bytes.fromhex("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"),  # Q050
    }


SALTS: Final = _salts()


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446, 7.1) of at most one hash of SHA-256."""
    full = b"tls13 " + label
    info = size.to_bytes(2) + bytes((len(full),)) + full + b"\0"
    return hmac.digest(secret, info + b"\1", hashlib.sha256)[:size]


class _Keys:
    """Of one direction."""

    def __init__(self, secret: bytes, prefix: bytes) -> None:
        self._packet = AESGCM(_expand(secret, prefix + b" key", 16))
        self._iv = int.from_bytes(_expand(secret, prefix + b" iv", 12))
        # One block at a time, as RFC 9001, 5.4.3, has it.
        self._header = Cipher(algorithms.AES(_expand(secret, prefix + b" hp", 16)), modes.ECB())

    def opened(self, packet: Packet) -> bytes | None:
        """The frames of a packet; None = these are not its keys, or it was changed."""
        whole, at = packet.whole, packet.at
        sample = whole[at + _MOST_NUMBER : at + _MOST_NUMBER + _SAMPLE]
        if len(sample) < _SAMPLE:
            return None
        mask = self._header.encryptor().update(sample)
        first = whole[0] ^ mask[0] & 0x0F
        size = (first & 3) + 1
        number = bytes(a ^ b for a, b in zip(whole[at : at + size], mask[1:], strict=False))
        header = bytes((first,)) + whole[1:at] + number
        nonce = (self._iv ^ int.from_bytes(number)).to_bytes(12)
        try:
            return self._packet.decrypt(nonce, whole[at + size :], header)
        except (InvalidTag, ValueError):
            return None


class InitialKeys:
    """Of both directions, from the connection id that the client chose for the server."""

    def __init__(self, version: int, destination: bytes) -> None:
        secret = hmac.digest(SALTS[version], destination, hashlib.sha256)
        prefix = b"quicv2" if version == VERSION_2 else b"quic"
        self._keys = {
            direction: _Keys(_expand(secret, label, 32), prefix) for direction, label in _SECRETS.items()
        }

    def opened(self, packet: Packet, direction: int) -> bytes | None:
        return self._keys[Direction(direction)].opened(packet)

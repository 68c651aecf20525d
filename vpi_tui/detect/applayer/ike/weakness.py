"""What is weak about proposals of IKEv2 (names of events as Suricata's)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vpi_tui.detect.applayer.ike.message import TRANSFORMS2, Message, Proposal

ENCRYPTION, PRF, AUTH, DH = 1, 2, 3, 4
_WEAK: Final = {
    ENCRYPTION: ("ike.weak_crypto_enc", frozenset((*range(1, 10), 11))),
    PRF: ("ike.weak_crypto_prf", frozenset((1, 2))),
    AUTH: ("ike.weak_crypto_auth", frozenset(range(1, 8))),
    DH: ("ike.weak_crypto_dh", frozenset((1, 2, 5, 22))),
}
"""Kind of transform -> event, and the numbers that it is for (DES, MD5, SHA-1, groups below 2048 bits).
Numbers: https://www.iana.org/assignments/ikev2-parameters."""
_AEAD: Final = frozenset((14, 15, 16, 18, 19, 20, 25, 26, 27, 28))
"""Encryption that authenticates as well: CCM, GCM, ChaCha20-Poly1305."""
_AH: Final = 2


def events_of(message: Message) -> Iterator[str]:
    """The events of a message, some of them more than once."""
    if message.version == 2:
        for proposal in message.proposals:
            yield from _events_of(proposal)
    elif message.extra:
        yield "ike.payload_extra_data"


def _events_of(proposal: Proposal) -> Iterator[str]:
    transforms = set(proposal.transforms)
    for kind, value, _ in proposal.transforms:
        name, numbers = _WEAK.get(kind, ("", frozenset()))
        if value in numbers:
            yield name
        elif kind in (PRF, DH) and value == 0:
            yield "ike.invalid_proposal"
        elif kind not in TRANSFORMS2:
            yield "ike.unknown_proposal"
    if not any(kind == DH for kind, *_ in transforms):
        yield "ike.weak_crypto_no_dh"
    if proposal.protocol == _AH:
        yield "ike.no_encryption"
    authenticated = any(kind == AUTH and value for kind, value, _ in transforms)
    if not authenticated and not any(kind == ENCRYPTION and value in _AEAD for kind, value, _ in transforms):
        yield "ike.weak_crypto_no_auth"

"""What neighbours say of addresses, by ARP (RFC 826) and neighbour discovery (RFC 4861).

Only claims count, not senders of packets: a router's packets carry the addresses of others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.model import kernels_neighbours
from vpi_tui.model.batch import I32, I64, U64, DecodedBatch, PacketBatch

MOST: Final = 1_024
"""Different statements of a kind that are heard of one batch; of a flood, the beginning is enough."""
_PLACES = 4 * MOST
"""A power of two."""


class Claim(NamedTuple):
    """An address that a sender says is its own. high, low: its halves as the batches hold them. mac: of the
    frame's sender."""

    row: int
    ts_ns: int
    high: int
    low: int
    ifindex: int
    vlan: int
    mac: int

    @property
    def address(self) -> str:
        if self.high == 0 and self.low >> 32 == 0xFFFF:
            return str(ipaddress.IPv4Address(self.low & 0xFFFF_FFFF))
        return str(ipaddress.IPv6Address(self.high << 64 | self.low))


class Owner(NamedTuple):
    """ARP: an IPv4 address and the MAC that it says is its sender's, inside of tunnels too."""

    row: int
    ts_ns: int
    vlan: int
    ip: int
    mac: int


class Question(NamedTuple):
    """ARP: the IPv4 address that a sender asks for. mac: as it says itself."""

    row: int
    ts_ns: int
    ifindex: int
    vlan: int
    mac: int
    target: int
    sender_ip: int
    """Of the first packet that asks so."""


class Said(NamedTuple):
    """Each once a batch, in the order of the packets."""

    claims: Sequence[Claim] = ()
    """Those of ARP and solicitations before those of advertisements."""
    owners: Sequence[Owner] = ()
    questions: Sequence[Question] = ()


class _Statements(NamedTuple):
    """Different statements of a kind, as the compiled loop keeps them."""

    words: U64
    """uint64[MOST, 6]: what is said."""
    when: I64
    """int64[MOST, 2]: row and time."""
    places: I32
    """int32[_PLACES]: where each is, by a hash of its words; the number of one, 0 = none."""
    number: I64
    """int64[1]"""

    @classmethod
    def none(cls) -> _Statements:
        counts = np.zeros(1, np.int64)
        places = np.zeros(_PLACES, np.int32)
        return cls(np.zeros((MOST, 6), np.uint64), np.zeros((MOST, 2), np.int64), places, counts)

    def told(self) -> Iterable[tuple[list[int], list[int]]]:
        """Row and time of each, and its words."""
        count = int(self.number[0])
        if not count:
            return ()
        return zip(self.when[:count].tolist(), self.words[:count].tolist(), strict=True)


class _Heard(NamedTuple):
    asking: _Statements
    """Claims of who asks, and of all ARP."""
    answering: _Statements
    owning: _Statements
    questions: _Statements


class Neighbours:
    """Keeps its memory from batch to batch, and nothing that was said."""

    def __init__(self) -> None:
        self._heard = _Heard(*(_Statements.none() for _ in _Heard._fields))

    def hear(self, packets: PacketBatch, decoded: DecodedBatch) -> Said:
        heard = self._heard
        kernels_neighbours.hear(packets, decoded, heard)
        claims = chain(heard.asking.told(), heard.answering.told())
        return Said(
            [Claim._make([*at, *words[:5]]) for at, words in claims],
            [Owner._make([*at, *words[:3]]) for at, words in heard.owning.told()],
            [Question._make([*at, *words[:4], words[5]]) for at, words in heard.questions.told()],
        )

"""Guests that nobody knows: a MAC address that appears when all the others have been seen already."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

GRACE_NS = 5_000_000_000
"""A manager may name a guest a little later than its first frame comes."""
MAX_KNOWN = 32_768
MAX_WAITING = 512
KNOWN_A_PORT = 512
"""Of one port. One behind which there are more is a network of its own: nobody there is new."""


class Judgement(Enum):
    KNOWN = 0
    WAIT = 1
    """Look again with its next frame."""
    STRANGER = 2


class Strangers:
    """learning_ns: what is seen so long after the first frame was there before."""

    def __init__(self, learning_ns: int) -> None:
        self._learning_ns = learning_ns
        self._began_ns: int | None = None
        self._known: OrderedDict[int, None] = OrderedDict()
        self._at_port: dict[int, int] = {}
        self._waiting: OrderedDict[int, int] = OrderedDict()

    def judge(self, mac: int, port: int, now_ns: int, *, nameless: bool) -> Judgement:
        """nameless: neither the port nor the MAC is of a guest that somebody names."""
        if self._began_ns is None:
            self._began_ns = now_ns
        if mac in self._known or self._at_port.get(port, 0) >= KNOWN_A_PORT:
            return Judgement.KNOWN
        if not nameless or now_ns - self._began_ns < self._learning_ns:
            self._waiting.pop(mac, None)
            self._know(mac, port)
            return Judgement.KNOWN
        since = self._waiting.setdefault(mac, now_ns)
        if now_ns - since < GRACE_NS:
            while len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
            return Judgement.WAIT
        del self._waiting[mac]
        self._know(mac, port)
        return Judgement.STRANGER

    def keep(self, ports: set[int]) -> None:
        """Ports that are there now."""
        self._at_port = {port: count for port, count in self._at_port.items() if port in ports}

    def _know(self, mac: int, port: int) -> None:
        self._known[mac] = None
        self._at_port[port] = self._at_port.get(port, 0) + 1
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

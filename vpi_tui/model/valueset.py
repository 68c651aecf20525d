"""Sets of values that rules ask, and may change: the datasets of the rule language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

ValueKind = Literal["string", "md5", "sha256", "ip", "ipv4", "ipv6"]

_SIZES: dict[str, tuple[int, ...]] = {
    "md5": (16,),
    "sha256": (32,),
    "ipv4": (4,),
    "ipv6": (4, 16),
    "ip": (4, 16),
}
"""Bytes of a value. A set of ipv6 holds addresses of both kinds, as in Suricata."""
LEARNED_MEMORY: Final = 100 << 20
"""Bytes of what rules have added to one set: values come from the wire. Suricata's default memcap."""
_OVERHEAD: Final = 64
"""Of one value."""
_MAPPED = bytes(10) + b"\xff\xff"


class ScoreList:
    """Scores of values by the name of their file: the datareps of the rule language."""

    __slots__ = ("name", "scores")

    def __init__(self, name: str, scores: Mapping[bytes, int]) -> None:
        self.name = name
        self.scores = scores


class ValueSet:
    """Values of one kind by name. Shared by all rules that name it; at most `limit` values."""

    __slots__ = ("_learned", "kind", "limit", "name", "values")

    def __init__(self, name: str, kind: ValueKind, values: Iterable[bytes] = (), *, limit: int) -> None:
        self.name = name
        self.kind = kind
        self.limit = limit
        self.values = {key for value in values if (key := self._key(value)) is not None}
        self._learned = 0
        """Bytes that added values take; those that were removed count no more, whoever had added them."""

    def holds(self, value: bytes, *, subdomain: bool = False) -> bool:
        """Is the value there? subdomain: or something that it ends with, from one of its dots on."""
        key = self._key(value)
        if key is None:
            return False
        if key in self.values or not subdomain:
            return key in self.values
        at = key.find(b".", 1)
        while at >= 0:
            if key[at:] in self.values:
                return True
            at = key.find(b".", at + 1)
        return False

    def add(self, value: bytes) -> bool:
        """True when it was not there, and there was room."""
        key = self._key(value)
        if key is None or key in self.values or len(self.values) >= self.limit:
            return False
        if self._learned + len(key) + _OVERHEAD > LEARNED_MEMORY:
            return False
        self._learned += len(key) + _OVERHEAD
        self.values.add(key)
        return True

    def remove(self, value: bytes) -> bool:
        """True when it was there."""
        key = self._key(value)
        if key is None or key not in self.values:
            return False
        self.values.discard(key)
        self._learned = max(self._learned - len(key) - _OVERHEAD, 0)
        return True

    def _key(self, value: bytes) -> bytes | None:
        """None = no value of this kind."""
        sizes = _SIZES.get(self.kind)
        if sizes is not None and self.kind in ("ip", "ipv6") and value.startswith(_MAPPED):
            value = value[12:]
        return value if sizes is None or len(value) in sizes else None

"""Sets of values that rules ask, and may change: the datasets of the rule language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal

from vpi_tui.model.valuetable import ScoreTable, TextTable, ValueTable

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

    __slots__ = ("get", "name", "scores")

    def __init__(self, name: str, scores: dict[bytes, int] | ScoreTable) -> None:
        self.name = name
        self.scores = scores
        self.get: Callable[[bytes], int | None] = scores.get


class ContextList:
    """What a file of JSON says of its values, an object each: the contexts of the rule language."""

    __slots__ = ("get", "name", "texts")

    def __init__(self, name: str, texts: dict[bytes, bytes] | TextTable) -> None:
        self.name = name
        self.texts = texts
        self.get: Callable[[bytes], bytes | None] = texts.get


class ValueSet:
    """Values of one kind by name. Shared by all rules that name it; at most `limit` values."""

    __slots__ = ("_gone", "_learned", "_size", "kind", "lasts", "limit", "listed", "name", "values")

    def __init__(
        self,
        name: str,
        kind: ValueKind,
        values: Iterable[bytes] | ValueTable = (),
        *,
        limit: int,
        lasts: bool = False,
    ) -> None:
        """values: those of a table are as `key_of` makes them. lasts: what rules have put there outlives a
        reload of the rules, as in Suricata for all but what is only read from a file."""
        self.name = name
        self.lasts = lasts
        self.kind = kind
        self.limit = limit
        self.listed = values if isinstance(values, ValueTable) else None
        """What a long file lists; few values are in `values` like those that rules add."""
        known = () if isinstance(values, ValueTable) else values
        self.values = {key for value in known if (key := key_of(kind, value)) is not None}
        self._size = len(self.values) + (len(self.listed) if self.listed is not None else 0)
        self._gone = bytearray()
        """A byte for each place of `listed`, once a rule has removed one: 1 = this one."""
        self._learned = 0
        """Bytes that added values take; those that were removed count no more, whoever had added them."""

    def holds(self, value: bytes, *, subdomain: bool = False) -> bool:
        """Is the value there? subdomain: or something that it ends with, from one of its dots on."""
        return self.found(value, subdomain=subdomain) is not None

    def found(self, value: bytes, *, subdomain: bool = False) -> bytes | None:
        """Likewise, what is there of it; None = nothing."""
        key = key_of(self.kind, value)
        if key is None or self._has(key):
            return key
        at = key.find(b".", 1) if subdomain else -1
        while at >= 0:
            if self._has(key[at:]):
                return key[at:]
            at = key.find(b".", at + 1)
        return None

    def add(self, value: bytes) -> bool:
        """True when it was not there, and there was room."""
        key = key_of(self.kind, value)
        if key is None or self._has(key) or self._size >= self.limit:
            return False
        place = self.listed.place(key) if self.listed is not None else -1
        if place >= 0:
            self._gone[place] = 0
            self._size += 1
            return True
        if self._learned + len(key) + _OVERHEAD > LEARNED_MEMORY:
            return False
        self._learned += len(key) + _OVERHEAD
        self.values.add(key)
        self._size += 1
        return True

    def remove(self, value: bytes) -> bool:
        """True when it was there."""
        key = key_of(self.kind, value)
        if key is None or not self._has(key):
            return False
        if key in self.values:
            self.values.discard(key)
            self._learned = max(self._learned - len(key) - _OVERHEAD, 0)
        elif self.listed is not None:
            self._gone = self._gone or bytearray(self.listed.places)
            self._gone[self.listed.place(key)] = 1
        self._size -= 1
        return True

    def go_on(self, before: ValueSet) -> None:
        """Hold what the set of this name has held under the rules before, which are not asked any more."""
        if self.listed is not None or before.listed is not None:
            for value in before.values:
                self.add(value)
            return
        self.values, self._size, self._learned = before.values, before._size, before._learned

    def _has(self, key: bytes) -> bool:
        if key in self.values:
            return True
        if self.listed is None:
            return False
        place = self.listed.place(key)
        return place >= 0 and not (self._gone and self._gone[place])


def key_of(kind: ValueKind, value: bytes) -> bytes | None:
    """As sets know it: an address of IPv4 has 4 bytes. None = no value of this kind."""
    sizes = _SIZES.get(kind)
    if sizes is not None and kind in ("ip", "ipv6") and value.startswith(_MAPPED):
        value = value[12:]
    return value if sizes is None or len(value) in sizes else None

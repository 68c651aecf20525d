"""Sets of values that rules ask, and may change: the datasets of the rule language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long what rules change in a set lives.

    file: absolute, where it outlives the engine; "" = nowhere. resumes: it begins with what that file holds.
    lists: it is what a file lists, and is read anew with the rules; otherwise it outlives their reload.
    """

    file: str = ""
    resumes: bool = False
    lists: bool = False


class ValueSet:
    """Values of one kind by name. Shared by all rules that name it; at most `limit` values."""

    __slots__ = (
        "_gone", "_learned", "_resumed", "_size",
        "changes", "keeping", "kind", "limit", "listed", "name", "values",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        kind: ValueKind,
        values: Iterable[bytes] | ValueTable = (),
        *,
        limit: int,
        keeping: Keeping = Keeping(),
    ) -> None:
        """values: those of a table are as `key_of` makes them."""
        self.name = name
        self.kind = kind
        self.limit = limit
        self.keeping = keeping
        self.changes = 0
        """Grows with each value that comes or goes."""
        self._begin(values)

    def _begin(self, values: Iterable[bytes] | ValueTable) -> None:
        self.listed = values if isinstance(values, ValueTable) else None
        """What a long file lists; few values are in `values` like those that rules add."""
        known = () if isinstance(values, ValueTable) else values
        self.values = {key for value in known if (key := key_of(self.kind, value)) is not None}
        self._size = len(self.values) + (len(self.listed) if self.listed is not None else 0)
        self._gone = bytearray()
        """A byte for each place of `listed`, once a rule has removed one: 1 = this one."""
        self._learned = 0
        """Bytes that added values take; those that were removed count no more, whoever had added them."""
        self._resumed = False
        """Were those of `listed` added by rules of an earlier run?"""

    def resume(self, values: Iterable[bytes] | ValueTable) -> None:
        """Begin with what rules had put into it in an earlier run: it counts as added."""
        self._begin(values)
        self._resumed = True
        self._learned = sum(map(len, self.values)) + self._size * _OVERHEAD
        if self.listed is not None:
            self._learned += self.listed.arrays[0].size

    @property
    def lasts(self) -> bool:
        """Does it outlive a reload? As in Suricata, all does but what is only read from a file."""
        return not self.keeping.lists

    def go_on(self, before: ValueSet) -> None:
        """Hold what the set of this name has held under the rules before, which are not asked any more."""
        self.listed, self.values = before.listed, before.values
        self._size, self._gone = before._size, before._gone
        self._learned, self._resumed = before._learned, before._resumed
        self.changes = before.changes

    def __iter__(self) -> Iterator[bytes]:
        yield from self.values
        if self.listed is not None:
            places = self.listed.arrays[2].tolist()
            gone = self._gone
            yield from (v for v, at in zip(self.listed, places, strict=True) if not (gone and gone[at]))

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
        weight = len(key) + _OVERHEAD if place < 0 or self._resumed else 0
        if self._learned + weight > LEARNED_MEMORY:
            return False
        self._learned += weight
        self._size += 1
        self.changes += 1
        if place >= 0:
            self._gone[place] = 0
        else:
            self.values.add(key)
        return True

    def remove(self, value: bytes) -> bool:
        """True when it was there."""
        key = key_of(self.kind, value)
        if key is None or not self._has(key):
            return False
        is_added = key in self.values
        if is_added:
            self.values.discard(key)
        elif self.listed is not None:
            self._gone = self._gone or bytearray(self.listed.places)
            self._gone[self.listed.place(key)] = 1
        if is_added or self._resumed:
            self._learned = max(self._learned - len(key) - _OVERHEAD, 0)
        self._size -= 1
        self.changes += 1
        return True

    def _has(self, key: bytes) -> bool:
        if key in self.values:
            return True
        if self.listed is None:
            return False
        place = self.listed.place(key)
        return place >= 0 and not (self._gone and self._gone[place])


def are_alike(kind: ValueKind, other: ValueKind) -> bool:
    """Do sets of them hold the same values? Addresses of both versions have two names."""
    return kind == other or {kind, other} == {"ip", "ipv6"}


def key_of(kind: ValueKind, value: bytes) -> bytes | None:
    """As sets know it: an address of IPv4 has 4 bytes. None = no value of this kind."""
    sizes = _SIZES.get(kind)
    if sizes is not None and kind in ("ip", "ipv6") and value.startswith(_MAPPED):
        value = value[12:]
    return value if sizes is None or len(value) in sizes else None

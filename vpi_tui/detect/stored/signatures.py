"""Signatures as bytes, one behind the other, each decoded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.batch import I64
from vpi_tui.model.edges import KEY
from vpi_tui.model.parts import Ranges
from vpi_tui.model.signature import Signature
from vpi_tui.model.valueset import ContextList, Keeping, ScoreList, ValueKind, ValueSet
from vpi_tui.model.valuetable import ScoreTable, TextTable, ValueTable

KEPT: Final = 1_024
"""Decoded signatures that are kept at hand."""
_HALF: Final = 16
_VALUE_TABLES: Final = 4
"""Arrays of a ValueTable."""

Shared = Ranges | ValueSet | ScoreList | ContextList | ValueTable
"""What many signatures have in common: each refers to it by number, and all get the same one back."""


class SharedForm(msgspec.Struct, frozen=True, array_like=True):
    """One of them, as it is stored. data: low and high ends of ranges; keys of a set, of scores or of texts,
    which are as many. tables: what there is of a large one instead, which is mapped."""

    kind: str
    """"" = ranges, "scores", "contexts", "values" of files, or the kind of a set of values."""
    data: bytes | list[bytes]
    name: str = ""
    limit: int = 0
    scores: list[int] = []
    texts: list[bytes] = []
    tables: list[NDArray[Any]] = []
    keeping: Keeping = Keeping()


class SharedParts:
    """Numbers them while signatures are encoded."""

    def __init__(self) -> None:
        self._numbers: dict[Shared, int] = {}

    def number(self, part: Any) -> int:
        """As msgspec's enc_hook."""
        if not isinstance(part, Shared):
            raise TypeError(f"{type(part).__name__} cannot be stored")
        return self._numbers.setdefault(part, len(self._numbers))

    def forms(self) -> list[SharedForm]:
        return [_form(part) for part in self._numbers]


def _form(part: Shared) -> SharedForm:
    if isinstance(part, Ranges) and part.is_large:
        return SharedForm("", b"", tables=[part.edges.view(np.uint8)])
    if isinstance(part, Ranges):
        return SharedForm("", b"".join(end.to_bytes(_HALF) for span in part.spans for end in span))
    if isinstance(part, ScoreList):
        if isinstance(part.scores, ScoreTable):
            tables: list[NDArray[Any]] = [*part.scores.values.arrays, part.scores.score]
            return SharedForm("scores", [], part.name, tables=tables)
        return SharedForm("scores", list(part.scores), part.name, scores=list(part.scores.values()))
    if isinstance(part, ContextList):
        if isinstance(part.texts, TextTable):
            return SharedForm("contexts", [], part.name, tables=[*part.texts.arrays])
        return SharedForm("contexts", list(part.texts), part.name, texts=list(part.texts.values()))
    if isinstance(part, ValueTable):
        return SharedForm("values", [], tables=[*part.arrays])
    # As it was read: sets are stored before a packet has changed any.
    tables = [*part.listed.arrays] if part.listed is not None else []
    values = list(part.values)
    return SharedForm(part.kind, values, part.name, part.limit, tables=tables, keeping=part.keeping)


def shared_of(forms: Iterable[SharedForm]) -> list[Shared]:
    """Raises ValueError."""
    return [_shared(form) for form in forms]


def _shared(form: SharedForm) -> Shared:
    if isinstance(form.data, bytes) and form.tables:
        return Ranges.of(form.tables[0].view(KEY))
    if isinstance(form.data, bytes):
        ends = [int.from_bytes(form.data[at : at + _HALF]) for at in range(0, len(form.data), _HALF)]
        return Ranges(tuple(zip(ends[::2], ends[1::2], strict=True)))
    values = ValueTable(*form.tables[:_VALUE_TABLES]) if form.tables else None
    if form.kind == "values":
        return ValueTable(*form.tables)
    if form.kind == "scores" and values is not None:
        return ScoreList(form.name, ScoreTable(values, *form.tables[_VALUE_TABLES:]))
    if form.kind == "scores":
        return ScoreList(form.name, dict(zip(form.data, form.scores, strict=True)))
    if form.kind == "contexts" and values is not None:
        return ContextList(form.name, TextTable(values, *form.tables[_VALUE_TABLES:]))
    if form.kind == "contexts":
        return ContextList(form.name, dict(zip(form.data, form.texts, strict=True)))
    kind = msgspec.convert(form.kind, ValueKind)
    listed = form.data if values is None else values
    return ValueSet(form.name, kind, listed, limit=form.limit, keeping=form.keeping)


def encoder(shared: SharedParts) -> Callable[[Signature], bytes]:
    """Signature to bytes. Raises ValueError (OverflowError) for text or numbers that cannot be encoded."""
    return msgspec.msgpack.Encoder(enc_hook=shared.number).encode


class StoredSignatures(Sequence[Signature]):
    """All signatures of a set. start: int64[n + 1], offsets in data. Raises ValueError for what is none."""

    def __init__(self, data: memoryview, start: I64, shared: Sequence[Shared], rows: memoryview) -> None:
        """rows: a list of Listed, encoded: quicker to decode than the signatures."""
        self._count = start.size - 1
        self._rows = rows
        blobs = _Blobs(data, start, shared)
        self._at = lru_cache(KEPT)(blobs.decode)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Signature: ...
    @overload
    def __getitem__(self, number: slice) -> list[Signature]: ...
    def __getitem__(self, number: int | slice) -> Signature | list[Signature]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(self._count))]
        if not -self._count <= number < self._count:
            raise IndexError(f"there are {self._count} rules")
        return self._at(number % self._count)

    def listed(self) -> list[Listed]:
        return msgspec.msgpack.decode(self._rows, type=list[Listed])


class Listed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a list shows of a rule besides its identity."""

    rev: int
    msg: str
    path: str
    line: int
    classtype: str
    priority: int
    technique: str

    @classmethod
    def of(cls, s: Signature) -> Listed:
        return cls(s.rev, s.msg, s.origin.path, s.origin.line, s.classtype, s.priority, s.technique)


def listed(signatures: Sequence[Signature]) -> list[Listed]:
    """Of all rules, in order."""
    if isinstance(signatures, StoredSignatures):
        return signatures.listed()
    return [Listed.of(signature) for signature in signatures]


class _Blobs:
    """What is decoded; it knows nothing of who keeps the result, so that both go when the set goes."""

    def __init__(self, data: memoryview, start: I64, shared: Sequence[Shared]) -> None:
        self._data = data
        self._start = start

        def part(_wanted: type[Any], number: Any) -> Shared:
            found: Shared = shared[number]
            return found

        self._decoder = msgspec.msgpack.Decoder(Signature, dec_hook=part)

    def decode(self, number: int) -> Signature:
        return self._decoder.decode(self._data[int(self._start[number]) : int(self._start[number + 1])])

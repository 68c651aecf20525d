"""CompiledRules to a file and back."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields, replace
from typing import Any, BinaryIO, Final, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.evaluate import Plans
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import LoadResult
from vpi_tui.detect.stored.container import Writer, head_of
from vpi_tui.detect.stored.signatures import (
    SharedForm,
    SharedParts,
    StoredSignatures,
    encoder,
    listed,
    shared_of,
)
from vpi_tui.model.errors import RuleError

_APART: Final = {"signatures", "plans"}
"""Fields of a RuleSet that are not stored as they are."""


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """What came of rule files. Of stored ones `loaded` has no signatures: the set has them."""

    loaded: LoadResult
    ruleset: RuleSet
    data: memoryview | None = None
    """The file that they are mapped from."""


class _Head(msgspec.Struct, frozen=True):
    loaded: LoadResult
    tables: dict[str, msgspec.Raw]
    """Fields of the RuleSet."""
    has_plan: NDArray[np.bool_]
    start: NDArray[np.int64]
    """int64[n + 1]: where in the file each signature begins."""
    rows: tuple[int, int]
    """Where in the file the list of rules begins and ends."""
    shared: list[SharedForm]


def store(compiled: CompiledRules, file: BinaryIO) -> None:
    """Raises OSError; ValueError for what cannot be encoded."""
    try:
        if compiled.data is not None:
            file.write(compiled.data)
        else:
            _store(compiled, file)
    except (OverflowError, TypeError) as error:  # a number of more than 64 bits, a part of an unknown type
        raise ValueError(f"these rules cannot be stored: {error}") from None


def restore(data: memoryview) -> CompiledRules:
    """data: the file, writable, because the loops were compiled for arrays that are. Raises ValueError."""
    try:
        return _restore(data)
    except (msgspec.MsgspecError, LookupError, TypeError, struct.error) as error:
        raise ValueError(f"no stored set of rules: {error}") from None


def _store(compiled: CompiledRules, file: BinaryIO) -> None:
    writer, shared = Writer(file), SharedParts()
    ruleset = compiled.ruleset
    encode = encoder(shared)
    start = np.zeros(len(ruleset.signatures) + 1, np.int64)
    start[0] = writer.block(b"")
    for number, signature in enumerate(ruleset.signatures, 1):
        start[number] = writer.append(encode(signature))

    rows = msgspec.msgpack.encode(listed(ruleset.signatures))
    listing = writer.block(rows)

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return _put(writer, value)
        if isinstance(value, RuleError):
            return [value.path, value.line, value.reason, value.sid]
        return shared.number(value)

    encoded = msgspec.msgpack.Encoder(enc_hook=plain)
    names = [field.name for field in fields(ruleset) if field.name not in _APART]
    tables = {name: msgspec.Raw(encoded.encode(getattr(ruleset, name))) for name in names}
    loaded = replace(compiled.loaded, signatures=[])
    head = _Head(loaded, tables, ruleset.plans.has, start, (listing, listing + len(rows)), shared.forms())
    writer.finish(encoded.encode(head))


def _restore(data: memoryview) -> CompiledRules:
    def rich(wanted: Any, value: Any) -> Any:
        if wanted is RuleError:
            path, line, reason, sid = value
            return RuleError(path, line, reason, sid=sid)
        return _array(data, *value)

    head = msgspec.msgpack.decode(head_of(data), type=_Head, dec_hook=rich)
    signatures = StoredSignatures(data, head.start, shared_of(head.shared), data[slice(*head.rows)])
    hints = get_type_hints(RuleSet)
    tables = {
        name: msgspec.msgpack.decode(raw, type=hints[name], dec_hook=rich)
        for name, raw in head.tables.items()
    }
    ruleset = RuleSet(signatures=signatures, plans=Plans(signatures, head.has_plan), **tables)
    return CompiledRules(head.loaded, ruleset, data)


def _put(writer: Writer, array: NDArray[Any]) -> tuple[str, tuple[int, ...], int]:
    """(type, shape, offset)"""
    if not array.flags["C_CONTIGUOUS"] or array.dtype.kind not in "uib":
        raise ValueError(f"an array of {array.dtype} that is not contiguous cannot be stored")
    return array.dtype.str, array.shape, writer.block(array.data.cast("B") if array.size else b"")


def _array(data: memoryview, kind: str, shape: list[int], offset: int) -> NDArray[Any]:
    dtype = np.dtype(kind)
    if dtype.kind not in "uib":
        raise ValueError(f"no array is of type {kind}")
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.ndarray(tuple(shape), dtype, data, offset)

"""Files of values, and of values with scores: pieces of their lines become a table, a million in a second.

What is wrong in them raises ValueError, TypeError, KeyError or RecursionError, or Refused where there is more
to say.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64, hexlify, unhexlify
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, Final

import msgspec
import numpy as np

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.atoms import packed
from vpi_tui.model.valueset import ValueKind, ValueSet, key_of
from vpi_tui.model.valuetable import ScoreTable, TableBuilder, TextTable, ValueTable, few_or_uneven

MOST_VALUES: Final = 4_000_000
"""In one set."""
FORMATS: Final = ("csv", "json", "ndjson", "jsonline")
PIECE: Final = 1 << 20
"""Bytes whose lines are objects of Python at a time."""
_AT_A_TIME: Final = 10_000
"""Entries of JSON that are objects of Python at a time."""
_MOST_COMMAS: Final = 1 << 24
"""In JSON that is read as a whole: as many entries and fields may it have, each of which takes memory."""
_LONGEST_CONTEXT: Final = 1_024
"""Bytes of what an alert tells of a value, as in Suricata."""
_LONGEST_ENTRY: Final = 1 << 20
"""Characters of a line of JSON."""
_DIGEST_SIZES: Final = {"md5": 16, "sha1": 20, "sha256": 32}
_MOST_SCORE: Final = (1 << 31) - 1
"""Larger ones are as large as any rule asks for; smaller than none are -1."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """Where the values of a set are. value_key: of JSON, names of objects in objects with dots between."""

    name: str
    format: str = "csv"
    value_key: str = ""
    array_key: str = ""


@dataclass(slots=True)
class Misfits:
    """Words of a file that are no value of its kind: a heading, a line that was damaged."""

    count: int = 0
    first: str = ""

    def note(self, words: Iterable[str]) -> None:
        for word in words:
            self.first = self.first if self.count else word
            self.count += 1

    def check(self, found: int) -> None:
        """Raises ValueError when there is nothing else."""
        if self.count and not found:
            raise ValueError(f"{self.first[:40]!r} is no value of this kind, and no other line has one")


def pieces_of(path: Path, encoding: str = "utf-8", errors: str = "strict") -> Iterator[list[str]]:
    """The lines of a file, some thousands at a time, with their ends. Raises OSError, ValueError."""
    with path.open("r", encoding=encoding, errors=errors) as file:
        while lines := file.readlines(PIECE):
            yield lines


def values_of(path: Path, file: DataFile, kind: ValueKind, misfits: Misfits) -> Iterable[bytes] | ValueTable:
    """What a set of this kind holds of the file; what is none is passed over, and noted."""
    builder, count = TableBuilder(), 0
    decoded = _DECODERS[kind] if kind != "string" or file.format == "csv" else str.encode
    for words in _words(path, file):
        builder.add([key for key in _keys(kind, decoded, words, misfits) if key is not None])
        count += len(words)
        _check_count("dataset", path, count)
    misfits.check(count - misfits.count)
    table = builder.table()
    return tuple(table) if few_or_uneven(table) else table


def scores_of(path: Path, name: str, kind: ValueKind, misfits: Misfits) -> dict[bytes, int] | ScoreTable:
    """Of lines `value,score`; of a value that is there twice the first one counts, as in Suricata."""
    builder, scores, count = TableBuilder(), [np.zeros(0, np.int32)], 0
    for lines in pieces_of(path):
        parts = [part for line in lines if (part := line.strip().rpartition(","))[2] or part[1]]
        if bare := next((score for _, comma, score in parts if not comma), ""):
            raise Refused(f"datarep: {name}: no score in {bare[:40]!r}")
        found = _scored(kind, parts, misfits)
        builder.add([key for key, _ in found])
        scores.append(np.array([score for _, score in found], np.int32))
        count += len(parts)
        _check_count("datarep", path, count)
    misfits.check(count - misfits.count)
    table = ScoreTable(builder.table(), np.concatenate(scores))
    return dict(table.items()) if few_or_uneven(table.values) else table


def contexts_of(path: Path, file: DataFile, kind: ValueKind, *, bare: bool) -> dict[bytes, bytes] | TextTable:
    """The entries of JSON by their values; of a value that is there twice the first one counts, as in
    Suricata.

    bare: without the value itself. Of those that are too long there is nothing to tell: as in Suricata they
    would make every alert long.
    """
    builder, blob, sizes = TableBuilder(), bytearray(), [0]
    decode = _DECODERS[kind] if kind != "string" else str.encode
    for entries in _entries(path, file):
        words = [_value_of(entry, file.value_key) for entry in entries]
        keys = [_key(kind, decode, word) if isinstance(word, str) else None for word in words]
        valued = [entry for entry, key in zip(entries, keys, strict=True) if key is not None]
        texts = [_told(entry, file.value_key if bare else "") for entry in valued]
        builder.add([key for key in keys if key is not None])
        blob += b"".join(texts)
        sizes += map(len, texts)
    start = np.cumsum(np.array(sizes, np.uint32), dtype=np.uint32)
    table = TextTable(builder.table(), np.frombuffer(bytes(blob), np.uint8), start)
    return dict(table.items()) if few_or_uneven(table.values) else table


def _told(entry: dict[str, Any], without: str) -> bytes:
    """An entry as alerts tell it, b"" = not at all."""
    if without:
        *above, last = without.split(".")
        (_dig(entry, ".".join(above)) if above else entry).pop(last)
    try:
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError):  # NaN, half a pair of surrogates: no JSON to others
        return b""
    return text if len(text) <= _LONGEST_CONTEXT else b""


def _scored(
    kind: ValueKind, parts: Sequence[tuple[str, str, str]], misfits: Misfits
) -> list[tuple[bytes, int]]:
    keys = _keys(kind, _DECODERS[kind], [word.strip() for word, _, _ in parts], misfits)
    found = []
    for key, (_, _, text) in zip(keys, parts, strict=True):
        if key is None:
            continue
        try:
            found.append((key, max(min(int(text), _MOST_SCORE), -1)))
        except ValueError:
            misfits.note((text,))
    return found


def _keys(
    kind: ValueKind, decode: Callable[[str], bytes], words: Sequence[str], misfits: Misfits
) -> list[bytes | None]:
    """What the words say, one by one only where some say nothing; these are None, and noted."""
    try:
        keys = [key_of(kind, value) for value in map(decode, words)]
    except ValueError:
        keys = [_key(kind, decode, word) for word in words]
    if None in keys:
        misfits.note(word for word, key in zip(words, keys, strict=True) if key is None)
    return keys


def _key(kind: ValueKind, decode: Callable[[str], bytes], word: str) -> bytes | None:
    try:
        return key_of(kind, decode(word))
    except ValueError:
        return None


def digests_of(path: Path, kind: str) -> frozenset[bytes] | ValueTable:
    """The first words of lines, in hex; behind # is a comment."""
    builder = TableBuilder()
    for lines in pieces_of(path, "ascii"):
        words = [parts[0] for line in lines if (parts := line.partition("#")[0].split(None, 1))]
        builder.add([_digest(kind, word) for word in words])
    table = builder.table()
    return frozenset(table) if few_or_uneven(table) else table


def lines_of(values: ValueSet) -> Iterator[bytes]:
    """What a set holds as a file of lines, some thousands at a time, as `values_of` reads it."""
    encoded, left = _ENCODERS[values.kind], iter(values)
    while some := [encoded(value) for value in islice(left, _AT_A_TIME)]:
        yield b"\n".join(some) + b"\n"


def _check_count(keyword: str, path: Path, count: int) -> None:
    if count > MOST_VALUES:
        raise Refused(f"{keyword}: {path} holds more than {MOST_VALUES:,} values")


def _digest(kind: str, word: str) -> bytes:
    found = bytes.fromhex(word)
    if len(found) != _DIGEST_SIZES[kind]:
        raise ValueError(f"{word[:80]} is none")
    return found


def _words(path: Path, file: DataFile) -> Iterator[list[str]]:
    if file.format == "csv":
        for lines in pieces_of(path):
            yield [word for line in lines if (word := line.partition(",")[0].strip())]
        return
    found = False
    for entries in _entries(path, file):
        words = [word for entry in entries if isinstance(word := _value_of(entry, file.value_key), str)]
        found |= bool(words)
        yield words
    if not found:
        raise KeyError(f"no entry has a text {file.value_key[:40]}")


def _entries(path: Path, file: DataFile) -> Iterator[list[Any]]:
    if file.format != "json":
        for lines in pieces_of(path):
            if any(len(line) > _LONGEST_ENTRY for line in lines):
                raise ValueError(f"a line has more than {_LONGEST_ENTRY:,} characters")
            yield [json.loads(line) for line in lines if line.strip()]
        return
    data = path.read_bytes()
    if data.count(b",") > _MOST_COMMAS:
        raise ValueError(f"there are more than {_MOST_COMMAS:,} entries and fields")
    try:
        entries = _unread_entries(data, file.array_key)
    except msgspec.MsgspecError:  # what the standard library takes as well (NaN) counts
        yield _all_entries(data.decode("utf-8"), file.array_key)
        return
    _check_count("dataset", path, len(entries))
    for at in range(0, len(entries), _AT_A_TIME):
        yield json.loads(str(b"[%b]" % b",".join(entries[at : at + _AT_A_TIME]), "utf-8"))


def _unread_entries(data: bytes, array_key: str) -> list[msgspec.Raw]:
    """The places of the entries: a million objects of Python would take half a gigabyte."""
    array: bytes | msgspec.Raw = data
    for name in array_key.split(".") if array_key else ():
        array = msgspec.json.decode(array, type=dict[str, msgspec.Raw])[name]
    return msgspec.json.decode(array, type=list[msgspec.Raw])


def _all_entries(text: str, array_key: str) -> list[Any]:
    whole: Any = json.loads(text)
    entries = _dig(whole, array_key) if array_key else whole
    if not isinstance(entries, list):
        raise TypeError("there is no list in it")
    return entries


def _value_of(entry: Any, key: str) -> Any:
    """None = the entry has none: files hold entries of different shapes, as Suricata knows."""
    try:
        return _dig(entry, key)
    except (KeyError, TypeError):
        return None


def _dig(entry: Any, key: str) -> Any:
    for name in key.split("."):
        entry = entry[name]
    return entry


def _base64(word: str) -> bytes:
    return a2b_base64(word, strict_mode=True)


_DECODERS: Final[dict[ValueKind, Callable[[str], bytes]]] = {
    "string": _base64,
    "md5": unhexlify,
    "sha256": unhexlify,
    "ip": packed,
    "ipv4": packed,
    "ipv6": packed,
}
"""As a file of lines writes values."""


def _address(value: bytes) -> bytes:
    return inet_ntop(AF_INET if len(value) == 4 else AF_INET6, value).encode()


def _base64_text(value: bytes) -> bytes:
    return b2a_base64(value, newline=False)


_ENCODERS: Final[dict[ValueKind, Callable[[bytes], bytes]]] = {
    "string": _base64_text,
    "md5": hexlify,
    "sha256": hexlify,
    "ip": _address,
    "ipv4": _address,
    "ipv6": _address,
}

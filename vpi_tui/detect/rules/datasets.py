"""Files of datasets, read into sets: one set for each name, however many rules ask it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.inputs import Inputs
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.valuefiles import MOST_VALUES, DataFile, digests_of, scores_of, values_of
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.valueset import ScoreList, ValueKind, ValueSet
from vpi_tui.model.valuetable import ScoreTable, ValueTable

MAX_FILE: Final = 256 << 20
MOST_HASHSIZE: Final = 65_536
"""Suricata's datasets.limits.single-hashsize, as it is there when nothing is set."""

_SIZE: Final = re.compile(r"[0-9]{1,10}(?:[kmg]b)?", re.A | re.I)


@dataclass(frozen=True, slots=True)
class Declared:
    """A set of the settings. file "": it begins empty; optional: so it does when the file is missing."""

    kind: ValueKind
    file: str = ""
    optional: bool = False


DATASETS: Final = "datasets."


def declared(options: Mapping[str, str]) -> dict[str, Declared]:
    """The sets that `datasets.NAME.type`, with `load` or `state` beside it, declare. Raises ConfigError."""
    made = {}
    for key in options:
        name, dot, _ = key.removeprefix(DATASETS).rpartition(".")
        if not key.startswith(DATASETS) or not dot or name in made:
            continue
        said = {word: options.get(f"{DATASETS}{name}.{word}", "") for word in ("type", "load", "state")}
        if not said["type"] or (said["load"] and said["state"]):
            raise ConfigError(
                f"The dataset {name!r} has no type, or both load and state.",
                hint=f"Set {DATASETS}{name}.type to string, md5, sha256 or ip, and one file or none.",
            )
        kind = cast(ValueKind, said["type"])
        made[name] = Declared(kind, said["load"] or said["state"], bool(said["state"]))
    return made


@dataclass(slots=True)
class DataSets:
    """directory: where relative names are looked for; None = beside the rule file (`beside`)."""

    directory: Path | None = None
    beside: Path = field(default_factory=Path)
    inputs: Inputs = field(default_factory=Inputs)
    declared: Mapping[str, Declared] = field(default_factory=dict)
    _sets: dict[str, ValueSet] = field(default_factory=dict)
    _scores: dict[tuple[str, str], ScoreList] = field(default_factory=dict)
    _digests: dict[tuple[Path, str], frozenset[bytes] | ValueTable] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Has a rule before, or the settings, made the set of this name?"""
        return name in self._sets or name in self.declared

    def get(self, name: str, kind: ValueKind | None, file: DataFile | None) -> ValueSet:
        """The set of this name; the settings or the first rule that says its kind make it. Raises Refused."""
        found = self._sets.get(name) or self._declared(name)
        if found is not None:
            if kind not in {None, found.kind}:
                raise Refused(f"dataset: {name[:40]} holds {found.kind}, not {kind}, by an earlier rule")
            return found
        if kind is None:
            raise Refused(f"dataset: type is missing, and no earlier rule has said it of {name[:40]}")
        values = self._read(file, kind) if file is not None else ()
        made = self._sets[name] = ValueSet(name, kind, values, limit=MOST_VALUES)
        return made

    def _declared(self, name: str) -> ValueSet | None:
        said = self.declared.get(name)
        if said is None:
            return None
        absent = not said.file or (said.optional and not self._path("dataset", said.file).is_file())
        values = () if absent else self._read(DataFile(said.file), said.kind)
        made = self._sets[name] = ValueSet(name, said.kind, values, limit=MOST_VALUES)
        return made

    def has(self, name: str) -> bool:
        """Is there a file of that name (of a state)? Raises Refused for a name that leaves the directory."""
        path = Path(name)
        if path.is_absolute() or ".." in path.parts:
            raise Refused(f"dataset: {name[:60]!r} must be a name inside of the data directory")
        return bool(name) and self._path("dataset", name).is_file()

    def digests(self, name: str, kind: str) -> frozenset[bytes] | ValueTable:
        """The list of a filemd5, filesha1 or filesha256: one a line in hex, what is behind it passed over.

        Raises Refused.
        """
        word = f"file{kind}"
        path = self._path(word, name)
        found = self._digests.get((path, kind))
        if found is None:
            try:
                if path.stat().st_size > MAX_FILE:
                    raise Refused(f"{word}: {path} is larger than {MAX_FILE:,} bytes")
                found = digests_of(path, kind)
            except OSError as error:
                raise Refused(f"{word}: {path} cannot be read: {error.strerror}") from None
            except ValueError as error:
                raise Refused(f"{word}: {path} is no list of {kind}: {str(error)[:80]}") from None
            self._digests[path, kind] = found
        return found

    def _path(self, keyword: str, name: str) -> Path:
        """Where a list is that is read: as it says, else in the directory. Raises Refused for a device."""
        found = (self.directory or self.beside) / name
        if found.exists() and not found.is_file():
            raise Refused(f"{keyword}: {name[:60]!r} is no regular file")
        self.inputs.note(found)
        return found

    def scores(self, file: str, kind: str) -> ScoreList:
        """The scores of a file, `value,score` a line. Raises Refused."""
        found = self._scores.get((file, kind))
        if found is None:
            found = self._scores[file, kind] = ScoreList(file, self._read_scores(file, cast(ValueKind, kind)))
        return found

    def _read_scores(self, file: str, kind: ValueKind) -> dict[bytes, int] | ScoreTable:
        try:
            path = self._path("datarep", file)
            if path.stat().st_size > MAX_FILE:
                raise Refused(f"datarep: {path} is larger than {MAX_FILE:,} bytes")
            return scores_of(path, file, kind)
        except OSError as error:
            raise Refused(f"datarep: {file} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise Refused(f"datarep: {file} is not what it should be: {str(error)[:80]}") from None

    def _read(self, file: DataFile, kind: ValueKind) -> Iterable[bytes] | ValueTable:
        path = self._path("dataset", file.name)
        try:
            if path.stat().st_size > MAX_FILE:
                raise Refused(f"dataset: {path} is larger than {MAX_FILE:,} bytes")
            return values_of(path, file, kind)
        except OSError as error:
            raise Refused(f"dataset: {path} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Refused(f"dataset: {path} is not what it should be: {str(error)[:80]}") from None


def check_hashsize(keyword: str, text: str) -> None:
    """Our sets need none, but a rule that asks for more than Suricata gives is not loaded there either.

    What is no number of it is passed over, as there. Raises Refused.
    """
    if not _SIZE.fullmatch(text):
        return
    asked = integer(f"{keyword} hashsize", text, 0, 0xFFFFFFFF)
    if asked > MOST_HASHSIZE:
        raise Refused(
            f"{keyword}: hashsize {asked:,} is above Suricata's {MOST_HASHSIZE:,}; leave hashsize out"
        )

"""Files of datasets, read into sets: one set for each name, however many rules ask it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.inputs import Inputs
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.valuefiles import (
    MOST_VALUES,
    DataFile,
    Misfits,
    contexts_of,
    digests_of,
    scores_of,
    values_of,
)
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.valueset import ContextList, ScoreList, ValueKind, ValueSet
from vpi_tui.model.valuetable import ValueTable

MAX_FILE: Final = 256 << 20
MOST_HASHSIZE: Final = 65_536
"""Suricata's datasets.limits.single-hashsize, as it is there when nothing is set."""

_ALIKE: Final = {"ip": "ipv6"}
"""Kinds that are one: addresses of both versions."""
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


@dataclass(frozen=True, slots=True)
class Lists:
    """What a rule says of the files of a set. save: where it would be kept; "" = nowhere."""

    load: DataFile | None = None
    save: str = ""

    @property
    def is_state(self) -> bool:
        """One file for both: it is in the data directory, and may be missing."""
        return self.load is not None and self.load.name == self.save


@dataclass(frozen=True, slots=True)
class _Known:
    """A set that the settings or a rule have made: all rules mean this one by its name."""

    kind: ValueKind
    path: Path | None
    lists: Lists


@dataclass(slots=True)
class DataSets:
    """directory: where relative names are looked for that are not beside the rule file (`beside`)."""

    directory: Path | None = None
    beside: Path = field(default_factory=Path)
    inputs: Inputs = field(default_factory=Inputs)
    declared: Mapping[str, Declared] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    """What is odd about the files that were read since somebody took these."""
    _known: dict[str, _Known] = field(default_factory=dict)
    """By name in lower case, as in those behind it: upper and lower case are one name, as in Suricata."""
    _sets: dict[str, ValueSet] = field(default_factory=dict)
    _scores: dict[str, ScoreList] = field(default_factory=dict)
    _contexts: dict[tuple[str, bool], ContextList] = field(default_factory=dict)
    _digests: dict[tuple[Path, str], frozenset[bytes] | ValueTable] = field(default_factory=dict)

    def get(self, name: str, kind: ValueKind | None, lists: Lists, hashsize: str = "") -> ValueSet:
        """The set of this name; the settings or the first rule that names it make it. Raises Refused."""
        known = self._find("dataset", name, kind, lists, hashsize)
        made = self._sets.get(name.lower())
        if made is None:
            values, lasts = self._read(known), known.path is None or bool(known.lists.save)
            made = ValueSet(name, known.kind, values, limit=MOST_VALUES, lasts=lasts)
            self._sets[name.lower()], self._known[name.lower()] = made, known
        return made

    def scores(self, name: str, kind: ValueKind | None, lists: Lists, hashsize: str = "") -> ScoreList:
        """The scores of the set of this name, `value,score` a line of its file. Raises Refused."""
        known = self._find("datarep", name, kind, lists, hashsize)
        made = self._scores.get(name.lower())
        if made is None:
            made = self._scores[name.lower()] = self._read_scores(name, known)
            self._known[name.lower()] = known
        return made

    def contexts(self, name: str, *, bare: bool) -> ContextList | None:
        """What the file of the set of this name, which is there, tells of its values; None = it is no JSON.

        Raises Refused.
        """
        made = self._contexts.get((name.lower(), bare))
        if made is None:
            known = self._known[name.lower()]
            path, file = known.path, known.lists.load
            if path is None or file is None or file.format == "csv":
                return None
            with _reading("dataset", path):
                texts = contexts_of(path, file, known.kind, bare=bare)
            made = self._contexts[name.lower(), bare] = ContextList(file.name, texts)
        return made

    def take_notices(self) -> list[str]:
        taken, self.notices = self.notices, []
        return taken

    def _find(self, keyword: str, name: str, kind: ValueKind | None, lists: Lists, hashsize: str) -> _Known:
        known = self._known.get(name.lower()) or self._from_settings(name)
        if known is not None:
            self._check_same(keyword, name, known, kind, lists)
            return known
        if kind is None:
            raise Refused(f"{keyword}: type is missing, and no earlier rule has said it of {name[:40]}")
        check_hashsize(keyword, hashsize)
        return _Known(kind, self._path_of(keyword, lists), lists)

    def _check_same(
        self, keyword: str, name: str, known: _Known, kind: ValueKind | None, lists: Lists
    ) -> None:
        """Raises Refused for a rule that wants another set of this name than there is."""
        if kind is not None and _ALIKE.get(kind, kind) != _ALIKE.get(known.kind, known.kind):
            raise Refused(f"{keyword}: {name[:40]} holds {known.kind}, not {kind}, by an earlier rule")
        if lists == Lists():
            return
        kept_alike = (lists.is_state and known.lists.is_state) or lists.save == known.lists.save
        if not kept_alike or self._path_of(keyword, lists) != known.path:
            raise Refused(f"{keyword}: {name[:40]} has another file, or none, by an earlier rule")

    def _from_settings(self, name: str) -> _Known | None:
        said = next((said for one, said in self.declared.items() if one.lower() == name.lower()), None)
        if said is None:
            return None
        lists = Lists(DataFile(said.file) if said.file else None, said.file if said.optional else "")
        return _Known(said.kind, self._path_of("dataset", lists), lists)

    def _path_of(self, keyword: str, lists: Lists) -> Path | None:
        return None if lists.load is None else self._path(keyword, lists.load.name, kept=lists.is_state)

    def digests(self, name: str, kind: str) -> frozenset[bytes] | ValueTable:
        """The list of a filemd5, filesha1 or filesha256: one a line in hex, what is behind it passed over.

        Raises Refused.
        """
        word = f"file{kind}"
        path = self._path(word, name)
        found = self._digests.get((path, kind))
        if found is None:
            with _reading(word, path, f"no list of {kind}"):
                found = digests_of(path, kind)
            self._digests[path, kind] = found
        return found

    def _path(self, keyword: str, name: str, *, kept: bool = False) -> Path:
        """Where a list is: beside the rules, else in the directory, where what is kept is alone.

        Raises Refused for a device.
        """
        found = self.beside / name
        if self.directory is not None and (kept or not found.exists()):
            self.inputs.note(found)
            found = self.directory / name
        if found.exists() and not found.is_file():
            raise Refused(f"{keyword}: {name[:60]!r} is no regular file")
        self.inputs.note(found)
        return found

    def _read(self, known: _Known) -> Iterable[bytes] | ValueTable:
        path, file = known.path, known.lists.load
        if path is None or file is None or (known.lists.is_state and not path.is_file()):
            return ()
        misfits = Misfits()
        with _reading("dataset", path):
            values = values_of(path, file, known.kind, misfits)
        self._tell(path, known.kind, misfits)
        return values

    def _read_scores(self, name: str, known: _Known) -> ScoreList:
        path, file = known.path, known.lists.load
        if path is None or file is None or file.format != "csv":
            raise Refused(f"datarep: load is missing; a file of lines gives the scores of {name[:40]}")
        misfits = Misfits()
        with _reading("datarep", path):
            scores = scores_of(path, file.name, known.kind, misfits)
        self._tell(path, known.kind, misfits)
        return ScoreList(file.name, scores)

    def _tell(self, path: Path, kind: str, misfits: Misfits) -> None:
        if misfits.count:
            self.notices.append(
                f"{path}: {misfits.count:,} passed over that are no {kind}, {misfits.first[:40]!r} first"
            )


@contextmanager
def _reading(keyword: str, path: Path, wrong: str = "not what it should be") -> Iterator[None]:
    """What goes wrong is a reason to refuse the rule."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise Refused(f"{keyword}: {path} is larger than {MAX_FILE:,} bytes")
        yield
    except OSError as error:
        raise Refused(f"{keyword}: {path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused(f"{keyword}: {path} is {wrong}: {str(error)[:80]}") from None


def check_inside(name: str) -> None:
    """Of what a rule keeps. Raises Refused for a name that leaves the directory."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise Refused(f"dataset: {name[:60]!r} must be a name inside of the data directory")


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

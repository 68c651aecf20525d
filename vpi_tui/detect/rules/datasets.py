"""Files of datasets, read into sets: one set for each name, however many rules ask it."""

from __future__ import annotations

import os
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
from vpi_tui.model.valueset import ContextList, Keeping, ScoreList, ValueKind, ValueSet, are_alike
from vpi_tui.model.valuetable import ValueTable

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
OF_RULES: Final = "datasets.rules."
"""Settings about all sets that rules make."""
DATA_DIR: Final = "default-data-dir"


@dataclass(frozen=True, slots=True)
class Writing:
    """What rules may have written, and where. directory: of relative names; None = nowhere."""

    directory: Path | None = None
    allowed: bool = True
    anywhere: bool = False
    """May they name absolute paths?"""

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Writing:
        """From settings."""
        directory = options.get(DATA_DIR)
        return cls(
            Path(directory).absolute() if directory else None,
            options.get(f"{OF_RULES}allow-write", "yes") == "yes",
            options.get(f"{OF_RULES}allow-absolute-filenames", "no") == "yes",
        )

    def place(self, name: str) -> str:
        """Where the file of that name is kept, absolute; "" = nowhere. Raises Refused."""
        if not self.allowed:
            raise Refused(f"dataset: {OF_RULES}allow-write forbids save and state")
        path = Path(name)
        if not path.name or not _is_utf8(name):
            raise Refused(f"dataset: {name[:60]!r} is no name of a file, in UTF-8")
        if self.anywhere and path.is_absolute():
            return _plain(path)
        if path.is_absolute() or ".." in path.parts:
            raise Refused(
                f"dataset: {name[:60]!r} must be a name inside of the data directory"
                f" ({OF_RULES}allow-absolute-filenames allows others)"
            )
        return str(self.directory / path) if self.directory is not None else ""


def _plain(path: Path) -> str:
    """The absolute path that two spellings of one have in common."""
    return os.path.normpath("/" + str(path.absolute()).lstrip("/"))


def _is_utf8(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:  # bytes of a file of rules that were none
        return False


def declared(options: Mapping[str, str]) -> dict[str, Declared]:
    """The sets that `datasets.NAME.type`, with `load` or `state` beside it, declare. Raises ConfigError."""
    made = {}
    for key in options:
        name, dot, _ = key.removeprefix(DATASETS).rpartition(".")
        if not key.startswith(DATASETS) or key.startswith(OF_RULES) or not dot or name in made:
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
    kept: str = ""
    """Where it outlives the engine, absolute; "" = nowhere."""

    @property
    def keeping(self) -> Keeping:
        return Keeping(
            self.kept,
            resumes=bool(self.kept) and self.lists.is_state,
            lists=self.lists.load is not None and not (self.lists.save and self.lists.load.format == "csv"),
        )


@dataclass(slots=True)
class DataSets:
    """directory: where relative names are looked for that are not beside the rule file (`beside`)."""

    directory: Path | None = None
    beside: Path = field(default_factory=Path)
    inputs: Inputs = field(default_factory=Inputs)
    declared: Mapping[str, Declared] = field(default_factory=dict)
    writing: Writing = Writing()
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
            keeping = known.keeping
            self._check_only(keeping)
            # What an earlier run has put into it is the engine's to read: it changes, and rules are cached.
            values = () if keeping.resumes else self._read(known)
            made = ValueSet(name, known.kind, values, limit=MOST_VALUES, keeping=keeping)
            self._sets[name.lower()] = made
            self._known[name.lower()] = known
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
        self.notices.clear()  # those left are of a rule that was refused
        known = self._known.get(name.lower()) or self._from_settings(name)
        if known is not None:
            self._check_same(keyword, name, known, kind, lists)
            return known
        if kind is None:
            raise Refused(f"{keyword}: type is missing, and no earlier rule has said it of {name[:40]}")
        check_hashsize(keyword, hashsize)
        return _Known(kind, self._path_of(keyword, lists), lists, self._kept(name, lists))

    def _kept(self, name: str, lists: Lists) -> str:
        """Raises Refused."""
        place = self.writing.place(lists.save) if lists.save else ""
        if lists.load is not None and lists.load.format != "csv":
            return ""  # no rule changes it
        if lists.save and not place:
            self.notices.append(
                f"dataset: what is put into {name[:40]} lives as long as the engine: {DATA_DIR} is not set"
            )
        return place

    def _check_only(self, keeping: Keeping) -> None:
        """Raises Refused for a file that keeps another set."""
        file = keeping.file
        if other := next((one.name for one in self._sets.values() if file and one.keeping.file == file), ""):
            raise Refused(f"dataset: {file} is where {other[:40]} is kept")

    def _check_same(
        self, keyword: str, name: str, known: _Known, kind: ValueKind | None, lists: Lists
    ) -> None:
        """Raises Refused for a rule that wants another set of this name than there is."""
        if kind is not None and not are_alike(kind, known.kind):
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
        kept = _plain(Path(said.file)) if said.optional else ""
        return _Known(said.kind, self._path_of("dataset", lists), lists, kept)

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
        if kept:  # no input until somebody reads it: it changes while rules run
            return (self.writing.directory or self.directory or self.beside) / name
        found = self.beside / name
        if self.directory is not None and not found.exists():
            self.inputs.note(found)
            found = self.directory / name
        if found.exists() and not found.is_file():
            raise Refused(f"{keyword}: {name[:60]!r} is no regular file")
        self.inputs.note(found)
        return found

    def _read(self, known: _Known) -> Iterable[bytes] | ValueTable:
        path, file = known.path, known.lists.load
        if path is None or file is None:
            return ()
        self.inputs.note(path)
        if known.lists.is_state and not path.is_file():
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
        self.inputs.note(path)
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

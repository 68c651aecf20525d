"""Loads rule files and packs: every good rule stays, every bad one is reported with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vpi_tui.detect.rules import threshold_file
from vpi_tui.detect.rules.ast import Refused, Skipped
from vpi_tui.detect.rules.categories import packs_of
from vpi_tui.detect.rules.classification import DEFAULT_CLASSES, FILE_NAME, read_classification
from vpi_tui.detect.rules.inputs import Inputs, rule_files_in
from vpi_tui.detect.rules.lexer import rules_in
from vpi_tui.detect.rules.packs import Pack, read_pack
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.detect.rules.sources import Sources
from vpi_tui.detect.rules.text import printable
from vpi_tui.detect.rules.variables import Variables
from vpi_tui.model.errors import RuleError
from vpi_tui.model.signature import Origin, Signature

MAX_FILE = 256 << 20
"""Bytes; the largest public rule set has 40 MB."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was accepted, and that the operator may want to know."""

    origin: Origin
    text: str

    def __str__(self) -> str:
        return f"{self.origin.path}:{self.origin.line}: {self.text}"


@dataclass(slots=True)
class LoadResult:
    """What came of loading: signatures in order of the files, errors, notices, packs."""

    signatures: list[Signature] = field(default_factory=list)
    errors: list[RuleError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    packs: list[Pack] = field(default_factory=list)
    unreadable: list[RuleError] = field(default_factory=list)
    """Those errors that are about files or directories which could not be read at all."""
    duplicates: int = 0
    """Rules that gave way to another of the same gid and sid; each has a notice."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Path to stamp of all that was read, or looked for in vain (inputs.py)."""


def load(
    paths: Iterable[Path | str],
    variables: Mapping[str, str] | None = None,
    *,
    with_disabled: bool = False,
    progress: Progress | None = None,
    data_dir: Path | None = None,
    options: Mapping[str, str] | None = None,
) -> LoadResult:
    """Load `.rules` files and `.yaml` / `.yml` packs; of a directory, all of them by name.

    variables: settings `vars.address-groups.NAME` and `vars.port-groups.NAME`. with_disabled: load
    commented-out rules too, as signatures with enabled=False. progress is told the number of rules
    read so far, now and then. data_dir: where files of datasets are that are not beside the rules. options:
    settings in Suricata's spelling, of which those about reputation, geoip and thresholds matter. A
    classification.config beside a file adds to the classes for it.
    Raises ConfigError for a setting that cannot be; nothing else.
    """
    result = LoadResult()
    parser = Parser(Variables(variables), sources=Sources.of(options or {}, data_dir))
    for path in _files(paths, result, parser.sources.inputs):
        parser.sources.inputs.note(path)
        parser.sources.inputs.note(path.parent / FILE_NAME)
        text = _read(path, result)
        if text is None:
            continue
        parser.classes = _classes_beside(path)
        parser.sources.datasets.beside = path.parent
        if path.suffix.lower() in {".yaml", ".yml"}:
            _read_pack(path, text, parser, result)
        else:
            _read_rules(path, text, parser, result, with_disabled, progress)
        result.notices.extend(Notice(origin, text) for origin, text in parser.notices)
        parser.notices.clear()
    if parser.sources.reputation is not None:
        result.notices.extend(Notice(origin, text) for origin, text in parser.sources.reputation.notices)
    _drop_duplicates(result)
    if parser.sources.threshold_file is not None:
        entries, errors = threshold_file.read(parser.sources.threshold_file, parser.variables)
        result.signatures = threshold_file.limited(result.signatures, entries)
        result.errors += errors
    result.inputs = parser.sources.inputs.stamps
    return result


def _read_rules(
    path: Path, text: str, parser: Parser, result: LoadResult, with_disabled: bool, progress: Progress | None
) -> None:
    name = printable(str(path))
    rules = list(rules_in(text, with_disabled=with_disabled))
    packs = packs_of([rule.text for rule in rules], printable(path.name))
    for count, (rule, pack) in enumerate(zip(rules, packs, strict=True), 1):
        origin = Origin(name, rule.line, pack)
        try:
            found = parser.parse(rule.text, origin, enabled=rule.enabled)
        except Skipped as skipped:
            if rule.enabled:
                parser.notices.append((origin, skipped.reason))
        except Refused as refused:
            # A commented-out line that is no rule is just a comment.
            if rule.enabled:
                result.errors.append(refused.at(name, rule.line, rule.text))
        else:
            result.signatures.append(found)
        if progress is not None and count % 512 == 0:
            progress(len(result.signatures) + len(result.errors))


def _read_pack(path: Path, text: str, parser: Parser, result: LoadResult) -> None:
    content = read_pack(printable(str(path)), text, parser)
    result.signatures += content.signatures
    result.errors += content.errors
    if content.pack is not None:
        result.packs.append(content.pack)


def _files(paths: Iterable[Path | str], result: LoadResult, inputs: Inputs) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        try:
            if path.is_dir():
                inputs.note(path)
                found += rule_files_in(path)
            else:
                found.append(path)
        except OSError as error:
            _note_unreadable(result, path, f"cannot be read: {error.strerror}")
    return found


def _read(path: Path, result: LoadResult) -> str | None:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            _note_unreadable(result, path, f"{size:,} bytes; the limit is {MAX_FILE:,}")
            return None
        # Bytes that are no UTF-8 pass through as surrogates, so that patterns keep them.
        return path.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _note_unreadable(result, path, f"cannot be read: {reason}")
        return None


def _note_unreadable(result: LoadResult, path: Path, reason: str) -> None:
    result.errors.append(RuleError(printable(str(path)), 1, reason))
    result.unreadable.append(result.errors[-1])


def _classes_beside(path: Path) -> Mapping[str, int]:
    try:
        text = (path.parent / FILE_NAME).read_bytes().decode("utf-8", "replace")
    except OSError:
        return DEFAULT_CLASSES
    return {**DEFAULT_CLASSES, **read_classification(text)}


def _drop_duplicates(result: LoadResult) -> None:
    """Of rules with one gid and sid the highest rev stays; of equal ones the first."""
    best: dict[tuple[int, int], Signature] = {}
    for item in result.signatures:
        key = (item.gid, item.sid)
        known = best.get(key)
        if known is None:
            best[key] = item
            continue
        kept, dropped = (item, known) if item.rev > known.rev else (known, item)
        best[key] = kept
        result.duplicates += 1
        where = f"{kept.origin.path}:{kept.origin.line}"
        text = f"rule {item.gid}:{item.sid} rev {dropped.rev} gives way to rev {kept.rev} at {where}"
        result.notices.append(Notice(dropped.origin, text))
    if result.duplicates:
        result.signatures = list(best.values())

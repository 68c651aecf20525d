"""enable.conf, disable.conf and modify.conf: which rules of a set are wanted, and how they are changed.

One filter a line, as suricata-update documents them:

    2019401                     a sid, also as gid:sid, or several with commas between
    re:heartbleed               a regular expression on the rule's text, whatever the case
    group:emerging-dos.rules    a rule file by its name, with or without .rules; * and ? stand for characters
    filename:*deleted*          likewise
    metadata: deployment perimeter

and in modify.conf a filter (also * for every rule), what to look for and what to put there, both in quotes:

    2019401 "seconds \\d+" "seconds 3600"
    modifysid * "^drop" | "alert"
    metadata-add group:emerging-dos "tier" "2"
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vpi_tui.detect.rules.lexer import rules_in
from vpi_tui.model.errors import ConfigError

Filter = Callable[["Rule"], bool]
_SID: Final = re.compile(r"\bsid\s*:\s*(\d+)\s*;")
_GID: Final = re.compile(r"\bgid\s*:\s*(\d+)\s*;")
_METADATA: Final = re.compile(r"\bmetadata\s*:\s*([^;]*);")
_SIDS: Final = re.compile(r"(?:\d+:)?\d+(?:\s*,\s*(?:\d+:)?\d+)*")
_QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'
_CHANGE: Final = re.compile(
    rf"(modifysid\s+|metadata-add\s+)?(re:{_QUOTED}|re:\S+|\S+)\s+{_QUOTED}\s*\|?\s*{_QUOTED}"
)
_REMARKED: Final = re.compile(r'((?:[^"\s]|"(?:[^"\\]|\\.)*+"|\s(?!#))*+)\s#.*')
"""A line with a comment behind a blank, not within quotes."""
_GROUP: Final = re.compile(r"\$\{(\d)\}")
MAX_CONF: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a set. file: name of the file that it stands in."""

    text: str
    file: str
    enabled: bool

    @property
    def ids(self) -> tuple[int, int]:
        """(gid, sid); sid 0 = it names none."""
        sid, gid = _SID.search(self.text), _GID.search(self.text)
        return int(gid[1]) if gid else 1, int(sid[1]) if sid else 0


@dataclass(slots=True)
class Selection:
    """What the three files ask for, in the order in which it acts: disable, enable, modify."""

    disable: list[Filter] = field(default_factory=list)
    enable: list[Filter] = field(default_factory=list)
    modify: list[Callable[[Rule], str]] = field(default_factory=list)

    def apply(self, text: str, file: str) -> str:
        """The rules of a file, one a line; those that are not wanted are commented out."""
        lines = []
        for found in rules_in(text, with_disabled=True):
            rule = Rule(found.text, file, found.enabled)
            enabled = rule.enabled and not any(holds(rule) for holds in self.disable)
            enabled = enabled or any(holds(rule) for holds in self.enable)
            for change in self.modify:
                rule = Rule(change(rule), file, enabled)
            lines.append(f"{'' if enabled else '# '}{rule.text}\n")
        return "".join(lines)


def read_selection(enable: Path | None, disable: Path | None, modify: Path | None) -> Selection:
    """What the files ask for. Raises ConfigError with file and line."""
    return Selection(
        disable=[_filter(text, where) for text, where in _lines(disable)],
        enable=[_filter(text, where) for text, where in _lines(enable)],
        modify=[_change(text, where) for text, where in _lines(modify)],
    )


def _lines(path: Path | None) -> list[tuple[str, str]]:
    """(line without its comment, path:number) of all that is neither empty nor a comment."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONF).decode("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    numbered = ((line.strip(), f"{path}:{number}") for number, line in enumerate(text.split("\n"), 1))
    told = ((line, where) for line, where in numbered if line and not line.startswith("#"))
    return [
        (found[1].strip() if (found := _REMARKED.fullmatch(line)) else line, where) for line, where in told
    ]


def _filter(text: str, where: str) -> Filter:
    kind, colon, rest = text.partition(":")
    if text == "*":
        return lambda _rule: True
    if _SIDS.fullmatch(text):
        wanted = {_ids(one.strip()) for one in text.split(",")}
        return lambda rule: rule.ids in wanted
    reader = _FILTERS.get(kind.strip()) if colon else None
    if reader is None:
        raise ConfigError(
            f"{where}: {text[:60]!r} is no filter.", hint="Write a sid, re:, group:, filename: or metadata:."
        )
    return reader(rest.strip(), where)


def _ids(text: str) -> tuple[int, int]:
    gid, _, sid = text.rpartition(":")
    return int(gid or 1), int(sid)


def _expression(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"{where}: {text[:60]!r} is no regular expression: {error}.") from error


def _by_text(text: str, where: str) -> Filter:
    found = _expression(text.strip('"'), where)
    return lambda rule: found.search(rule.text) is not None


def _by_file(text: str, _where: str) -> Filter:
    pattern = Path(text).name
    return lambda rule: any(
        fnmatch.fnmatch(name, pattern) for name in (rule.file, rule.file.removesuffix(".rules"))
    )


def _by_metadata(text: str, _where: str) -> Filter:
    key, _, value = (part.strip().casefold() for part in text.partition(" "))

    def holds(rule: Rule) -> bool:
        pairs = (pair.split(None, 1) for found in _METADATA.findall(rule.text) for pair in found.split(","))
        return any(
            [part.strip().casefold() for part in pair] == [key, value] for pair in pairs if len(pair) == 2
        )

    return holds


_FILTERS: Final[dict[str, Callable[[str, str], Filter]]] = {
    "re": _by_text,
    "group": _by_file,
    "filename": _by_file,
    "metadata": _by_metadata,
}


def _change(text: str, where: str) -> Callable[[Rule], str]:
    found = _CHANGE.fullmatch(text)
    if found is None:
        raise ConfigError(f"{where}: needs a filter and two texts in quotes: {text[:60]!r}.")
    holds = _filter(f"re:{found[3]}" if found[3] is not None else found[2], where)
    before, after = _unescaped(found[4]), _unescaped(found[5])
    if (found[1] or "").startswith("metadata"):
        return lambda rule: _with_metadata(rule, before, after) if holds(rule) else rule.text
    expression = _expression(before, where)
    replacement = _GROUP.sub(r"\\\1", after)
    try:
        expression.sub(replacement, "")
        _check_groups(expression, replacement)
    except (re.error, IndexError) as error:
        raise ConfigError(f"{where}: {after[:60]!r} cannot be put there: {error}.") from error
    return lambda rule: expression.sub(replacement, rule.text) if holds(rule) else rule.text


def _check_groups(expression: re.Pattern[str], replacement: str) -> None:
    """Raises re.error for a group that the expression has not; `sub` says so only when something matches."""
    for number in re.findall(r"\\(\d)", replacement):
        if int(number) > expression.groups:
            raise re.error(f"there is no group {number}")


def _unescaped(text: str) -> str:
    return text.replace('\\"', '"')


def _with_metadata(rule: Rule, key: str, value: str) -> str:
    end = rule.text.rfind(")")
    return f"{rule.text[:end].rstrip()} metadata: {key} {value};{rule.text[end:]}" if end > 0 else rule.text

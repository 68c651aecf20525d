"""The operator's switches: which rules and packs are on or off, kept across restarts, with undo.

Of two switches that concern one rule (its own and its pack's) the later one counts. The file is JSON,
written whole beside the old one and then moved over it, so that a crash leaves either the old or the
new state. A file that cannot be read is moved aside, never overwritten.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vpi_tui.model.errors import VpiError

VERSION = 1
MAX_HISTORY = 50
MAX_UNDO = 50_000
"""Switches in all of the history; a change of every rule of a large set is one entry of many."""
MAX_BYTES = 64 << 20

RuleKey = tuple[int, int]
"""(gid, sid)."""


class ShippedRule(NamedTuple):
    """A rule as it was loaded. pack: as of Origin."""

    gid: int
    sid: int
    pack: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off, and when: `at` counts the changes from 1."""

    enabled: bool
    at: int


@dataclass(frozen=True, slots=True)
class Change:
    """One change that can be undone: what each switch was before, None = not set."""

    label: str
    before: dict[str, Switch | None]


@dataclass(slots=True)
class RuleSwitches:
    """Switches by key, `1:9000001` for a rule and `pack:recon` for a pack."""

    path: Path | None
    """None = kept nowhere: the switches last as long as the program."""
    switches: dict[str, Switch] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """What happened while loading that the operator should know."""

    @classmethod
    def load(cls, path: Path | None) -> RuleSwitches:
        """Read the file; without one all is as shipped. Raises VpiError when it is there but locked away."""
        made = cls(path)
        if path is None:
            return made
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"larger than {MAX_BYTES:,} bytes")
            made._read(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return made
        except OSError as error:
            raise VpiError(
                f"The switches of the rules at {path} cannot be read: {error.strerror}.",
                hint="Give this user the right to read the file, or move it away.",
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            made = cls(path)
            made.notices.append(f"{path} was no valid state ({error}); it was kept as {_set_aside(path)}")
        return made

    def set(self, enabled: bool, *, rules: Iterable[RuleKey] = (), packs: Iterable[str] = ()) -> None:
        """Switch rules and whole packs, and save.

        Raises VpiError when saving fails; the switches then hold until the program ends.
        """
        keys = [f"{gid}:{sid}" for gid, sid in rules] + [f"pack:{name}" for name in packs]
        if not keys:
            return
        at = 1 + max((switch.at for switch in self.switches.values()), default=0)
        self.history.append(Change(_label(keys, enabled), {key: self.switches.get(key) for key in keys}))
        del self.history[:-MAX_HISTORY]
        while len(self.history) > 1 and sum(len(change.before) for change in self.history) > MAX_UNDO:
            del self.history[0]
        self.switches.update(dict.fromkeys(keys, Switch(enabled, at)))
        self._save()

    def undo(self) -> str:
        """Take the last change back and save; gives its label, "" when there is none."""
        if not self.history:
            return ""
        change = self.history.pop()
        for key, switch in change.before.items():
            if switch is None:
                self.switches.pop(key, None)
            else:
                self.switches[key] = switch
        self._save()
        return change.label

    def apply(self, rules: Iterable[ShippedRule]) -> list[bool]:
        """For each rule whether it is on: as shipped, unless a switch says otherwise."""
        if not self.switches:
            return [rule.enabled for rule in rules]
        return [self._enabled(rule) for rule in rules]

    def _enabled(self, rule: ShippedRule) -> bool:
        own = self.switches.get(f"{rule.gid}:{rule.sid}")
        pack = self.switches.get(f"pack:{rule.pack}")
        if own is None or pack is None:
            chosen = own or pack
            return rule.enabled if chosen is None else chosen.enabled
        return own.enabled if own.at >= pack.at else pack.enabled

    def _read(self, data: Any) -> None:
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']!r}, not {VERSION}")
        self.switches = {str(key): _switch(value) for key, value in data["switches"].items()}
        for change in data["history"][-MAX_HISTORY:]:
            before = {
                str(key): None if old is None else _switch(old) for key, old in change["before"].items()
            }
            self.history.append(Change(str(change["label"]), before))

    def _save(self) -> None:
        if self.path is None:
            return
        data = {
            "version": VERSION,
            "switches": {key: [switch.enabled, switch.at] for key, switch in self.switches.items()},
            "history": [
                {
                    "label": change.label,
                    "before": {key: old and [old.enabled, old.at] for key, old in change.before.items()},
                }
                for change in self.history
            ],
        }
        try:
            _write(self.path, msgspec.json.encode(data))
        except OSError as error:
            raise VpiError(
                f"The switches of the rules cannot be saved to {self.path}: {error.strerror}.",
                hint="They hold until the program ends; make the directory writable to keep them.",
            ) from None


def _switch(value: Any) -> Switch:
    enabled, at = value
    if not isinstance(enabled, bool) or not isinstance(at, int):
        raise ValueError(f"not a switch: {value!r:.40}")
    return Switch(enabled, at)


def _label(keys: list[str], enabled: bool) -> str:
    what = keys[0].replace("pack:", "pack ") if len(keys) == 1 else f"{len(keys):,} rules or packs"
    return f"{what} {'on' if enabled else 'off'}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        # Without this the move itself could be lost in a power cut.
        os.fsync(directory)
    finally:
        os.close(directory)


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    try:
        path.rename(aside)
    except OSError as error:
        raise VpiError(
            f"{path} is no valid state and cannot be moved aside: {error.strerror}.",
            hint="Move it away by hand.",
        ) from None
    return aside

"""A new rule set beside the old one, and the switch from one to the other: both are there, or the old one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vpi_tui.detect.rules.loader import LoadResult, load
from vpi_tui.model.errors import VpiError

CURRENT: Final = "current"
"""A symbolic link in the directory of rule sets: the one in force."""
Files = dict[str, dict[str, bytes]]
"""Source -> file name -> content."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What changed. added and so on: numbers of rules, by gid and sid, whether they are enabled or not."""

    directory: Path
    rules: int
    enabled: int
    refused: int
    added: int
    removed: int
    changed: int


def install(rulesets: Path, files: Files, variables: dict[str, str] | None = None) -> Installed:
    """Write, check and switch. Raises VpiError, and the old set stays in force."""
    fresh = rulesets / f"set-{_next_number(rulesets)}"
    try:
        _write(fresh, files)
        loaded = _load(_sources_in(fresh), variables)
        enabled = sum(signature.enabled for signature in loaded.signatures)
        if not enabled:
            first = f" The first: {loaded.errors[0]}." if loaded.errors else ""
            raise VpiError(f"No rule of the new set loads.{first}", hint="The old rules stay.")
        before = _revisions(_load(_sources_in(rulesets / CURRENT), variables))
        after = _revisions(loaded)
        _switch(rulesets, fresh)
    except VpiError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise VpiError(f"{fresh} cannot be written: {error.strerror}.", hint="The old rules stay.") from error
    _remove_others(rulesets, fresh)
    return Installed(
        directory=fresh,
        rules=len(loaded.signatures),
        enabled=enabled,
        refused=len(loaded.errors),
        added=len(after.keys() - before.keys()),
        removed=len(before.keys() - after.keys()),
        changed=sum(before[key] != after[key] for key in before.keys() & after.keys()),
    )


def _sources_in(directory: Path) -> tuple[Path, ...]:
    """Its directories, one a source; empty when there is none such."""
    return tuple(sorted(one for one in directory.iterdir() if one.is_dir())) if directory.is_dir() else ()


def _next_number(rulesets: Path) -> int:
    taken = [int(one.name[4:]) for one in rulesets.glob("set-*") if one.name[4:].isdigit()]
    return max(taken, default=0) + 1


def _write(fresh: Path, files: Files) -> None:
    for source, contents in files.items():
        directory = fresh / source
        directory.mkdir(parents=True)
        for name, content in contents.items():
            (directory / name).write_bytes(content)


def _load(directories: tuple[Path, ...], variables: dict[str, str] | None) -> LoadResult:
    return load(directories, variables, with_disabled=True)


def _revisions(loaded: LoadResult) -> dict[tuple[int, int], str]:
    return {(s.gid, s.sid): s.raw for s in loaded.signatures}


def _switch(rulesets: Path, fresh: Path) -> None:
    """One rename: whoever reads meanwhile has the one set or the other."""
    link = rulesets / f".{CURRENT}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.replace(rulesets / CURRENT)


def _remove_others(rulesets: Path, kept: Path) -> None:
    """All older sets but the one before."""
    old = sorted(
        (one for one in rulesets.glob("set-*") if one != kept and one.name[4:].isdigit()),
        key=lambda one: int(one.name[4:]),
    )
    for one in old[:-1]:
        shutil.rmtree(one, ignore_errors=True)

"""Compiled rules kept by their content, so that the second start with the same rules is quick.

An entry is found by the names of the rule files, the settings that rules depend on and a digest of the
program. It holds digests of all files that went into it, and is used as long as each of them is as it was.
There is one entry for each choice of files and settings: updated rules take the place of the old ones.

Whoever could write an entry could choose what the sensor sees. So it is read only from a directory that
nobody else can write, when it is ours and as it was written; anything else is passed over and made anew.
Nothing that is wrong with the cache is an error.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import numpy as np

from vpi_tui.config.paths import PACKAGE, is_private_and_writable, source_digest
from vpi_tui.detect import regex
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.inputs import rule_files_in, unchanged
from vpi_tui.detect.rules.loader import LoadResult, load
from vpi_tui.detect.rules.sources import reputation_files, settings_read
from vpi_tui.detect.stored.codec import CompiledRules, restore, store
from vpi_tui.detect.stored.container import is_whole
from vpi_tui.engine.forked import fork, unnamed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.errors import VpiError

MOST_ENTRIES: Final = 8
"""The ones that were used last stay; 25,000 rules take 50 MB."""
LARGE: Final = 4 << 20
"""Bytes of rules, some 6,000, and of reputation lists, beyond which what parsing leaves of a heap matters."""
SUFFIX: Final = ".ruleset"
_DEPENDS_ON: Final = ("detect", "model")


def compiled_rules(spec: EngineSpec, *, may_fork: bool = True) -> CompiledRules:
    """The rules of the order, from the cache or from their files. A refused rule is listed, not raised.

    may_fork: large sets may be compiled by a child, which takes the memory that this needs along when it
    ends. Raises ConfigError for a setting that cannot be.
    """
    entry = entry_of(spec)
    if entry is not None:
        if (found := _kept(entry)) is not None:
            return found
        if may_fork and _is_large(spec):
            _compile_apart(spec, entry)
            if (found := _kept(entry)) is not None:
                return found
    return _stored(compile_rules(spec), entry)


def compile_rules(spec: EngineSpec) -> CompiledRules:
    """From their files."""
    loaded = read_rules(spec)
    return CompiledRules(loaded, RuleSet.compile(loaded.signatures))


def read_rules(spec: EngineSpec) -> LoadResult:
    """The rules of the order, or the bundled packs."""
    data = spec.options.get("data-dir")
    files = spec.rules or (spec.rules_dir,)
    return load(files, spec.variables, data_dir=Path(data) if data else None, options=spec.options)


def entry_of(spec: EngineSpec) -> Path | None:
    """Where these rules belong; None = there is no place to keep them."""
    if not spec.rule_cache or not is_private_and_writable(Path(spec.rule_cache)):
        return None
    settings = settings_read(spec.options)
    asked = (spec.rules or (spec.rules_dir,), sorted(spec.variables.items()), sorted(settings.items()))
    versions = (sys.version, np.__version__, msgspec.__version__, regex.LIBRARY)
    digest = blake2b(_sources(PACKAGE), digest_size=16)
    digest.update(repr((asked, versions)).encode("utf-8", "surrogateescape"))
    return Path(spec.rule_cache, digest.hexdigest() + SUFFIX)


@cache
def _sources(package: Path) -> bytes:
    """Digest of what this process runs, even when the files are replaced under it."""
    return source_digest(package, _DEPENDS_ON).encode()


def mapped(file: BinaryIO) -> CompiledRules:
    """The rules of an open file, which may be closed afterwards. Raises ValueError."""
    return restore(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)))


def _is_large(spec: EngineSpec) -> bool:
    total = 0
    with contextlib.suppress(OSError):
        for path in map(Path, spec.rules or (spec.rules_dir,)):
            files = rule_files_in(path) if path.is_dir() else [path]
            total += sum(file.stat().st_size for file in files)
        total += sum(file.stat().st_size for file in reputation_files(spec.options))
    return total > LARGE


def _compile_apart(spec: EngineSpec, entry: Path) -> None:
    """Let a child make the entry. What goes wrong there goes wrong here again, where somebody can be told."""

    def work() -> None:
        with contextlib.suppress(VpiError):
            _stored(compile_rules(spec), entry)

    try:
        pid = fork(work)
    except OSError:
        return
    try:
        os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _kept(entry: Path) -> CompiledRules | None:
    """None = there is nothing that may be used."""
    try:
        with os.fdopen(os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())
            ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o022
            if not ours or not is_whole(file):
                return None
            found = mapped(file)
        if not unchanged(found.loaded.inputs):
            return None
        os.utime(entry)
    except (OSError, ValueError, TypeError):
        return None
    return found


def _stored(compiled: CompiledRules, entry: Path | None) -> CompiledRules:
    """The same rules, in a file: of the cache, or else in memory. What is not needed of them so goes."""
    with contextlib.suppress(OSError, ValueError):
        if entry is not None:
            with _new(entry) as file:
                store(compiled, file)
                found = mapped(file)
            _remove_unused(entry)
            return found
    with contextlib.suppress(OSError, ValueError), unnamed("vpi-tui-rules") as file:
        store(compiled, file)
        return mapped(file)
    return compiled


@contextlib.contextmanager
def _new(entry: Path) -> Iterator[BinaryIO]:
    """A file that becomes the entry at once, when it is whole."""
    handle, name = tempfile.mkstemp(dir=entry.parent, prefix=".", suffix=SUFFIX)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
        Path(name).replace(entry)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove_unused(entry: Path) -> None:
    """Those that were not used for longest, and what a start that was killed left behind."""
    with contextlib.suppress(OSError):
        found = sorted(entry.parent.glob(f"*{SUFFIX}"), key=lambda path: path.lstat().st_mtime, reverse=True)
        for path in found[MOST_ENTRIES:]:
            path.unlink(missing_ok=True)

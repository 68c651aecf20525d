"""The whole of `rules update`: all sources or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from vpi_tui.config.paths import with_home
from vpi_tui.update.archive import read_local, unpack
from vpi_tui.update.fetch import ArchiveCache, Fetched
from vpi_tui.update.install import Files, Installed, install
from vpi_tui.update.selection import Selection, read_selection
from vpi_tui.update.sources import RuleSource, Sources

Say = Callable[[str], None]


def update(
    sources: Sources,
    rulesets: Path,
    archives: Path,
    say: Say,
    *,
    offline: bool = False,
    variables: dict[str, str] | None = None,
) -> Installed:
    """Fetch, choose, check and put in place. offline: the archives fetched last, with today's choices.

    Raises VpiError (also ConfigError) when anything is wrong; the set in force is then as it was.
    """
    selection = read_selection(sources.enable, sources.disable, sources.modify)
    cache = ArchiveCache(archives)
    files: Files = {
        source.name: _chosen(_files(source, cache, say, offline=offline), selection)
        for source in sources.sources
    }
    return install(rulesets, files, variables)


def _files(source: RuleSource, cache: ArchiveCache, say: Say, *, offline: bool) -> dict[str, bytes]:
    if source.path:
        found = read_local(with_home(source.path))
        say(f"{source.name}: {len(found):,} files of {source.path}")
        return found
    fetched: Fetched = cache.cached(source) if offline else cache.fetch(source)
    found = unpack(fetched.data, source.name, PurePosixPath(urlsplit(source.url).path).name)
    news = "new" if fetched.new else "as fetched before"
    say(f"{source.name}: {len(fetched.data):,} bytes, {len(found):,} files, {news}")
    return found


def _chosen(files: dict[str, bytes], selection: Selection) -> dict[str, bytes]:
    return {name: _edited(name, data, selection) for name, data in files.items()}


def _edited(name: str, data: bytes, selection: Selection) -> bytes:
    if not name.endswith(".rules"):
        return data
    text = data.decode("utf-8", "surrogateescape")
    return selection.apply(text, name).encode("utf-8", "surrogateescape")

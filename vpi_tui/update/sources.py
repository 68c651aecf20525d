"""sources.yaml: where rule sets come from, and which of their rules are wanted.

sources:
  et-open:
    url: https://rules.emergingthreats.net/open/suricata-7.0.3/emerging.rules.tar.gz
    # %(__version__)s = the release of Suricata whose rule language is read, as suricata-update has it
    checksum: md5           # that of URL.md5, published beside it; or sha256:HEX; or none
  local:
    path: /etc/vpi-tui/local.rules
enable: enable.conf         # as suricata-update reads them; relative to this file
disable: disable.conf
modify: modify.conf
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from vpi_tui.config.document import Mapping, Node, read_document
from vpi_tui.config.paths import with_home
from vpi_tui.detect.rules.keywords.requires import LANGUAGE_VERSION

FILE_NAME: Final = "sources.yaml"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PARAMETER: Final = re.compile(r"%\([^)]*\)s")
_SHA256: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RuleSource:
    """One rule set. Either url or path is set. checksum: md5, sha256:HEX or none."""

    name: str
    url: str = ""
    path: str = ""
    checksum: str = "none"


@dataclass(frozen=True, slots=True)
class Sources:
    """What sources.yaml says; paths are absolute, None = there is none."""

    sources: tuple[RuleSource, ...]
    enable: Path | None = None
    disable: Path | None = None
    modify: Path | None = None


ET_OPEN: Final = RuleSource(
    "et-open", "https://rules.emergingthreats.net/open/suricata-7.0.3/emerging.rules.tar.gz", checksum="md5"
)
"""What is fetched when nothing else is said: Emerging Threats Open, which is free."""


def read_sources(path: Path) -> Sources:
    """The sources of a file. Without the file: ET Open. Raises ConfigError."""
    if not path.exists():
        return Sources((ET_OPEN,))
    root = read_document(path)
    if root is None:
        return Sources((ET_OPEN,))
    found = root.mapping(FILE_NAME)
    found.only(("sources", "enable", "disable", "modify"), FILE_NAME)
    listed = found.get("sources")
    sources = (
        tuple(_source(name, node) for name, node in listed.mapping("sources").entries.items())
        if listed is not None
        else (ET_OPEN,)
    )
    return Sources(sources, *(_beside(path, found, key) for key in ("enable", "disable", "modify")))


def _beside(path: Path, found: Mapping, key: str) -> Path | None:
    node = found.get(key)
    if node is None:
        return None
    chosen = path.parent / with_home(node.text(key))
    if not chosen.is_file():
        raise node.error(f"{key}: there is no file {chosen}.")
    return chosen


def _source(name: str, node: Node) -> RuleSource:
    if not _NAME.fullmatch(name):
        raise node.error(
            f"a source cannot be called {name[:40]!r}.", "Use letters, digits, '.', '-' and '_'."
        )
    found = node.mapping(f"source {name}")
    found.only(("url", "path", "checksum"), f"source {name}")
    values = {key: found.entries[key].text(key) for key in found}
    url, path, checksum = (
        _with_version(values.get("url", "")),
        values.get("path", ""),
        values.get("checksum", "none"),
    )
    if bool(url) == bool(path):
        raise node.error(f"source {name} needs either url or path.")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise node.error(f"source {name}: the url must begin with http:// or https://.")
    if unknown := _PARAMETER.search(url):
        raise node.error(
            f"source {name}: {unknown[0][:40]} stands for nothing here.",
            "Write in its place what it is to be.",
        )
    if not (checksum in ("md5", "none") or _SHA256.fullmatch(checksum)):
        raise node.error(f"source {name}: checksum must be md5, none or sha256: and 64 digits.")
    return RuleSource(name, url, path, checksum)


def _with_version(url: str) -> str:
    """As suricata-update writes them: rules are published for each release of Suricata."""
    return url.replace("%(__version__)s", ".".join(map(str, LANGUAGE_VERSION)))

"""Archives over HTTP: fetched again only when they changed (ETag, RFC 9110), checked before they count."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vpi_tui import __version__
from vpi_tui.model.errors import VpiError
from vpi_tui.update.sources import RuleSource

TIMEOUT: Final = 30.0
"""Seconds without a byte."""
MAX_ARCHIVE: Final = 256 << 20
"""Bytes of an archive as sent; the largest public one has 6 MB."""
_MD5: Final = re.compile(rb"\b[0-9a-fA-F]{32}\b")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive that is at hand. new: it was not here before."""

    data: bytes
    new: bool


class ArchiveCache:
    """The archives fetched last, and what their servers said of them. Raises VpiError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fetch(self, source: RuleSource) -> Fetched:
        """The archive of a source with a url. The one at hand stays until a better one is proven."""
        archive, note = self._files(source)
        known = _read_note(note) if archive.is_file() else {}
        if known.get("url") != source.url:
            known = {}
        answer = _get(source.url, known)
        if answer is None:
            data = archive.read_bytes()
            _verify(source, data)
            return Fetched(data, new=False)
        data, headers = answer
        _verify(source, data)
        self._keep(archive, note, data, {"url": source.url, **headers})
        return Fetched(data, new=True)

    def cached(self, source: RuleSource) -> Fetched:
        """The archive fetched last, without asking the server."""
        archive, _ = self._files(source)
        try:
            return Fetched(archive.read_bytes(), new=False)
        except OSError as error:
            raise VpiError(
                f"{source.name} was never fetched.", hint="Run `vpi-tui rules update` with the network."
            ) from error

    def _files(self, source: RuleSource) -> tuple[Path, Path]:
        return self._directory / f"{source.name}.archive", self._directory / f"{source.name}.json"

    def _keep(self, archive: Path, note: Path, data: bytes, said: dict[str, str]) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for path, content in ((archive, data), (note, json.dumps(said).encode())):
                fresh = path.with_suffix(".new")
                fresh.write_bytes(content)
                fresh.replace(path)
        except OSError as error:
            raise VpiError(f"{archive} cannot be written: {error.strerror}.") from error


def _read_note(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _get(url: str, known: dict[str, str]) -> tuple[bytes, dict[str, str]] | None:
    """(body, what to ask with next time); None = it is as it was. Raises VpiError."""
    asked = {"User-Agent": f"vpi-tui/{__version__}"}
    if "etag" in known:
        asked["If-None-Match"] = known["etag"]
    elif "last_modified" in known:
        asked["If-Modified-Since"] = known["last_modified"]
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=asked), timeout=TIMEOUT) as answer:
            data = answer.read(MAX_ARCHIVE + 1)
            length = answer.headers.get("Content-Length", "")
            said = {"etag": answer.headers.get("ETag"), "last_modified": answer.headers.get("Last-Modified")}
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return None
        raise VpiError(
            f"{url}: the server answers {error.code} {error.reason}.", hint="Check the url."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise VpiError(
            f"{url} cannot be fetched: {reason}.", hint="Check the network, then try again."
        ) from error
    if len(data) > MAX_ARCHIVE:
        raise VpiError(f"{url} is larger than {MAX_ARCHIVE >> 20} MiB.")
    if length.isdigit() and len(data) != int(length):
        raise VpiError(f"{url}: {len(data):,} of {int(length):,} bytes came.", hint="Try again.")
    return data, {key: value for key, value in said.items() if value}


def _verify(source: RuleSource, data: bytes) -> None:
    if source.checksum == "none":
        return
    if source.checksum == "md5":
        found = _get(f"{source.url}.md5", {})
        said = _MD5.search(found[0]) if found is not None else None
        if said is None:
            raise VpiError(f"{source.url}.md5 holds no MD5 sum.", hint="Or set `checksum: none`.")
        wanted, digest = said[0].decode().lower(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    else:
        wanted, digest = source.checksum.partition(":")[2], hashlib.sha256(data).hexdigest()
    if digest != wanted:
        raise VpiError(
            f"{source.name}: the checksum is {digest} and should be {wanted}.",
            hint="The download is damaged or was changed on its way; the old rules stay.",
        )

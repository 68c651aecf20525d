"""Where things are: bundled rules and themes, the user's directories, the cache of compiled kernels."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from vpi_tui import __version__

APP = "vpi-tui"
SYSTEM_CONFIG = Path("/etc/vpi-tui/config.yaml")
SYSTEM_CACHE = Path("/var/cache/vpi-tui")
"""Cache of root. Compiled kernels are pickles, which run what they hold when they are read: root reads them
from a directory that nobody else can write, never from a home directory that sudo may have left in $HOME."""
SYSTEM_STATE = Path("/var/lib/vpi-tui")
"""State of root. Not in root's home, where the user that a live engine becomes could not get at it."""
RUNTIME = Path("/run/vpi-tui")
"""What lives no longer than this boot; only root writes there."""
_CACHE_PREFIX = "numba-"
_CACHE_KEPT = 86_400
"""Seconds that the compiled kernels of another version are kept."""
_IMPORT = re.compile(rb"^from (vpi_tui[\w.]*) import", re.M)
_TYPES = re.compile(rb"NamedTuple|np\.dtype\(")
PACKAGE = Path(__file__).resolve().parent.parent


def _bundled(name: str) -> Path:
    installed = PACKAGE / "data" / name
    return installed if installed.is_dir() else PACKAGE.parent / name


def rules_dir() -> Path:
    """The bundled rule packs: beside the package when installed, else those of the source checkout."""
    return _bundled("rules")


def themes_dir() -> Path:
    """The bundled themes."""
    return _bundled("themes")


def with_home(text: str) -> Path:
    """A path that may begin with `~` or `~user`; as in a shell, `~user` of nobody stays as it is."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  (pathlib raises RuntimeError for such a user)


def user_config_dir() -> Path:
    """$XDG_CONFIG_HOME/vpi-tui, usually ~/.config/vpi-tui. It need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir(APP))


def user_state_dir() -> Path:
    """$XDG_STATE_HOME/vpi-tui, usually ~/.local/state/vpi-tui; for root /var/lib/vpi-tui."""
    import platformdirs

    return SYSTEM_STATE if os.geteuid() == 0 else Path(platformdirs.user_state_dir(APP))


def user_cache_dir() -> Path:
    """$XDG_CACHE_HOME/vpi-tui, usually ~/.cache/vpi-tui; for root /var/cache/vpi-tui."""
    import platformdirs

    return SYSTEM_CACHE if os.geteuid() == 0 else Path(platformdirs.user_cache_dir(APP))


def rule_cache_dir() -> Path:
    """Where compiled sets of rules are kept."""
    return user_cache_dir() / "rules"


def rulesets_dir() -> Path:
    """Where `rules update` puts rule sets."""
    return user_state_dir() / "rulesets"


def installed_rules() -> tuple[Path, ...]:
    """The directories of the rule set that `rules update` put in force, one a source; empty when none is."""
    current = rulesets_dir() / "current"
    return tuple(sorted(one for one in current.iterdir() if one.is_dir())) if current.is_dir() else ()


def config_files() -> tuple[Path, ...]:
    """Configuration files in the order in which they are read; the later ones win."""
    return (SYSTEM_CONFIG, user_config_dir() / "config.yaml")


def child_environment() -> dict[str, str]:
    """The environment of a Python process that we start: ours, with this very package first on its path."""
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def prepare_numba_cache() -> Path:
    """Choose the directory of compiled kernels and set NUMBA_CACHE_DIR, which numba reads when imported.

    A directory given by NUMBA_CACHE_DIR is kept. Otherwise the user's cache directory is taken, or, when that
    cannot be written or belongs to somebody else, a private temporary directory that this process removes at
    its end (kernels are then compiled again each time).
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    chosen = kernel_cache_dir()
    if is_private_and_writable(chosen):
        os.utime(chosen)
        _remove_unused(chosen)
    else:
        chosen = Path(tempfile.mkdtemp(prefix="vpi-tui-numba-"))
        atexit.register(shutil.rmtree, chosen, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(chosen)
    return chosen


def kernel_cache_dir() -> Path:
    """Where the compiled kernels of exactly this program belong.

    The name carries a digest of the sources, because numba looks only at the time stamp of the file that a
    kernel stands in: not at the kernels it calls, and those of an installed wheel never change. (It does look
    at its own version and at the processor.)
    """
    return user_cache_dir() / f"{_CACHE_PREFIX}{kernel_digest(PACKAGE)}"


def kernel_digest(package: Path) -> str:
    """Digest of all sources that compiled code depends on: kernels, what they import, and types they take."""
    from hashlib import blake2b

    digest = blake2b(__version__.encode(), digest_size=8)
    for path, source in sorted(_kernel_sources(package).items()):
        digest.update(path.encode() + b"\0" + source + b"\0")
    return digest.hexdigest()


def source_digest(package: Path, rooms: Iterable[str]) -> str:
    """Digest of all sources of some rooms: what they made of something is of no use to others."""
    from hashlib import blake2b

    digest = blake2b(__version__.encode(), digest_size=8)
    for path in sorted(path for room in rooms for path in (package / room).rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _kernel_sources(package: Path) -> dict[str, bytes]:
    """Path within the package to source."""
    kernels = {path: path.read_bytes() for path in package.rglob("kernels*.py")}
    rooms = {path.parent for path in kernels} | {package / "model"}
    others = {path: path.read_bytes() for room in rooms for path in room.glob("*.py") if path not in kernels}
    imported = {
        package.parent / f"{name.decode().replace('.', '/')}.py"
        for source in kernels.values()
        for name in _IMPORT.findall(source)
    }
    typed = {path: source for path, source in others.items() if path in imported or _TYPES.search(source)}
    return {str(path.relative_to(package)): source for path, source in (kernels | typed).items()}


def _remove_unused(current: Path) -> None:
    """Remove the caches of other versions that nobody started for a day. One that resists is left."""
    oldest = time.time() - _CACHE_KEPT
    for other in current.parent.glob(f"{_CACHE_PREFIX}*"):
        with contextlib.suppress(OSError):
            if other != current and other.lstat().st_mtime < oldest:
                shutil.rmtree(other)


def is_private_and_writable(directory: Path) -> bool:
    """True when the directory is (or could be made) ours, a real directory, and only we can write it."""
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return False
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False

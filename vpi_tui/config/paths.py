"""Where things are: bundled rules and themes, the user's directories, the cache of compiled kernels."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

APP = "vpi-tui"
SYSTEM_CONFIG = Path("/etc/vpi-tui/config.yaml")
SYSTEM_CACHE = Path("/var/cache/vpi-tui")
"""Cache of root. Compiled kernels are pickles, which run what they hold when they are read: root reads them
from a directory that nobody else can write, never from a home directory that sudo may have left in $HOME."""
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


def user_config_dir() -> Path:
    """$XDG_CONFIG_HOME/vpi-tui, usually ~/.config/vpi-tui. It need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir(APP))


def user_state_dir() -> Path:
    """$XDG_STATE_HOME/vpi-tui, usually ~/.local/state/vpi-tui. It need not exist."""
    import platformdirs

    return Path(platformdirs.user_state_dir(APP))


def user_cache_dir() -> Path:
    """$XDG_CACHE_HOME/vpi-tui, usually ~/.cache/vpi-tui; for root /var/cache/vpi-tui."""
    import platformdirs

    return SYSTEM_CACHE if os.geteuid() == 0 else Path(platformdirs.user_cache_dir(APP))


def config_files() -> tuple[Path, ...]:
    """Configuration files in the order in which they are read; the later ones win."""
    return (SYSTEM_CONFIG, user_config_dir() / "config.yaml")


def prepare_numba_cache() -> Path:
    """Choose the directory of compiled kernels and set NUMBA_CACHE_DIR, which numba reads when imported.

    A directory given by NUMBA_CACHE_DIR is kept. Otherwise the user's cache directory is taken, or, when that
    cannot be written or belongs to somebody else, a private temporary directory of this process (kernels are
    then compiled again each time).
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    chosen = user_cache_dir() / "numba"
    if not is_private_and_writable(chosen):
        chosen = Path(tempfile.mkdtemp(prefix="vpi-tui-numba-"))
    os.environ["NUMBA_CACHE_DIR"] = str(chosen)
    return chosen


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

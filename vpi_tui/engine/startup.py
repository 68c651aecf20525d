"""Giving up root, and what must be arranged before."""

from __future__ import annotations

import codecs
import os
import pwd
from pathlib import Path
from typing import Final

from vpi_tui.capture.privileges import drop_to
from vpi_tui.detect.transforms import public_suffixes
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.errors import ConfigError

LATE_CODECS: Final = ("utf-16-le", "utf-16-be", "utf-32-be")
"""Modules of the standard library that are loaded by the first text of that kind, which the wire brings."""


def load_what_is_late() -> None:
    """What is loaded when it is first needed is loaded now: Python may lie where another user cannot read."""
    for name in LATE_CODECS:
        codecs.lookup(name)
    public_suffixes()


def become(spec: EngineSpec) -> None:
    """Become the configured user for good; whoever is not root only gives up capabilities."""
    if os.geteuid() == 0:
        load_what_is_late()
    if os.geteuid() != 0 or spec.user:
        drop_to(spec.user)


def owner_to_be(spec: EngineSpec) -> tuple[int, int] | None:
    """User and group that the engine becomes; None = it stays who it is. Raises ConfigError."""
    if os.geteuid() != 0 or not spec.user:
        return None
    try:
        user = pwd.getpwnam(spec.user)
    except KeyError:
        raise ConfigError(
            f"There is no user {spec.user!r} on this machine.", hint="Name another with --user."
        ) from None
    return user.pw_uid, user.pw_gid


def prepare_state_dir(spec: EngineSpec) -> str:
    """Make the directory of the rule switches writable for the user that the engine becomes.

    A notice when that fails: switches then act all the same, and are not kept. Raises ConfigError when there
    is no such user.
    """
    if not spec.state_dir:
        return ""
    state, owner = Path(spec.state_dir), owner_to_be(spec)
    try:
        state.mkdir(mode=0o755, parents=True, exist_ok=True)
        if owner is not None:
            for path in (state, *state.iterdir()):
                os.chown(path, *owner, follow_symlinks=False)
    except OSError as error:
        return f"Rule switches will not be kept: {state} cannot be used ({error.strerror})."
    return ""

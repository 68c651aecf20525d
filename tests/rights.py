"""Being nobody for a while: root may read and write everything, so what is refused to others needs others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users and gives files away")


@contextmanager
def nobodys_folder() -> Iterator[Path]:
    """A new directory, of this process's user; root makes one of nobody's, and is nobody while it lasts."""
    with tempfile.TemporaryDirectory() as made:  # not below pytest's own, which nobody may not enter
        folder, is_root = Path(made), os.geteuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o700)

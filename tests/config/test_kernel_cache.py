"""The cache of compiled kernels changes its place with the sources that the code was made of."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from vpi_tui.config import paths


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # so that what is set below is undone
    monkeypatch.setattr(paths, "user_cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_any_kernel_or_type_that_changes_changes_the_digest(tmp_path: Path) -> None:
    copy = tmp_path / "vpi_tui"
    shutil.copytree(paths.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
    before = paths.kernel_digest(copy)
    assert before == paths.kernel_digest(paths.PACKAGE)
    for name in ("flow/kernels_index.py", "decode/ipopts.py", "model/batch.py", "capture/columns.py"):
        source = copy / name
        os.utime(source)
        assert paths.kernel_digest(copy) == before, "a time stamp alone says nothing"
        text = source.read_text()
        source.write_text(text + "\nCHANGED = 1\n")
        assert paths.kernel_digest(copy) != before, name
        source.write_text(text)
    (copy / "cli" / "doctor.py").write_text("")
    assert paths.kernel_digest(copy) == before, "what no kernel depends on keeps the cache"


def test_caches_of_other_versions_go_when_nobody_uses_them(home: Path) -> None:
    stale, fresh = home / "numba-0123456789abcdef", home / "numba-fedcba9876543210"
    for directory in (stale, fresh):
        directory.mkdir(parents=True)
        (directory / "kernel.nbc").write_bytes(b"code")
    long_ago = time.time() - 3 * 86_400
    os.utime(stale, (long_ago, long_ago))
    chosen = paths.prepare_numba_cache()
    assert chosen.parent == home
    assert os.environ["NUMBA_CACHE_DIR"] == str(chosen)
    assert not stale.exists()
    assert fresh.exists()
    assert paths.prepare_numba_cache() == chosen


def test_a_cache_that_others_can_write_is_not_used(home: Path) -> None:
    shared = paths.kernel_cache_dir()
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    chosen = paths.prepare_numba_cache()
    assert chosen != shared
    assert chosen.stat().st_mode & 0o077 == 0
    chosen.rmdir()

"""Where things are found, and which directory may hold compiled code."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.rights import needs_root, nobodys_folder
from vpi_tui.config import paths


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user without NUMBA_CACHE_DIR, with all directories below tmp_path. Gives that of the kernels."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setattr(paths, "SYSTEM_CACHE", tmp_path / "cache" / "vpi-tui")
    monkeypatch.setattr(paths, "SYSTEM_STATE", tmp_path / "state" / "vpi-tui")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return paths.kernel_cache_dir()


def test_bundled_files_are_found():
    assert {path.name for path in paths.rules_dir().glob("*.yaml")} >= {"recon.yaml", "web-attack.yaml"}
    assert "slate.yaml" in {path.name for path in paths.themes_dir().glob("*.yaml")}


def test_directories_follow_xdg(home, tmp_path):
    assert paths.user_config_dir() == tmp_path / "config" / "vpi-tui"
    assert paths.user_state_dir() == tmp_path / "state" / "vpi-tui"
    assert paths.config_files() == (Path("/etc/vpi-tui/config.yaml"), tmp_path / "config/vpi-tui/config.yaml")


def test_a_home_is_filled_in_where_there_is_one(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.with_home("~/a") == tmp_path / "a"
    assert paths.with_home("~no-such-user/a") == Path("~no-such-user/a")
    assert paths.with_home("b/~") == Path("b/~")


def test_the_cache_is_made_and_told_to_numba(home, tmp_path):
    assert home.parent == tmp_path / "cache" / "vpi-tui"
    assert paths.prepare_numba_cache() == home
    assert os.environ["NUMBA_CACHE_DIR"] == str(home)
    assert home.is_dir()


def test_a_given_cache_is_kept(home, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    assert paths.prepare_numba_cache() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def _a_file(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("")


def _below_a_file(cache: Path) -> None:
    cache.parent.parent.mkdir(parents=True)
    cache.parent.write_text("")


def _writable_by_all(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)


def _writable_by_group(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o770)


def _a_link(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    (cache.parent / "real").mkdir()
    cache.symlink_to("real")


def _a_dangling_link(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.symlink_to("nowhere")


def _of_somebody_else(cache: Path) -> None:
    cache.mkdir(parents=True)
    os.chown(cache, 65534, 65534)


@pytest.mark.parametrize(
    "spoil",
    [
        _a_file,
        _below_a_file,
        _writable_by_all,
        _writable_by_group,
        _a_link,
        _a_dangling_link,
        pytest.param(_of_somebody_else, marks=needs_root),
    ],
)
def test_compiled_code_is_read_only_from_a_directory_that_is_ours_alone(home, spoil):
    """Cached kernels are pickles: whoever can write there can run code as us."""
    spoil(home)
    assert not paths.is_private_and_writable(home)
    chosen = paths.prepare_numba_cache()
    assert chosen.parent == Path(tempfile.gettempdir())
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o700
    assert paths.is_private_and_writable(chosen)


def test_a_read_only_directory():
    with nobodys_folder() as folder:
        assert paths.is_private_and_writable(folder)
        folder.chmod(0o555)
        assert not paths.is_private_and_writable(folder)


def test_a_temporary_cache_goes_with_the_process(tmp_path):
    (tmp_path / "file").write_text("")
    code = f"""if True:
        from vpi_tui.config import paths
        paths.user_cache_dir = lambda: paths.Path({str(tmp_path / "file")!r})
        print(paths.prepare_numba_cache())
    """
    env = {**os.environ, "NUMBA_CACHE_DIR": "", "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", code]
    said = subprocess.run(
        words, env=env, capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()
    assert Path(said).parent == tmp_path
    assert not Path(said).exists()

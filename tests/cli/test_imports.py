"""The command line answers before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("textual", "rich", "scapy", "numba", "numpy", "ahocorasick", "pyroute2", "yaml")
PROBE = """
import contextlib, io, sys
from vpi_tui.cli.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(sys.argv[1:])
print(*sorted(set(sys.modules) & set({heavy!r})))
"""


def imported(*words: str) -> list[str]:
    probe = [sys.executable, "-c", PROBE.format(heavy=HEAVY), *words]
    return subprocess.run(probe, capture_output=True, text=True, check=True, timeout=60).stdout.split()


def test_version_and_help_import_nothing_heavy() -> None:
    assert imported("--version") == []
    assert imported("--help") == []
    assert imported("replay", "--help") == []
    assert imported("lab", "attack", "list") == []


def test_the_probe_sees_what_is_imported() -> None:
    assert "yaml" in imported("rules", "list", "--filter", "nothing has this")


def test_what_starts_an_engine_imports_no_stage() -> None:
    """The ui's process pays for it before its first paint."""
    code = (
        "import sys, vpi_tui.engine.child, vpi_tui.engine.spec;"
        f"print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []

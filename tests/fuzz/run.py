"""What the fuzzers share: the folder of inputs, and the start of atheris."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris


def require_plain_python() -> None:
    """Must be called before numba is imported by anything."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        sys.exit("Run with NUMBA_DISABLE_JIT=1: atheris sees nothing of compiled loops.")


def fuzz(one_input: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Run until the options of libFuzzer say stop, or `one_input` raises."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(f"usage: {Path(sys.argv[0]).stem} FOLDER [-max_total_time=SECONDS] [libFuzzer options]")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        for number, seed in enumerate(seeds):
            (folder / f"seed-{number:03}").write_bytes(seed)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()

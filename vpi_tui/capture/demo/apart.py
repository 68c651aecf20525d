"""Builds the scenario in a process of its own: what scapy and the building leave in memory goes with it.

`python -m vpi_tui.capture.demo.apart SEED` writes the columns of the Reel to standard output, one after the
other, each in numpy's .npy format.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from vpi_tui.capture.demo.scenario import build
from vpi_tui.capture.demo.timeline import Reel
from vpi_tui.config.paths import child_environment


def build_apart(seed: int) -> Reel:
    """The same as `scenario.build`; built here when there can be no other process."""
    with tempfile.TemporaryFile() as built:
        command = [sys.executable, "-P", "-m", __name__, str(seed)]
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=built, check=True, env=child_environment()
            )
        except (OSError, subprocess.CalledProcessError):
            return build(seed)
        built.seek(0)
        columns: list[Any] = [np.load(built, allow_pickle=False) for _ in Reel._fields]
    reel = Reel._make(columns)
    return reel._replace(length_ns=int(reel.length_ns))


def _write(seed: int) -> None:
    for column in build(seed):
        np.save(sys.stdout.buffer, np.asarray(column), allow_pickle=False)


if __name__ == "__main__":
    _write(int(sys.argv[1]))

"""`vpi-tui warmup`: compile the kernels now, so that no later start waits for them."""

from __future__ import annotations

import argparse
import sys
import time

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, Parser, examples
from vpi_tui.cli.progress import ProgressLine
from vpi_tui.config.paths import prepare_numba_cache


def _configure(parser: Parser) -> None:
    """It has no flags of its own."""


def _run(_: argparse.Namespace) -> int:
    cache = prepare_numba_cache()
    from vpi_tui.engine.warmup import warmup

    began = time.monotonic()
    with ProgressLine(sys.stderr) as line:
        warmup(line.show)
    print(f"Kernels are ready ({time.monotonic() - began:.1f} s); compiled code is in {cache}.")
    return EXIT_DONE


COMMAND = Command(
    name="warmup",
    summary="compile the kernels now, once",
    description="Compiles the loops that look at packets and keeps the result in the cache directory, so"
    " that no later start waits for it. The first time takes about a minute on two cores,"
    " later ones a second.",
    epilog=examples(("vpi-tui warmup", "after an install or an update")),
    configure=_configure,
    run=_run,
)

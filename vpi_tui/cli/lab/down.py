"""`vpi-tui lab down`."""

from __future__ import annotations

import argparse

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, Parser, examples
from vpi_tui.lab.names import Names


def _configure(parser: Parser) -> None:
    """It has no flags of its own."""


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.lab.remove import down

    print("The lab is gone." if down(Names(args.name)) else "There was no lab.")
    return EXIT_DONE


VERB = Command(
    name="down",
    summary="remove it, with all that runs in it",
    description="Ends every process in the lab's namespaces and removes them, its switches, and its files in"
    " /run/vpi-tui, also those that a killed `up` has left. Harmless when there is none.",
    epilog=examples(("sudo vpi-tui lab down", "leaves nothing behind")),
    configure=_configure,
    run=_run,
)

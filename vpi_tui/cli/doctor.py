"""`vpi-tui doctor`: what this machine lacks, each line OK or what to do."""

from __future__ import annotations

import argparse
import sys

from vpi_tui.cli.checks import CHECKS, Context, Finding
from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, examples
from vpi_tui.view.escape import safe

MOST = 4_000
"""Characters of one line."""
_COLOURS = {"OK": "32", "WARN": "33", "FAIL": "31"}


def _configure(parser: Parser) -> None:
    """It has no flags of its own."""


def _run(args: argparse.Namespace) -> int:
    context = Context(args.config)
    worst = EXIT_DONE
    for check in CHECKS:
        for finding in check(context):
            print(_line(finding, sys.stdout.isatty()))
            if finding.level == "FAIL":
                worst = EXIT_FAILED
    return worst


def _line(finding: Finding, colour: bool) -> str:
    level = f"{finding.level:<4}"
    if colour:
        level = f"\x1b[{_COLOURS[finding.level]}m{level}\x1b[0m"
    # Names of guests and ports are what whoever made them liked.
    line = f"{level}  {finding.subject:<12} {safe(finding.text, MOST)}"
    return f"{line}\n{'':20}{safe(finding.todo, MOST)}" if finding.todo else line


COMMAND = Command(
    name="doctor",
    summary="check this machine: each line OK, or what to do",
    description="Checks rights, kernel features, interfaces, the terminal, versions, rules and files. Exit 1"
    " when something fails.",
    epilog=examples(("sudo vpi-tui doctor", "with the rights that live capture has")),
    configure=_configure,
    run=_run,
)

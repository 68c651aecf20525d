"""`vpi-tui rules`: check, list, explain, test and update rules, without an engine."""

from __future__ import annotations

import argparse
from typing import Final

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import Parser, examples
from vpi_tui.cli.rules.check import CHECK
from vpi_tui.cli.rules.explain import EXPLAIN, SHOW
from vpi_tui.cli.rules.listing import LIST
from vpi_tui.cli.rules.test import TEST
from vpi_tui.cli.rules.update import UPDATE

VERBS: Final = (CHECK, LIST, EXPLAIN, SHOW, TEST, UPDATE)


def _configure(parser: Parser) -> None:
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb in VERBS:
        verb.add_to(subparsers)


def _run(args: argparse.Namespace) -> int:
    return next(verb for verb in VERBS if verb.name == args.verb).run(args)


COMMAND = Command(
    name="rules",
    summary="check, list, explain, test and update rules",
    description="Looks after rule files and packs without watching anything.",
    epilog=examples(
        ("vpi-tui rules check local.rules", "does every rule load?"),
        ("vpi-tui rules list --pack recon", "the rules of one pack"),
        ("vpi-tui rules explain 9000001", "one rule, in words, and what it costs"),
        ("vpi-tui rules update", "fetch the rule sets of sources.yaml"),
    ),
    configure=_configure,
    run=_run,
)

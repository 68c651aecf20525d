"""`vpi-tui policy`: check a segmentation policy, or learn one."""

from __future__ import annotations

import argparse
from typing import Final

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import Parser, examples
from vpi_tui.cli.policy.check import CHECK
from vpi_tui.cli.policy.learn import LEARN

VERBS: Final = (CHECK, LEARN)


def _configure(parser: Parser) -> None:
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb in VERBS:
        child = subparsers.add_parser(
            verb.name, help=verb.summary, description=verb.description, epilog=verb.epilog
        )
        verb.configure(child)


def _run(args: argparse.Namespace) -> int:
    return next(verb for verb in VERBS if verb.name == args.verb).run(args)


COMMAND = Command(
    name="policy",
    summary="check or learn who may speak to whom",
    description="Looks after segmentation policies: which guests may open which connections."
    " `vpi-tui -p FILE` raises an alert for each connection that a policy does not allow.",
    epilog=examples(
        ("vpi-tui policy check policy.yaml", "is it well written?"),
        ("sudo vpi-tui policy learn --seconds 3600 -o policy.yaml", "what was said in an hour, as a policy"),
        ("vpi-tui policy learn -r monday.pcap", "the same of a capture file, on standard output"),
    ),
    configure=_configure,
    run=_run,
)

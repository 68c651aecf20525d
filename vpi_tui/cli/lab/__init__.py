"""`vpi-tui lab`: a small virtual network to try it on."""

from __future__ import annotations

import argparse
from typing import Final

from vpi_tui.cli.command import Command
from vpi_tui.cli.lab import attack, down, status, up
from vpi_tui.cli.parser import Parser, examples
from vpi_tui.lab.names import DEFAULT

VERBS: Final = (up.VERB, status.VERB, attack.VERB, down.VERB)


def _configure(parser: Parser) -> None:
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb in VERBS:
        child = subparsers.add_parser(
            verb.name, help=verb.summary, description=verb.description, epilog=verb.epilog
        )
        verb.configure(child)
        child.add_argument(
            "--name",
            default=DEFAULT,
            metavar="NAME",
            help="of the lab, when there is to be more than one; all that it makes begins with it"
            f" (default: {DEFAULT})",
        )


def _run(args: argparse.Namespace) -> int:
    return next(verb for verb in VERBS if verb.name == args.verb).run(args)


COMMAND = Command(
    name="lab",
    summary="a virtual network to try it on: real guests, real attacks",
    description="Makes guests (network namespaces) on a Linux bridge and, where it is installed, on Open"
    " vSwitch, with real services and everyday traffic, and attacks them. The switches have no uplink and"
    " the host no address on them: nothing gets out. Needs root, Linux and iproute2.",
    epilog=examples(
        ("sudo vpi-tui lab up", "in one terminal"),
        ("sudo vpi-tui", "in a second one: the lab's switches and guests"),
        ("sudo vpi-tui lab attack scan", "in the first again: the alert comes within a second"),
        ("sudo vpi-tui lab down", "all of it is gone"),
    ),
    configure=_configure,
    run=_run,
)

"""The commands, in the order of --help. A new one is a module with a COMMAND and a line here."""

from __future__ import annotations

import argparse
from pathlib import Path

from vpi_tui import __version__
from vpi_tui.cli import (
    audit,
    completion,
    demo,
    doctor,
    lab,
    live,
    policy,
    replay,
    rules,
    scan,
    settings,
    warmup,
)
from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import Parser, examples

COMMANDS: tuple[Command, ...] = (
    live.COMMAND,
    demo.COMMAND,
    replay.COMMAND,
    scan.COMMAND,
    audit.COMMAND,
    rules.COMMAND,
    policy.COMMAND,
    lab.COMMAND,
    warmup.COMMAND,
    doctor.COMMAND,
    settings.COMMAND,
    completion.COMMAND,
)
DEFAULT = live.COMMAND.name
BY_NAME = {command.name: command for command in COMMANDS}


def build_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="vpi-tui",
        description="Sees what the virtual machines on this host say to each other. Without a command: live.",
        epilog=examples(
            ("vpi-tui demo", "a look at it, with staged traffic; needs no rights"),
            ("sudo vpi-tui", "the virtual switches of this host, live"),
            ("vpi-tui replay capture.pcapng", "the dashboard over a capture file"),
            ("vpi-tui scan capture.pcap", "which rules alert on it, no dashboard"),
            ("vpi-tui doctor", "what this machine lacks, if anything"),
        ),
    )
    parser.add_argument("--version", action="version", version=f"vpi-tui {__version__}")
    _add_common(parser, config=None, debug=False)
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", parser_class=Parser, title="commands"
    )
    for command in COMMANDS:
        child = subparsers.add_parser(
            command.name, help=command.summary, description=command.description, epilog=command.epilog
        )
        command.configure(child)
        for below in (child, *child.commands().values()):
            _add_common(below, config=argparse.SUPPRESS, debug=argparse.SUPPRESS)
    return parser


def _add_common(parser: Parser, config: object, debug: object) -> None:
    """Flags before or after the command; after it they have no default, to keep what stood before."""
    group = parser.add_argument_group("common")
    group.add_argument(
        "--config",
        type=Path,
        default=config,
        metavar="FILE",
        help="read these settings too, after the usual files",
    )
    group.add_argument("--debug", action="store_true", default=debug, help="show the traceback of an error")
